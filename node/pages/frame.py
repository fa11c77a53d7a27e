"""What every page has: words in the reader's language, navigation, where we are."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request, url_for

from node import charts, link_queries, status
from node.access import rule_for
from node.cases.supervision_queries import silent_of
from node.daily.duties import missing_yesterday
from node.desk import todo
from node.guard import language, replica
from node.pages.texts import day_text, days_text, number, time_text
from node.rooms import Entry, Rooms
from schemas.clock import business_day, local_text
from schemas.errors import GridError, Invalid
from schemas.labels import explain, has_label, label, period_text
from sync.directory import tree_of

Link = dict[str, Any]
# The side menu shows the entries in groups, the tab bar the first ones and "more".
WORK: Final[tuple[Entry, ...]] = (
    ("pages.today", "nav.today", "home"),
    ("pages.todo_page", "nav.todo", "list"),
    ("pages.cases", "nav.cases", "case"),
    ("pages.missing", "nav.missing", "bell"),
    ("pages.supervisions", "nav.supervisions", "case"),
    ("pages.records", "nav.records", "list"),
)
FIGURES: Final[tuple[Entry, ...]] = (
    ("pages.reports", "nav.reports", "list"),
    ("pages.quality", "nav.quality", "chart"),
    ("pages.rollup_page", "nav.rollup", "chart"),
)
SYSTEM: Final[tuple[Entry, ...]] = (
    ("pages.sync_page", "nav.sync", "sync"),
    ("pages.nodes_page", "nav.nodes", "case"),
    ("pages.users_page", "nav.users", "list"),
    ("pages.audit_page", "nav.audit", "lock"),
)
GROUPS: Final = {"nav.group.work": WORK, "nav.group.figures": FIGURES, "nav.group.system": SYSTEM}
# Pages that belong to an entry of the menu.
INSIDE: Final = {
    "pages.today": ("pages.found", "pages.found_case", "pages.enter_found_case", "pages.take_in", "pages.take_in_file"),
    "pages.cases": ("pages.new_case", "pages.register_case", "pages.case", "pages.case_private",
                    "pages.agreement", "pages.act", "pages.enter_act"),
    "pages.reports": ("pages.report", "pages.enter_report", "pages.forms", "pages.form_return",
                      "pages.enter_form_return", "pages.send_form_back", "pages.form_totals"),
    "pages.quality": ("pages.quality_records",),
    "pages.rollup_page": ("pages.rollup_records",),
    "pages.nodes_page": ("pages.one_node", "pages.replace_node", "pages.revoke_node", "pages.readmit_node"),
    "pages.missing": ("pages.missing_reports", "pages.excuses", "pages.enter_excuse", "pages.cancel_excuse",
                      "pages.reminders"),
    "pages.records": ("pages.check_return", "pages.send_check_back"),
}  # fmt: skip
TABS: Final = 4
MAX_TEXT: Final = 2_000


def install(app: Flask) -> None:
    """Filters, functions and the context of every template."""
    app.jinja_env.filters.update(number=number, day=day_text, days=days_text, time=time_text, moment=local_text)
    app.jinja_env.filters["period"] = lambda period: period_text(period, language())
    app.jinja_env.globals["charts"] = charts
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    lang = language()
    account = getattr(g, "account", None)
    context: dict[str, Any] = {
        "t": lambda key, /, **params: label(lang, key, **params),
        "lang": lang,
        "static": lambda name: url_for("static", filename=name),
        "user": account,
        "here": here(),
        "is_hub": replica().identity.is_top,
        "nav": [],
        "tabbar": [],
        "link": None,
    }
    if account is not None:
        context |= {"nav": _nav(lang, account.role), "tabbar": _tabbar(lang, account.role), "link": _link(lang)}
    return context


def here() -> Mapping[str, Any]:
    """The unit of this node with the names above it, highest first."""
    node = replica()
    tree, today = tree_of(node), business_day(node.env.now_ms())
    me = node.identity
    names = [found.name for unit in tree.ancestors(me.unit, today) if (found := tree.nearest(unit, today))]
    return {
        "unit": me.unit,
        "name": names[0] if names else me.unit,
        "level": me.level,
        "path": list(reversed(names[1:])),
    }


def rooms() -> Rooms:
    """What this application has besides a node's own pages."""
    added: Rooms = current_app.extensions["rooms"]
    return added


def require_sure() -> None:
    """Raises Invalid unless the form says that its act, which can't be taken back, is meant."""
    if request.form.get("confirm") != "yes":
        raise Invalid("confirm_needed", field="confirm")


def may_open(endpoint: str, role: str) -> bool:
    """Whether a role may look at a page."""
    rule = rule_for(endpoint, "GET")
    return rule is not None and (rule.public or role in rule.roles)


