from __future__ import annotations

import json
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.cadence import (
    DEFAULT_PROFILE,
    PROFILES,
    Calendar,
    Profile,
    due_at,
    grace_end,
    profile_payload,
    read_profile,
)
from schemas.clock import iso_instant
from schemas.errors import Invalid
from schemas.periods import CADENCES, Period, parse_period
from schemas.units.tree import LEVELS

DENSE = PROFILES["dense"]
GOOD = profile_payload(DEFAULT_PROFILE)
CADENCE = {"group": "day", "village": "week", "township": "month", "county": "quarter", "city": "year"}
days = st.dates(date(2026, 1, 1), date(2026, 3, 1))
entries = st.lists(st.tuples(days, st.integers(0, 2), st.sampled_from(list(PROFILES.values()))), max_size=6)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"name": ""}, "bad_profile_name", "name"),
        ({"name": "密"}, "bad_profile_name", "name"),
        ({"name": "dense\n"}, "bad_profile_name", "name"),
        ({"name": 3}, "bad_profile_name", "name"),
        ({"due_days": {}}, "unknown_field", "due_days"),
        ({"cadences": None}, "not_by_level", "cadences"),
        ({"cadences": {**CADENCE, "hamlet": "day"}}, "unknown_field", "cadences.hamlet"),
        ({"cadences": {"group": "day"}}, "bad_cadence", "cadences.village"),
        ({"cadences": {**CADENCE, "city": "decade"}}, "bad_cadence", "cadences.city"),
        ({"cadences": {**CADENCE, "city": ["year"]}}, "bad_cadence", "cadences.city"),
        ({"due_day": [2]}, "not_by_level", "due_day"),
        ({"due_day": {"village": -1}}, "out_of_range", "due_day.village"),
        ({"due_day": {"village": 61}}, "out_of_range", "due_day.village"),
        ({"due_day": {"village": True}}, "out_of_range", "due_day.village"),
        ({"due_day": {"village": "2"}}, "out_of_range", "due_day.village"),
        ({"due_day": {"hamlet": 2}}, "unknown_field", "due_day.hamlet"),
        ({"due_time": "24:00"}, "bad_clock_time", "due_time"),
        ({"due_time": "8:00"}, "bad_clock_time", "due_time"),
        ({"due_time": "２０:00"}, "bad_clock_time", "due_time"),
        ({"daily_grace": 10}, "bad_clock_time", "daily_grace"),
        ({"grace_days": 32}, "out_of_range", "grace_days"),
        ({"grace_days": None}, "out_of_range", "grace_days"),
        ({"version": 0}, "out_of_range", "version"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_by_field(change: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_profile({**GOOD, **change})
    assert (caught.value.code, caught.value.field) == (code, field)


def test_a_profile_without_name_or_cadences_is_refused() -> None:
    for key, code in (("name", "bad_profile_name"), ("cadences", "not_by_level")):
        with pytest.raises(Invalid) as caught:
            read_profile({name: value for name, value in GOOD.items() if name != key})
        assert (caught.value.code, caught.value.field) == (code, key)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_profile_is_read_back_from_its_payload(profile: Profile) -> None:
    payload = json.loads(json.dumps(profile_payload(profile)))
    assert payload == profile_payload(profile)
    assert read_profile(payload) == profile


def test_the_payload_is_strings_and_integers() -> None:
    assert GOOD == {
        "name": "jingzhou-2022",
        "version": 1,
        "cadences": {
            "group": "day",
            "village": "half-month",
            "township": "month",
            "county": "quarter",
            "city": "half-year",
        },
        "due_day": {"group": 0, "village": 2, "township": 3, "county": 5, "city": 10},
        "due_time": "20:00",
        "daily_grace": "10:00",
        "grace_days": 1,
    }
    assert list(DENSE.cadences.values()) == ["day", "week", "half-month", "month", "quarter"]
    assert all(set(profile.cadences) == set(LEVELS) for profile in PROFILES.values())


def test_what_a_profile_leaves_out_is_as_usual() -> None:
    profile = read_profile({"name": "flood-2027", "cadences": CADENCE, "due_day": {"city": 1}})
    assert profile == Profile("flood-2027", CADENCE, due_day={**DEFAULT_PROFILE.due_day, "city": 1})


@pytest.mark.parametrize(
    ("level", "key", "due", "grace"),
    [
        ("group", "2026-11-23", "2026-11-23T12:00:00.000Z", "2026-11-24T02:00:00.000Z"),
        ("city", "2026-11-23", "2026-11-23T12:00:00.000Z", "2026-11-24T02:00:00.000Z"),
        ("village", "2026-11-H1", "2026-11-17T12:00:00.000Z", "2026-11-18T12:00:00.000Z"),
        ("township", "2026-11", "2026-12-03T12:00:00.000Z", "2026-12-04T12:00:00.000Z"),
        ("county", "2026-Q4", "2027-01-05T12:00:00.000Z", "2027-01-06T12:00:00.000Z"),
        ("city", "2026-S2", "2027-01-10T12:00:00.000Z", "2027-01-11T12:00:00.000Z"),
        ("group", "2026-W48", "2026-11-29T12:00:00.000Z", "2026-11-30T12:00:00.000Z"),
    ],
)
def test_reports_are_due_at_eight_and_in_grace_after(level: str, key: str, due: str, grace: str) -> None:
    period = parse_period(key)
    assert iso_instant(due_at(DEFAULT_PROFILE, level, period)) == due
    assert iso_instant(grace_end(DEFAULT_PROFILE, level, period)) == grace


def test_a_profile_sets_its_own_times() -> None:
    profile = Profile("x", CADENCE, due_day={"village": 4}, due_time=time(9, 30), daily_grace=time(8), grace_days=3)
    assert iso_instant(grace_end(profile, "village", parse_period("2026-W48"))) == "2026-12-06T01:30:00.000Z"
    assert iso_instant(grace_end(profile, "group", parse_period("2026-11-23"))) == "2026-11-24T00:00:00.000Z"


def test_the_default_holds_until_another_profile_begins() -> None:
    calendar = Calendar([(date(2026, 7, 1), 1, DENSE)])
    assert calendar.on(date(2026, 6, 30)) is DEFAULT_PROFILE
    assert calendar.on(date(2026, 7, 1)) is DENSE
    assert Calendar([]).segments(date(2026, 1, 1), date(2026, 1, 1)) == [
        (date(2026, 1, 1), date(2026, 1, 1), DEFAULT_PROFILE)
    ]
    assert calendar.segments(date(2026, 7, 2), date(2026, 7, 1)) == []


def test_of_two_profiles_from_one_day_the_later_published_holds() -> None:
    day = date(2026, 7, 1)
    assert Calendar([(day, 2, DENSE), (day, 1, DEFAULT_PROFILE)]).on(day) is DENSE
    assert Calendar([(day, 2, DEFAULT_PROFILE), (day, 1, DENSE)]).on(day) is DEFAULT_PROFILE


@given(entries, st.randoms(use_true_random=False), days, days)
def test_segments_hold_each_day_once_under_its_own_profile(
    listed: list[tuple[date, int, Profile]], shuffler: object, one_day: date, other: date
) -> None:
    first, last = sorted((one_day, other))
    calendar = Calendar(listed)
    mixed = list(listed)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    segments = calendar.segments(first, last)
    by_day = [(day, profile) for start, end, profile in segments for day in Period("", start, end).each_day()]
    assert by_day == [(day, calendar.on(day)) for day in Period("", first, last).each_day()]
    assert Calendar(mixed).segments(first, last) == segments


@given(st.sampled_from(LEVELS), st.sampled_from(CADENCES), days)
def test_grace_never_ends_before_the_report_is_due(level: str, cadence: str, day: date) -> None:
    period = Period("", day, day + timedelta(days=CADENCES.index(cadence)))
    assert due_at(DENSE, level, period) < grace_end(DENSE, level, period)
