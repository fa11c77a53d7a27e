"""The dated tree and the calendar counted on fingers: read from signed events, with nothing of the product.

What the rollups are held against must not share a line with them: these modules (`plain_tree`, `plain_cases`,
`plain_count`) import neither `schemas`, `sync`, `node` nor `hub`, and are written from the rules of the domain alone.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

LEVELS: Final = ("group", "village", "township", "county", "city")
ONE_DAY: Final = timedelta(days=1)
DAY_MS: Final = 86_400_000
SHANGHAI_MS: Final = 8 * 3_600_000
ENDED_BY: Final = ("close", "split", "merge")
Said = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One signed event as its bytes say: header fields and the public part."""

    hash: str
    node: str
    kind: str
    unit: str
    day: date
    rtime: int
    said: Said


def events_in(conn: sqlite3.Connection) -> list[Told]:
    """Every event of a database, read from its header line and its public part."""
    found = []
    rows = conn.execute(
        "SELECT e.hash, e.header, p.text FROM event e JOIN part p ON p.event = e.n AND p.name = 'pub' ORDER BY e.n"
    )
    for event, header, text in rows.fetchall():
        _, chain, _, _, kind, unit, day, rtime, *_ = header.split("\t")
        found.append(
            Told(event, chain.split(".")[0], kind, unit, date.fromisoformat(day), int(rtime), json.loads(text))
        )
    return found


def midnight_ms(day: date) -> int:
    """The instant at which a day begins in Shanghai."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000 - SHANGHAI_MS


def day_of(at_ms: int) -> date:
    """The day in Shanghai at an instant."""
    return datetime.fromtimestamp((at_ms + SHANGHAI_MS) / 1000, tz=UTC).date()


def each_day(first: date, last: date) -> list[date]:
    """Every day of a span."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


class PlainTree:
    """Who stood under whom on which day."""

    def __init__(self, events: list[Told]) -> None:
        self.level: dict[str, str] = {}
        self.opened: dict[str, date] = {}
        self.ended: dict[str, date] = {}
        self.parents: dict[str, list[tuple[date, str | None]]] = {}
        acts = [
            (date.fromisoformat(act["date"]), event.said["no"] + place, act)
            for event in events
            if event.kind == "dir"
            for place, act in enumerate(event.said["acts"])
        ]
        for day, _, act in sorted(acts, key=lambda one: one[:2]):
            if act["act"] == "open":
                self.level[act["unit"]], self.opened[act["unit"]] = act["level"], day
                self.parents[act["unit"]] = [(day, act["parent"])]
        self.named = {(act["unit"], act["parent"]) for _, _, act in acts if act.get("parent")}
        for day, _, act in sorted(acts, key=lambda one: one[:2]):
            self._change(day, act["unit"], act)

    def _change(self, day: date, unit: str, act: Said) -> None:
        if act["act"] == "open" or day < self.opened[unit] or unit in self.ended:
            return
        under = self.parents[unit]
        if act["act"] == "move":
            if under[-1][0] == day:
                under.pop()
            under.append((day, act["parent"]))
        elif act["act"] in ENDED_BY:
            self.ended[unit] = day
            if under[-1][0] == day and len(under) > 1:
                under.pop()  # a move on the day of the end never held

    def parent(self, unit: str, day: date) -> str | None:
        """The parent on a day; before the unit opened its first, after it ended its last."""
        held = [above for since, above in self.parents[unit] if since <= day]
        return held[-1] if held else self.parents[unit][0][1]

    def line(self, unit: str, day: date) -> tuple[str, ...]:
        """The unit and all above it on a day."""
        found, above = [unit], self.parent(unit, day) if unit in self.parents else None
        while above is not None:
            found.append(above)
            above = self.parent(above, day)
        return tuple(found)

    def stands(self, unit: str, day: date) -> bool:
        """Whether the unit is open on a day."""
        return unit in self.opened and self.opened[unit] <= day < self.ended.get(unit, date.max)

    def ever_under(self, unit: str, above: str) -> bool:
        """Whether a unit is another one, or below it by any parents that were ever named."""
        seen, waiting = {unit}, [unit]
        while waiting:
            one = waiting.pop()
            new = {parent for child, parent in self.named if child == one} - seen
            seen |= new
            waiting += new
        return above in seen


class PlainCadence:
    """What each level owes, and until when."""

    def __init__(self, events: list[Told]) -> None:
        published = [event for event in events if event.kind == "cadence"]
        self._profiles = sorted(((event.day, event.said["no"], event.said["profile"]) for event in published), key=_at)

    def on(self, day: date) -> Said:
        """The profile in force on a day."""
        held: Said = [profile for since, _, profile in self._profiles if since <= day][-1]
        return held

    def grace_ms(self, level: str, first: date, last: date, on: date) -> int:
        """The last instant at which a report for a period is on time, by the profile in force on a day."""
        profile = self.on(on)
        if first == last:
            return midnight_ms(last + ONE_DAY) + _clock_ms(profile["daily_grace"])
        due = midnight_ms(last + timedelta(days=profile["due_day"][level])) + _clock_ms(profile["due_time"])
        return due + int(profile["grace_days"]) * DAY_MS


def _at(entry: tuple[date, int, Said]) -> tuple[date, int]:
    return entry[:2]


def _clock_ms(text: str) -> int:
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


def period(cadence: str, day: date) -> tuple[str, date, date]:
    """(key, first day, last day) of the period of a cadence that holds a day."""
    year, month = day.year, day.month
    if cadence == "day":
        return str(day), day, day
    if cadence == "week":
        week_year, week, weekday = day.isocalendar()
        monday = day - timedelta(days=weekday - 1)
        return f"{week_year}-W{week:02}", monday, monday + timedelta(days=6)
    if cadence == "half-month":
        if day.day <= 15:
            return f"{year}-{month:02}-H1", date(year, month, 1), date(year, month, 15)
        return f"{year}-{month:02}-H2", date(year, month, 16), _month_end(year, month)
    if cadence == "month":
        return f"{year}-{month:02}", date(year, month, 1), _month_end(year, month)
    if cadence == "quarter":
        part = (month + 2) // 3
        return f"{year}-Q{part}", date(year, 3 * part - 2, 1), _month_end(year, 3 * part)
    if cadence == "half-year":
        part = (month + 5) // 6
        return f"{year}-S{part}", date(year, 6 * part - 5, 1), _month_end(year, 6 * part)
    return str(year), date(year, 1, 1), date(year, 12, 31)


def _month_end(year: int, month: int) -> date:
    return (date(year, month, 28) + timedelta(days=4)).replace(day=1) - ONE_DAY
