"""待办: one list per unit, the most urgent first: what cases ask of it, and what duties, records and nodes do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, time
from typing import Any, Final

from node import status
from node.access import may_act
from node.answers import Answer, Document, once, request_bytes
from node.cases import todo_queries as case_queries
from node.cases.forms import MAIN
from node.cases.todo_queries import START, CaseTodo, Key
from node.daily.duties import missing_in
from node.desk import reminders, silence, todo_confirmations, todo_forms, todo_queries
from node.desk.todo_rows import DAY_MS, RETURNED_MS, Other, timed
from node.desk.waits import waits_of
from node.people.accounts import Account
from node.projections import calendar_of
from node.scope import in_scope, today_of
from schemas.cadence import Calendar, due_at, grace_end
from schemas.cases.todo import KINDS as CASE_KINDS
from schemas.cases.todo import UNTIMED, signal_at
from schemas.clock import at_time, iso_instant
from schemas.duties import last_closed_day
from schemas.errors import Forbidden, Invalid, NotFound
from schemas.periods import Period, parse_period, period_of
from schemas.roles import REVIEW
from schemas.strict_json import loads
from schemas.units.tree import LEVELS
from sync.directory import certified_units, tree_of
from sync.intake import Intake
from sync.replica import Replica

HOUR_MS: Final = 3_600_000
MENU_COUNT: Final = 999
MAX_OTHERS: Final = 200  # rows that are not about cases
MAX_SERVED: Final = 400  # units below whose own rows are looked at
_REPORTS: Final = (
    "missing", "due", "own_report", "returned", "reminder", "confirm", "confirm_returned", "unconfirmed",
    "form", "form_returned",
)  # fmt: skip
OTHER_KINDS: Final = (*_REPORTS, "refused", "silent")
# What people filter by: each chip with its kinds.
CHIPS: Final[dict[str, tuple[str, ...]]] = {
    "handle": ("handle", "close"),
    "take": ("take", "offered"),
    "report": _REPORTS,
    "supervise": ("answer", "unanswered"),
    "follow_up": ("follow_up",),
    "void": ("void",),
    "sync": ("refused", "silent"),
}
_GROUP: Final = LEVELS[0]
_MIDNIGHT: Final = time()


# ---- the list


def todo(
    replica: Replica, account: Account, unit: str, chip: str, after: Key, limit: int, category: str | None = None
) -> dict[str, Any]:
    """`{unit, items, next}`: a page of a unit's rows behind a key. Call inside `sync.database.read`."""
    kinds = _kinds(chip)
    now = replica.env.now_ms()
    case_kinds = [one for one in kinds if one in CASE_KINDS] if chip else []
    wanted = not chip or bool(case_kinds)
    cases = case_queries.page(replica.db, unit, now, after, limit + 1, case_kinds, category) if wanted else []
    others = [] if category else [one for one in others_of(replica, account, unit) if one.key > after]
    rows: list[tuple[Key, CaseTodo | Other]] = [((one.due_at, one.kind, one.ref), one) for one in cases]
    rows += [(one.key, one) for one in others if not chip or one.kind in kinds]
    rows.sort(key=lambda row: row[0])
    following = " ".join(str(part) for part in rows[limit - 1][0]) if len(rows) > limit else None
    items = [
        _case_item(account, one, now) if isinstance(one, CaseTodo) else _other_item(one, now) for _, one in rows[:limit]
    ]
    return {"unit": unit, "items": items, "next": following}


def summary(replica: Replica, account: Account, unit: str) -> dict[str, Any]:
    """`{all, red, orange, yellow, chips: {name: n}}` of a unit's whole list."""
    now = replica.env.now_ms()
    found = dict.fromkeys(("all", "red", "orange", "yellow"), 0)
    by_kind: dict[str, int] = {}
    for kind, (every, *signals) in case_queries.counts(replica.db, unit, now).items():
        by_kind[kind] = every
        for name, n in zip(("red", "orange", "yellow"), signals, strict=True):
            found[name] += 0 if kind in UNTIMED else n
    for one in others_of(replica, account, unit):
        by_kind[one.kind] = by_kind.get(one.kind, 0) + 1
        shown = _signal(one, now)
        if shown is not None:
            found[shown] += 1
    found["all"] = sum(by_kind.values())
    chips = {name: sum(by_kind.get(kind, 0) for kind in kinds) for name, kinds in CHIPS.items()}
    return {**found, "chips": chips}


