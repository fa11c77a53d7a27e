"""The style sheets: small, and every class in them is used by a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
STATIC: Final = ROOT / "node" / "static"
SHEETS: Final = ("tokens.css", "app.css")
MAX_BYTES: Final = 20_000  # a page of an old PC over a bad network
# Classes of which pages write the first part and a value the last: `b-{{ tone }}`.
BUILT: Final = ("alert--", "b-", "f-l", "q", "x", "y")
CLASS: Final = re.compile(r"\.([a-z][\w-]*)")


def text_of(name: str) -> str:
    return re.sub(r'/\*.*?\*/|"[^"]*"', "", (STATIC / name).read_text("utf-8"), flags=re.S)


def sources() -> str:
    files = [*ROOT.glob("*/templates/*.html"), *ROOT.glob("node/static/**/*.js"), *ROOT.glob("*/static/*.svg")]
    files += [path for part in ("node", "hub", "schemas") for path in (ROOT / part).rglob("*.py")]
    return "\n".join(path.read_text("utf-8") for path in files)


def test_both_sheets_together_are_under_20_kb() -> None:
    assert sum((STATIC / name).stat().st_size for name in SHEETS) <= MAX_BYTES


def test_every_class_of_the_sheets_is_used_by_a_page() -> None:
    used = set(re.findall(r"[\w-]+", sources()))
    named = set(CLASS.findall(re.sub(r"\{[^{}]*\}", "{}", text_of("app.css"))))
    assert len(named) > 100
    built = {one for one in named if re.fullmatch(rf"({'|'.join(BUILT)})[\w-]+", one)}
    assert named - used - built == set()


def test_every_token_that_a_rule_names_is_there_and_every_token_is_used() -> None:
    tokens, rules = text_of("tokens.css"), text_of("app.css")
    there = set(re.findall(r"(--[\w-]+):", tokens))
    assert set(re.findall(r"var\((--[\w-]+)", rules + tokens)) <= there | set(re.findall(r"(--[\w-]+):", rules))
    assert there - set(re.findall(r"var\((--[\w-]+)", rules + tokens)) == set()


def test_only_the_tokens_name_colours() -> None:
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(", text_of("app.css")) == []
