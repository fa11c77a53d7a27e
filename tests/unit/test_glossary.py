"""docs/glossary.md speaks as the screens do."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.labels import catalogue

GLOSSARY = Path(__file__).resolve().parents[2] / "docs/glossary.md"
GROUPS = ("level.", "duty.", "role.", "measure.checks_", "rate.")
NOT_TERMS = {"duty.found_n", "rate.none"}


def rows() -> list[list[str]]:
    lines = GLOSSARY.read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_every_row_has_a_term_a_word_and_a_meaning_of_one_sentence() -> None:
    assert [row for row in rows() if len(row) != 3 or not all(row)] == []


@pytest.mark.parametrize("key", sorted(k for k in catalogue("zh_CN") if k.startswith(GROUPS) and k not in NOT_TERMS))
def test_a_term_has_the_word_that_the_screen_shows(key: str) -> None:
    name = key.split(".", 1)[1]
    words = [row[1] for row in rows() if f"`{name}`" in row[0]]
    assert catalogue("zh_CN")[key] in words
