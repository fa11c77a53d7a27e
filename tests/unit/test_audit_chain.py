"""The chain of administrative acts: whatever is altered, taken out or cut off shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.audit import START, Entry, broken, entry_hash

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
FIELDS = st.tuples(st.integers(0, 2**52), WORDS, WORDS, WORDS, WORDS, WORDS, WORDS)
LOGS = st.lists(FIELDS, min_size=1, max_size=12)
Log = list[tuple[Entry, bytes]]


def chained(rows: list[tuple[int, str, str, str, str, str, str]]) -> Log:
    log: Log = []
    before = START
    for n, fields in enumerate(rows, 1):
        entry = Entry(n, *fields)
        before = entry_hash(before, entry)
        log.append((entry, before))
    return log


@given(LOGS)
def test_a_whole_log_has_nothing_wrong(rows: list[tuple[int, str, str, str, str, str, str]]) -> None:
    assert list(broken(chained(rows), len(rows))) == []


@given(LOGS, st.data())
def test_an_entry_altered_in_any_field_is_named(
    rows: list[tuple[int, str, str, str, str, str, str]], data: st.DataObject
) -> None:
    log = chained(rows)
    at = data.draw(st.integers(0, len(log) - 1))
    name = data.draw(st.sampled_from(Entry._fields[1:]))
    entry, kept = log[at]
    was = getattr(entry, name)
    log[at] = entry._replace(**{name: was + 1 if isinstance(was, int) else was + "x"}), kept
    assert list(broken(log, len(log))) == [f"audit: entry {at + 1} ({log[at][0].act}) was altered"]


@given(LOGS, st.data())
def test_an_entry_taken_out_is_missed_at_the_end_too(
    rows: list[tuple[int, str, str, str, str, str, str]], data: st.DataObject
) -> None:
    log = chained(rows)
    at = data.draw(st.integers(0, len(log) - 1))
    del log[at]
    assert f"audit: entries {at + 1} to {at + 1} are missing" in list(broken(log, len(rows)))


def test_an_entry_rewritten_with_a_hash_of_its_own_breaks_at_the_next() -> None:
    log = chained([(at, "a", "admin", "user_added", "u", "s", "p") for at in range(3)])
    forged = log[1][0]._replace(account="b")
    log[1] = forged, entry_hash(log[0][1], forged)
    assert list(broken(log, 3)) == ["audit: entry 3 (user_added) was altered"]


@pytest.mark.parametrize("given_out", [0, 4])
def test_an_emptied_log_is_told_from_a_new_one(given_out: int) -> None:
    assert list(broken([], given_out)) == (["audit: entries 1 to 4 are missing"] if given_out else [])