def _item(lang: str, endpoint: str, key: str, icon: str) -> Link:
    hot = endpoint == "pages.sync_page"
    counted = COUNTED.get(endpoint)
    count = counted() if counted else 0
    return {
        "href": url_for(endpoint), "label": label(lang, key), "icon": icon,
        "current": request.endpoint in (endpoint, *INSIDE.get(endpoint, ()), *rooms().inside.get(endpoint, ())),
        "count": count, "hot": hot and bool(count),
    }  # fmt: skip


def _groups(role: str) -> dict[str, list[Entry]]:
    """The menu of a role: the groups that are added first, then the node's own."""
    added = rooms().menu
    names = [*(name for name in added if name not in GROUPS), *GROUPS]
    groups = {name: (*added.get(name, ()), *GROUPS.get(name, ())) for name in names}
    return {name: [entry for entry in entries if may_open(entry[0], role)] for name, entries in groups.items()}


def _nav(lang: str, role: str) -> list[Link]:
    return [
        {"title": label(lang, name), "items": [_item(lang, *entry) for entry in entries]}
        for name, entries in _groups(role).items()
        if entries
    ]


def _tabbar(lang: str, role: str) -> list[Link]:
    entries = [entry for group in _groups(role).values() for entry in group]
    tabs = entries if len(entries) <= TABS + 1 else [*entries[:TABS], ("pages.more", "nav.more", "more")]
    return [_item(lang, *entry) for entry in tabs]


def _attention() -> int:
    if "attention" not in g:
        node = replica()
        open_refusals = [row for row in status.refused(node) if not row["held"] or not row["here"]]
        g.attention = len(open_refusals) + len(status.forks(node))
    count: int = g.attention
    return count


def _missing() -> int:
    if "missing" not in g:
        g.missing = missing_yesterday(replica(), g.account.unit)
    count: int = g.missing
    return count


def _silent() -> int:
    """Supervisions of the own unit that were not answered in time."""
    node = replica()
    return silent_of(node.db, g.account.unit, business_day(node.env.now_ms()).isoformat())[0]


def _todo() -> int | str:
    if "todo" not in g:
        g.todo = todo.count(replica(), g.account)
    return g.todo if g.todo <= todo.MENU_COUNT else f"{todo.MENU_COUNT}+"


# What the menu counts beside an entry.
COUNTED: Final[Mapping[str, Callable[[], int | str]]] = {
    "pages.sync_page": _attention,
    "pages.missing": _missing,
    "pages.todo_page": _todo,
    "pages.supervisions": _silent,
}


def _link(lang: str) -> Link:
    """The small badge in the top bar: whether this node's records are on their way."""
    node = replica()
    if node.identity.is_top:
        return {"state": "top", "text": label(lang, "link.top")}
    link, waiting = link_queries.parent_link(node.db), status.queue(node)
    if link is not None and link.problem:
        return {"state": "off", "text": label(lang, "link.off")}
    if link is None or link.last_seen_at is None:
        return {"state": "wait", "text": label(lang, "link.never")}
    if waiting:
        return {"state": "wait", "text": label(lang, "link.waiting", count=waiting)}
    return {"state": "ok", "text": label(lang, "link.ok", at=time_text(link.last_seen_at))}


# ---- forms


def typed(name: str) -> str:
    """A form field as people meant it: full-width digits and signs become plain ones (NFKC), ends are trimmed."""
    text = request.form.get(name, "")
    if len(text) > MAX_TEXT:
        raise Invalid("too_long", field=name, value=text, limit=MAX_TEXT)
    return unicodedata.normalize("NFKC", text).strip()


def local_path(text: str | None) -> str:
    """A path of this site, or the front page: a link must not lead people elsewhere."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable():
        return "/"
    return text


def page(template: str, title: str, status_code: int = 200, /, **model: object) -> Response:
    """A rendered page with a title from the catalogue."""
    return make_response(
        render_template(template, page_title=label(language(), title), here_url=request.full_path, **model), status_code
    )


def error_page(error: GridError) -> Response:
    """A refusal as a page; who is not signed in is led to the sign-in page and back."""
    lang = language()
    if error.status == 401:
        return redirect(
            url_for("pages.sign_in", next=request.full_path.rstrip("?") if request.method == "GET" else "/")
        )  # type: ignore[return-value]
    way_out = f"way_out.{error.code}"
    error = _with_names(error)
    model = {
        "status": error.status,
        "title": label(lang, f"status.{error.status}"),
        "detail": explain(lang, error),
        "way_out": label(lang, way_out) if has_label(lang, way_out) else None,
    }
    return page("error.html", f"status.{error.status}", error.status, **model)


def _with_names(error: GridError) -> GridError:
    """The refusal with the names of units in the place of their codes."""
    node = replica()
    tree, today = tree_of(node), business_day(node.env.now_ms())

    def named(value: object) -> object:
        known = tree.nearest(value, today) if isinstance(value, str) and value.isdigit() else None
        return known.name if known else value

    params = {name: named(value) for name, value in error.params.items()}
    return type(error)(error.code, field=error.field, value=named(error.value), **params)