def count(replica: Replica, account: Account) -> int:
    """How many rows the own unit's list has, for the menu; more than MENU_COUNT are not counted."""
    cases = case_queries.count_up_to(replica.db, account.unit, replica.env.now_ms(), MENU_COUNT + 1)
    return min(cases + len(others_of(replica, account, account.unit)), MENU_COUNT + 1)


def read_key(text: str | None) -> Key:
    """The key that a page goes on from. Raises Invalid naming `after`."""
    if not text:
        return START
    parts = text.split(" ")
    if len(parts) != 3 or not parts[0].isascii() or not parts[0].isdigit() or len(parts[0]) > 16:
        raise Invalid("bad_after", field="after", value=text)
    return int(parts[0]), parts[1], parts[2]


def take_notice(replica: Replica, account: Account, ref: str, key: str | None = None) -> Answer:
    """A void act leaves the list of its author's unit: somebody has seen it. Raises NotFound or Forbidden."""

    def act(intake: Intake) -> Document:
        row = case_queries.row_of(replica.db, ref, "void")
        if row is None:
            raise NotFound("unknown_event", field="ref", value=ref)
        if not in_scope(replica, account, row[0]):
            raise Forbidden("unit_out_of_scope", field="unit", value=row[0], own=account.unit)
        case_queries.mark_seen(replica.db, ref, account.name, intake.now_ms)
        return {"ref": ref}

    return once(replica, account.name, key, request_bytes({"ref": ref}, route="todo/seen"), "todo", act)


def _kinds(chip: str) -> tuple[str, ...]:
    if chip and chip not in CHIPS:
        raise Invalid("not_one_of", field="kind", value=chip, allowed=", ".join(CHIPS))
    return CHIPS.get(chip, ())


# ---- rows as documents


def _case_item(account: Account, row: CaseTodo, now: int) -> dict[str, Any]:
    said = loads(row.act) if row.act else {}
    code = said.get("reason_code") if isinstance(said, dict) else None
    action = {
        "take": "take", "answer": "answer", "follow_up": "follow_up", "close": "close", "handle": MAIN.get(row.state),
    }.get(row.kind)  # fmt: skip
    return {
        "kind": row.kind,
        "ref": row.ref,
        "case": row.case_id,
        "event": row.event,
        "state": row.state,
        "owner": row.owner,
        "level": row.level,
        "offered_to": row.offered_to,
        "case_kind": row.case_kind,
        "category": row.category,
        "complexity": row.complexity,
        "urgency": row.urgency,
        "found_by": row.found_by,
        "by": row.act_unit,
        "reason_code": code if row.kind in ("take", "offered") and isinstance(code, str) else None,
        "since": iso_instant(row.at),
        "due_at": None if row.kind in UNTIMED else iso_instant(row.due_at),
        "signal": None if row.kind in UNTIMED else signal_at(row.due_at, row.yellow_at, row.orange_at, now),
        "action": action if action and may_act(account.role, action) else None,
        "count": 1,
    }


def _other_item(one: Other, now: int) -> dict[str, Any]:
    action = {
        "missing": "remind", "due": "remind", "own_report": "report", "returned": "amend", "reminder": "report",
        "confirm": "confirm", "confirm_returned": "amend", "unconfirmed": "remind",
        "form": "fill", "form_returned": "amend",
    }  # fmt: skip
    return {
        "kind": one.kind,
        "ref": one.ref,
        "case": None,
        "about": one.about,
        "count": one.count,
        "due_at": iso_instant(one.due_at),
        "signal": _signal(one, now),
        "action": action.get(one.kind, "look"),
        **one.said,
    }


def _signal(one: Other, now: int) -> str | None:
    yellow = one.due_at if one.yellow_at is None else one.yellow_at
    return signal_at(one.due_at, yellow, one.due_at if one.orange_at is None else one.orange_at, now)


# ---- what no case made


