"""The page of a phone, made to open and to save without a network: its shell, its service worker, its files.

Everything that belongs to one version stands under /app/<version>/: a phone that keeps an older one keeps all of it.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, send_from_directory, url_for

from node.guard import language
from node.pages.frame import WORK
from schemas.cases.lists import COMPLEXITIES, CURRENT, SCALES, SOURCES, URGENCIES, category_label
from schemas.entries import FORM
from schemas.labels import LANGUAGES, catalogue, label

NODE: Final = Path(__file__).resolve().parents[1]
STATIC: Final = NODE / "static"
SCRIPTS: Final = tuple(f"phone/{one.name}" for one in sorted((STATIC / "phone").glob("*.js")))
FILES: Final = ("tokens.css", "app.css", "app.js", "icons.svg", "categories.svg", "mark.svg", *SCRIPTS)
TEMPLATES: Final = ("base.html", "parts.html", "phone_case.html", "phone_kit.html", "phone_shell.html")
WORDS: Final = ("phone.", "duty.", "path.", "level_short.", "page.today.", "role.", "page.reminders.received",
                "page.reminders.asks")  # fmt: skip
FOREVER_S: Final = 365 * 86_400
BLANK: Final = {"urgency": "yellow", "complexity": "ordinary", "source": "self_found"}


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/sw.js", "service_worker", service_worker)
    routes.add_url_rule("/app/<wanted>/shell/<lang>", "phone_shell", phone_shell)
    routes.add_url_rule("/app/<wanted>/phone/words-<lang>.js", "phone_words", phone_words)
    routes.add_url_rule("/app/<wanted>/<path:name>", "phone_file", phone_file)


@cache
def version() -> str:
    """Names this version of the phone's page: it changes with every file and word that the page is made of."""
    digest = hashlib.sha256(str(FORM).encode())
    texts = [STATIC / name for name in (*FILES, "phone.sw.js")] + [NODE / "templates" / name for name in TEMPLATES]
    for path in texts:
        digest.update(path.read_bytes())
    for lang in LANGUAGES:
        digest.update(json.dumps(words(lang)).encode())
    return digest.hexdigest()[:12]


def words(lang: str) -> dict[str, str]:
    """The words that the phone's script shows."""
    return {key: text for key, text in catalogue(lang).items() if key.startswith(WORDS)}


def kit(account: str | None, lang: str | None = None) -> dict[str, Any]:
    """What a page needs to be the phone's page as well: version, the lists of the form, and whose page it is; None in
    the shell, which is nobody's.
    """
    lang = lang or language()
    return {
        "kit": {"version": version(), "form": FORM, "lang": lang, "account": account},
        "blank": BLANK,
        "groups": [
            (one.kind, [(f"{one.kind}.{code}", category_label(code)) for code in one.codes]) for one in CURRENT.values()
        ],
        "sources": SOURCES,
        "complexities": COMPLEXITIES,
        "urgencies": URGENCIES,
        "scales": SCALES,
    }


def phone_shell(wanted: str, lang: str) -> Response:
    """The page without anybody's data, in one language; it needs nobody, so that it can be kept before a sign-in."""
    if wanted != version() or lang not in LANGUAGES:
        abort(404)
    links = [
        {"href": url_for(endpoint), "label": label(lang, key), "icon": icon, "current": endpoint == WORK[0][0],
         "count": 0, "hot": False}
        for endpoint, key, icon in WORK
    ]  # fmt: skip
    model = {
        "t": lambda key, /, **params: label(lang, key, **params),
        "lang": lang,
        "static": lambda name: url_for("pages.phone_file", wanted=version(), name=name),
        "here": {"unit": "", "name": label(lang, "page.today.title"), "level": "group", "path": []},
        "nav": [{"title": "", "items": links}],
        "tabbar": links,
        "link": {"state": "off", "text": label(lang, "phone.off")},
        "user": None,
        "is_hub": False,
        "page_title": label(lang, "nav.today"),
        "at_url": "/today",
    }
    return _kept(Response(render_template("phone_shell.html", **kit(None, lang), **model)))


def phone_file(wanted: str, name: str) -> Response:
    """A file of this version; one of another version is not here, so that no two versions are ever mixed."""
    if wanted != version() or name not in FILES:
        abort(404)
    return _kept(send_from_directory(STATIC, name))


def phone_words(wanted: str, lang: str) -> Response:
    """The words of one language as a module of the phone's script."""
    if wanted != version() or lang not in LANGUAGES:
        abort(404)
    text = json.dumps(words(lang), ensure_ascii=False)
    return _kept(Response(f"export default {text};\n", content_type="text/javascript; charset=utf-8"))


def service_worker() -> Response:
    """The worker of this version, with the list of what it keeps."""
    shells = [url_for("pages.phone_shell", wanted=version(), lang=lang) for lang in LANGUAGES]
    files = [url_for("pages.phone_file", wanted=version(), name=name) for name in FILES]
    files += [url_for("pages.phone_words", wanted=version(), lang=lang) for lang in LANGUAGES]
    head = f"const VERSION = {json.dumps(version())};\nconst KEPT = {json.dumps([*shells, *files])};\n"
    text = (STATIC / "phone.sw.js").read_text("utf-8").replace("{version}", version())
    reply = Response(head + text, content_type="text/javascript; charset=utf-8")
    reply.headers["Cache-Control"] = "no-cache"
    return reply


def _kept(reply: Response) -> Response:
    reply.headers["Cache-Control"] = f"public, max-age={FOREVER_S}, immutable"
    return reply
