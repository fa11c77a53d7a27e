"""Every word shown to people stands in both catalogues, with the same blanks to fill in."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from schemas.errors import GridError, Invalid
from schemas.labels import LANGUAGES, catalogue, explain, has_label

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(path for folder in ("schemas", "sync", "node", "hub") for path in (ROOT / folder).rglob("*.py"))
TEMPLATES = sorted(path for room in ("node", "hub") for path in (ROOT / room / "templates").rglob("*.html"))
ERRORS = (
    "BadRequest|Unauthorised|Forbidden|NotFound|Conflict|TooLarge|UnsupportedMedia|Invalid|TooMany|Unavailable|DiskFull"
    "|Corrupt"
)
RAISED = re.compile(rf'\b(?:{ERRORS})\(\s*"([a-z_0-9]+)"')
NAMED = re.compile(r'\blabel\(\s*[a-z_]+(?:\(\))?,\s*"([a-z_.0-9]+)"')
SHOWN = re.compile(r"""\bt\(\s*["']([a-z_.0-9]+)["']\s*[,)]""")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def used(pattern: re.Pattern[str], paths: list[Path]) -> set[str]:
    return {key for path in paths for key in pattern.findall(path.read_text("utf-8"))}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_that_the_code_raises_has_its_words(language: str) -> None:
    codes = used(RAISED, CODE)
    assert len(codes) > 50
    assert {code for code in codes if not has_label(language, f"error.{code}")} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_that_code_and_templates_name_exists(language: str) -> None:
    keys = used(NAMED, CODE) | used(SHOWN, TEMPLATES)
    assert len(keys) > 100
    assert {key for key in keys if not has_label(language, key)} == set()


def test_both_catalogues_have_the_same_keys_and_the_same_blanks() -> None:
    chinese, english = (catalogue(language) for language in LANGUAGES)
    assert chinese.keys() == english.keys()
    assert {key for key in chinese if blanks(chinese[key]) != blanks(english[key])} == set()


def test_chinese_labels_are_chinese_and_english_ones_are_not() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    english = catalogue("en")
    assert {
        key
        for key, text in english.items()
        if han.search(text) and not key.startswith(("language.", "product.", "demo."))
    } == set()


def test_an_error_says_the_value_and_cuts_a_long_one() -> None:
    error: GridError = Invalid("unknown_unit", field="unit", value="9" * 200)
    assert "9" * 79 + "…" in explain("zh_CN", error)
    assert "9" * 81 not in explain("en", error)
