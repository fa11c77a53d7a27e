"""The confirmation: the periodic report of village and above, derived from its subtree and confirmed (2-domain)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final, NamedTuple

from schemas.amending import R, Standing, standing_of
from schemas.cadence import Calendar, due_at, grace_end
from schemas.cases.measures import case_rates
from schemas.clock import at_time
from schemas.duties import Result, on_time
from schemas.errors import Invalid
from schemas.measures import Excuse, Measures, TreeMode, rates
from schemas.periods import Period, period_of, stated_period
from schemas.units.acts import LEVELS
from schemas.units.tree import Tree

ABOUT: Final = "period"  # a `cnf` may be about something else, an issued bulletin for instance: that is no duty
OWING: Final = LEVELS[1:]
CONFIRMATION_MEASURES: Final = (
    "confirmations_due",
    "confirmations_done",  # holds the late ones
    "confirmations_late",
    "confirmations_missing",
)
MAX_REMARKS: Final = 1_000
MAX_FIGURES: Final = 200
MAX_NAME: Final = 64
MAX_COUNT: Final = 2**53
_HASH: Final = 43
_ONE_DAY: Final = timedelta(days=1)
_RATE: Final = ("value", "numerator", "denominator")
_FOUND: Final = ("checks_found", "registered")


class Owed(NamedTuple):
    """A period that ends, and the instants (unix ms) of its confirmation: from when it may be given, when it is due,
    and when its grace ends.
    """

    period: Period
    opens_ms: int
    due_ms: int
    grace_ms: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A confirmation as it stands in the log. `position` and `as_of` are those of the node that wrote it; `own` is the
    part of the measures that the unit's own confirmations made up then.
    """

    event: str
    unit: str
    period: Period
    measures: Measures
    rates: Mapping[str, Mapping[str, Any]]
    own: Measures
    position: int
    as_of: str
    remarks: str
    amends: str | None
    recorded_ms: int

    @property
    def result(self) -> Result:
        """`found` if anything was found in the period, else `zero`."""
        return "found" if any(self.measures.get(name, 0) for name in _FOUND) else "zero"


# ---- what is owed


def owed_on(calendar: Calendar, level: str, day: date) -> Owed | None:
    """What a unit of a level owes for the period that ends on a day, by the profile in force on it; None if none ends
    then, and for groups, which report by checks.
    """
    if level not in OWING:
        return None
    profile = calendar.on(day)
    period = period_of(profile.cadences[level], day)
    if period.last != day:
        return None
    opens = at_time(day if period.days == 1 else day + _ONE_DAY, time(0))
    return Owed(period, opens, due_at(profile, level, period), grace_end(profile, level, period))


def owed_between(calendar: Calendar, level: str, first: date, last: date) -> Iterator[Owed]:
    """What units of a level owe for periods whose last day lies from `first` to `last`, in order."""
    if level not in OWING:
        return
    for start, end, profile in calendar.segments(first, last):
        day = start
        while (period := period_of(profile.cadences[level], day)).last <= end:
            owed = owed_on(calendar, level, period.last)
            if owed is not None:
                yield owed
            day = period.last + _ONE_DAY


def last_owed(calendar: Calendar, level: str, now_ms: int, today: date) -> Owed | None:
    """The newest period of a level that may be confirmed by now; None if there was none in two years."""
    opened = [one for one in owed_between(calendar, level, today - 732 * _ONE_DAY, today) if one.opens_ms <= now_ms]
    return opened[-1] if opened else None


# ---- the payload


def confirmation_payload(
    period: Period, measures: Measures, own: Measures, position: int, as_of: str, remarks: object, amends: str | None
) -> dict[str, object]:
    """The public payload `cnf/1`. Raises Invalid for remarks that are too long."""
    payload: dict[str, object] = {
        "about": ABOUT,
        "period": period.key,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "measures": dict(measures),
        "rates": {name: {part: one[part] for part in _RATE} for name, one in rates_of(measures).items()},
        "own": {name: value for name, value in own.items() if value},
        "position": position,
        "as_of": as_of,
        "remarks": read_remarks(remarks),
    }
    return payload if amends is None else payload | {"amends": amends}


def rates_of(measures: Measures) -> dict[str, Mapping[str, Any]]:
    """Every rate of checks and cases."""
    return {**rates(measures), **case_rates(measures)}


def read_remarks(value: object) -> str:
    """The words beside the figures, ends trimmed; they may be empty. Raises Invalid when they are too long."""
    if not isinstance(value, str):
        raise Invalid("not_a_text", field="remarks", value=value)
    text = value.strip()
    if len(text) > MAX_REMARKS:
        raise Invalid("too_long", field="remarks", value=text, limit=MAX_REMARKS)
    return text


