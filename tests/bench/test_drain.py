"""The short version of `./grid bench drain`: a week of forty groups over the same thin, bad line."""

from __future__ import annotations

from drain import LEAST_BYTES, MAX_DAYS, drained

GROUPS, WEEKS, KBIT = 40, 1, 256
ROOM = 3  # times the least that is possible; 2.4 when written, headers and first exchanges included


def test_a_county_that_was_offline_drains_over_a_bad_line_without_anybody_s_help() -> None:
    result = drained(GROUPS, WEEKS, KBIT, 0.25, seed=1)
    assert result.problems == []
    assert result.failed > 0
    assert result.events == GROUPS * WEEKS * 7


def test_an_event_costs_little_more_than_its_signature_and_salt() -> None:
    result = drained(GROUPS, WEEKS, KBIT, 0, seed=1)
    assert (result.problems, result.failed) == ([], 0)
    assert result.up_per_event < ROOM * LEAST_BYTES


def test_a_county_that_reaches_nobody_is_told_apart_from_one_that_drained() -> None:
    result = drained(4, WEEKS, KBIT, 1, seed=1)
    assert [one.split(":")[0] for one in result.problems][:2] == ["queue", "checks at the city"]
    assert result.hours >= MAX_DAYS * 24
