"""The phone's script says nothing that the catalogues do not hold, and uses nothing that its browsers lack."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Final

import pytest

from node.pages.phone import FILES, WORDS, words
from schemas.labels import LANGUAGES

STATIC: Final = Path(__file__).resolve().parents[2] / "node" / "static"
SCRIPTS: Final = [*sorted((STATIC / "phone").glob("*.js")), STATIC / "phone.sw.js"]
NAMED: Final = re.compile(rf'"((?:{"|".join(map(re.escape, WORDS))})[a-z_.]*)"')
CALLED: Final = re.compile(r'\bt\("([a-z_.]+)"(?:, (\{[^}]*\}|[a-z_.]+))?\)')
# Newer than Chromium 109, the floor, or not there on plain http.
TOO_NEW: Final = ("randomUUID", "Promise.withResolvers", "Object.groupBy", ".toSorted(", ".toReversed(", ".with(",
                  "URL.canParse", "AbortSignal.any", "structuredClone(", "popover", ":has(")  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_the_script_names_is_sent_to_it(language: str) -> None:
    sent = words(language)
    named = {key for path in SCRIPTS for key in NAMED.findall(path.read_text("utf-8"))}
    assert len(named) > 60
    assert named - sent.keys() == set()


def test_every_blank_of_a_word_is_filled_in_by_the_script() -> None:
    unfilled = []
    for path in SCRIPTS:
        for key, given in CALLED.findall(path.read_text("utf-8")):
            blanks = {name for _, name, _, _ in Formatter().parse(words("zh_CN")[key]) if name}
            named = set(re.findall(r"(\w+):|\{ (\w+) \}", given)) if given.startswith("{") else None
            filled = None if named is None and given else {one for pair in named or () for one in pair if one}
            if filled is not None and blanks - filled:
                unfilled.append((path.name, key, blanks - filled))
    assert unfilled == []


def test_the_script_asks_for_nothing_that_an_old_browser_or_plain_http_lacks() -> None:
    code = {path.name: re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text("utf-8"), flags=re.S) for path in SCRIPTS}
    assert [(name, one) for name, text in code.items() for one in TOO_NEW if one in text] == []


def test_every_script_is_kept_by_the_service_worker() -> None:
    assert {f"phone/{path.name}" for path in SCRIPTS[:-1]} <= set(FILES)


def test_every_import_of_the_script_leads_to_a_file_that_is_kept() -> None:
    imported = {
        name
        for path in SCRIPTS
        for name in re.findall(r'from "(?:\.|/app/\{version\}/phone)/(\w+\.js)"', path.read_text("utf-8"))
    }
    assert {f"phone/{name}" for name in imported} - set(FILES) == set()