def about_of(payload: Mapping[str, object]) -> object:
    """What a `cnf` is about."""
    return payload.get("about")


def read_confirmation(event: str, unit: str, day: date, recorded_ms: int, payload: Mapping[str, Any]) -> Confirmation:
    """The confirmation that a `cnf` about a period states; `day` is its business date, the last day of the period.

    Raises: Invalid naming the field that breaks a rule.
    """
    period = stated_period(payload, day)
    amends = payload.get("amends")
    if amends is not None and not (isinstance(amends, str) and len(amends) == _HASH):
        raise Invalid("bad_amends", field="amends", value=amends)
    as_of = payload.get("as_of")
    return Confirmation(
        event=event,
        unit=unit,
        period=period,
        measures=_figures(payload.get("measures"), "measures"),
        rates=_rates(payload.get("rates", {})),
        own=_figures(payload.get("own", {}), "own"),
        position=_count(payload.get("position"), "position"),
        as_of=as_of if isinstance(as_of, str) and len(as_of) <= MAX_NAME else "",
        remarks=read_remarks(payload.get("remarks", "")),
        amends=amends,
        recorded_ms=recorded_ms,
    )


def _figures(value: object, field: str) -> dict[str, int]:
    return {name: _count(number, f"{field}.{name}") for name, number in _named(value, field).items()}


def _named(value: object, field: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or len(value) > MAX_FIGURES:
        raise Invalid("bad_figures", field=field, value=value, limit=MAX_FIGURES)
    return value


def _rates(value: object) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, one in _named(value, "rates").items():
        parts = _named(one, f"rates.{name}")
        shown = parts.get("value")
        if shown is not None and not (isinstance(shown, str) and len(shown) <= MAX_NAME):
            raise Invalid("bad_figures", field=f"rates.{name}", value=shown, limit=MAX_FIGURES)
        base = {part: _count(parts.get(part), f"rates.{name}.{part}") for part in _RATE[1:]}
        found[name] = {"value": shown, **base}
    return found


def _count(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_COUNT:
        raise Invalid("out_of_range", field=field, value=value, low=0, high=MAX_COUNT - 1)
    return value


# ---- which one stands


def effective_confirmation(held: Sequence[R]) -> Standing[R]:
    """The confirmation that counts for one (unit, period): of several that nobody amended, the one of the greater hash.

    Each has to be given once. Raises: ValueError if there is none.
    """
    return standing_of(held, lambda one: one.event)


def differences(pinned: Measures, now: Measures) -> dict[str, int]:
    """What arrived after: for each measure that was confirmed the change since, where there is one."""
    return {name: now[name] - value for name, value in pinned.items() if name in now and now[name] != value}


# ---- counting, the long way


def recount(
    tree: Tree, calendar: Calendar, held: Iterable[Confirmation], excuses: Iterable[Excuse], unit: str, first: date,
    last: date, now_ms: int, tree_mode: TreeMode, today: date,
) -> dict[str, int]:  # fmt: skip
    """All CONFIRMATION_MEASURES of a unit over days, as judged at `now_ms`: day by day and unit by unit.

    Deliberately naive: it is what tallies are verified against. A duty counts on the last day of its period, for the
    ancestors that its unit had then (`then`) or has `today` (`now`). It is excused if each day of its period is.
    """
    lifted = list(excuses)
    given: dict[tuple[str, str], list[Confirmation]] = {}
    for one in held:
        given.setdefault((one.unit, one.period.key), []).append(one)
    counts = dict.fromkeys(CONFIRMATION_MEASURES, 0)
    for day in Period("", first, last).each_day():
        for one_unit in tree.units(day):
            owed = owed_on(calendar, one_unit.level, day)
            seen_from = day if tree_mode == "then" else today
            if owed is None or unit not in tree.ancestors(one_unit.id, seen_from):
                continue
            counts["confirmations_due"] += 1
            reports = given.get((one_unit.id, owed.period.key))
            if reports:
                counts["confirmations_done"] += 1
                first_ms = effective_confirmation(reports).first_recorded_ms
                counts["confirmations_late"] += 0 if on_time(first_ms, owed.grace_ms) else 1
            elif now_ms > owed.grace_ms and not _is_excused(tree, lifted, one_unit.id, owed.period):
                counts["confirmations_missing"] += 1
    return counts


def _is_excused(tree: Tree, excuses: Sequence[Excuse], unit: str, period: Period) -> bool:
    return all(
        any(one.first <= day <= one.last and one.unit in tree.ancestors(unit, day) for one in excuses)
        for day in period.each_day()
    )