def others_of(replica: Replica, account: Account, unit: str) -> list[Other]:
    """The rows of a unit that are not about cases, at most MAX_OTHERS."""
    served = served_below(replica, unit)
    own_node = unit == replica.identity.unit
    found = [
        *_duties(replica, account, unit),
        *todo_confirmations.rows(replica, account, unit, served),
        *todo_forms.rows(replica, account, unit),
        *_returned(replica, served),
        *_reminded(replica, served),
        *(_refused(replica) if own_node else ()),
        *(_silent(replica) if own_node else ()),
    ]
    return sorted(found, key=lambda one: one.key)[:MAX_OTHERS]


def served_below(replica: Replica, unit: str) -> list[str]:
    """The unit and those below it that this node serves: their reports are entered here. The unit alone where there
    are more than MAX_SERVED.
    """
    tree, day, certified = tree_of(replica), today_of(replica), certified_units(replica.db)
    found = [unit]
    for one in found:  # grows while it is read
        found += [child.id for child in tree.children(one, day) if child.id not in certified]
        if len(found) > MAX_SERVED:
            return [unit]
    return found


def _duties(replica: Replica, account: Account, unit: str) -> Iterator[Other]:
    """Who below has not reported: for the last day whose grace is over, and for today when its deadline is near."""
    tree, calendar, now = tree_of(replica), calendar_of(replica.db), replica.env.now_ms()
    today = today_of(replica)
    if tree.level(unit) == _GROUP:
        yield from _own_report(replica, calendar, unit)
        return
    if account.role not in REVIEW:
        return
    day = last_closed_day(calendar, now)
    lacking = _lacking(replica, calendar, unit, day)
    if lacking:
        yield Other(_grace(calendar, day), "missing", day.isoformat(), unit, lacking)
    period = period_of("day", today)
    end = due_at(calendar.on(today), _GROUP, period)
    if now >= end - waits_of(replica).due_hours * HOUR_MS and today > day:
        lacking = _lacking(replica, calendar, unit, today)
        if lacking:
            yield timed(end, "due", today.isoformat(), unit, lacking, at_time(today, _MIDNIGHT))


def _own_report(replica: Replica, calendar: Calendar, unit: str) -> Iterator[Other]:
    day = today_of(replica)
    if _lacking(replica, calendar, unit, day):
        end = due_at(calendar.on(day), _GROUP, period_of("day", day))
        yield timed(end, "own_report", day.isoformat(), unit, 1, at_time(day, _MIDNIGHT))
    closed = last_closed_day(calendar, replica.env.now_ms())
    if closed < day and _lacking(replica, calendar, unit, closed):
        yield Other(_grace(calendar, closed), "own_report", closed.isoformat(), unit)


def _lacking(replica: Replica, calendar: Calendar, unit: str, day: date) -> int:
    return missing_in(replica, unit, day, day) if calendar.on(day).cadences[_GROUP] == "day" else 0


def _grace(calendar: Calendar, day: date) -> int:
    return grace_end(calendar.on(day), _GROUP, Period(day.isoformat(), day, day))


def _returned(replica: Replica, served: Sequence[str]) -> Iterator[Other]:
    since = replica.env.now_ms() - RETURNED_MS
    for event, unit, day, by, at in todo_queries.returned(replica.db, served, since, MAX_OTHERS):
        yield Other(at + DAY_MS, "returned", event, unit, said={"by": by, "date": day, "event": event})


def _reminded(replica: Replica, served: Sequence[str]) -> Iterator[Other]:
    calendar = calendar_of(replica.db)
    for one in reminders.received(replica, served):
        period = parse_period(one["period"])
        end = _grace(calendar, period.first) if period.days == 1 else todo_queries.instant(one["at"])
        told = {name: one[name] for name in ("by", "period", "text", "lacking", "event")}
        yield Other(end, "reminder", one["event"], one["unit"], one["lacking"] or 1, said=told)


def _refused(replica: Replica) -> Iterator[Other]:
    open_ones = [one for one in status.refused(replica) if not one["held"] or not one["here"]]
    if open_ones:
        first = min(todo_queries.instant(one["at"]) for one in open_ones)
        yield Other(first, "refused", "refused", replica.identity.unit, len(open_ones))


def _silent(replica: Replica) -> Iterator[Other]:
    wait = waits_of(replica).child_days * DAY_MS
    for unit, seen in silence.children(replica)[1]:
        yield Other(seen + wait, "silent", unit, unit, said={"last_synced_at": iso_instant(seen)})
