"""Every figure of every rollup counted one by one from the signed events: see `plain_tree`.

An *atom* is one thing that one measure counts once: a group's duty of a day, a report, an act of a case. A cell is the
number of atoms that belong to its unit, its days and its row, so the lists behind cells fall out of the same atoms.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from plain_cases import PlainCase
from plain_tree import LEVELS, ONE_DAY, PlainCadence, PlainTree, Said, Told, day_of, each_day, midnight_ms, period

CHECKS: Final = ("due", "zero", "found", "late", "excused", "missing", "extra")
CONFIRMATIONS: Final = ("due", "done", "late", "missing")
FACTS: Final = (
    "registered", "accepted", "mediated", "agreed", "not_agreed", "performed", "reneged", "confirmed", "closed",
    "handed_up", "taken", "sent_back", *(f"settled_at_{level}" for level in LEVELS),
)  # fmt: skip
MEASURES: Final = (
    *(f"checks_{name}" for name in CHECKS), *(f"confirmations_{name}" for name in CONFIRMATIONS), *FACTS, "open",
    "overdue",
)  # fmt: skip
GROUPS_OF_SOURCES: Final = {"self_found": "self", "self_applied": "self", "court": "court", "petition": "petition"}
Row = dict[str, int]


@dataclass(frozen=True)
class Atom:
    """One thing counted: at a unit, on a day; `about` the case, else the unit; `codes` the row keys of a case."""

    measure: str
    unit: str
    day: date
    about: str
    codes: tuple[tuple[str, str], ...] = ()

    def has(self, filters: Iterable[tuple[str, str]]) -> bool:
        """Whether it stands in the rows with these keys."""
        return all(one in self.codes for one in filters)


class PlainCount:
    """Everything counted as of an instant, over the days from `first` to `last`."""

    def __init__(self, events: list[Told], now_ms: int, first: date, last: date) -> None:
        self.tree, self.cadence = PlainTree(events), PlainCadence(events)
        self._now_ms, self.today, self._days = now_ms, day_of(now_ms), each_day(first, last)
        certified = {one.said["node"]: one.said["unit"] for one in events if one.kind == "cert"}
        self._author = {one.hash: certified[one.node] for one in events if one.node in certified}
        own = [one for one in events if one.hash in self._author]
        valid = [one for one in own if self.tree.ever_under(one.unit, self._author[one.hash])]
        self._checks: dict[tuple[str, date, str], list[Told]] = defaultdict(list)
        for one in valid:
            if one.kind == "chk":
                self._checks[one.unit, one.day, one.said.get("occasion", "regular")].append(one)
        self._excuses = self._excusing([one for one in valid if one.kind == "excuse"])
        self._given: dict[tuple[str, str], list[Told]] = defaultdict(list)
        for one in valid:
            if one.kind == "cnf" and one.said.get("about") == "period":
                self._given[one.unit, one.said["period"]].append(one)
        self.cases = self._folded([one for one in valid if one.kind == "case"])
        self.campaigns = {
            one.said["campaign"]["id"]: one.said["campaign"]
            for one in sorted((one for one in valid if one.kind == "campaign"), key=lambda one: int(one.said["no"]))
        }
        self._kept: dict[tuple[str, str], dict[str, list[Atom]]] = {}
        self.atoms = [*self._group_days(), *self._extra(), *self._confirmed(), *self._facts()]

    # ---- cells

    def seen_from(self, unit: str, day: date, mode: str) -> tuple[str, ...]:
        """The unit and all above it: as of a day, or as of today."""
        return self.tree.line(unit, day if mode == "then" else self.today)

    def behind(self, unit: str, first: date, last: date, mode: str, campaign: str | None = None) -> list[Atom]:
        """Every atom of a unit's subtree over days."""
        if campaign:
            kept = self._seen(mode, campaign, self.of_campaign)
            return [atom for atom in kept.get(unit, ()) if first <= atom.day <= last]
        kept = self._seen(mode, "", lambda _: self.atoms)
        end = min(last, self.today)
        standing = self._seen(mode, f"standing {end}", lambda _: self._standing(end))
        return [*(atom for atom in kept.get(unit, ()) if first <= atom.day <= last), *standing.get(unit, ())]

    def _seen(self, mode: str, named: str, make: Callable[[str], list[Atom]]) -> dict[str, list[Atom]]:
        """{unit: atoms of its subtree}, made once."""
        if (mode, named) not in self._kept:
            found: dict[str, list[Atom]] = defaultdict(list)
            for atom in make(named):
                for above in self.seen_from(atom.unit, atom.day, mode):
                    found[above].append(atom)
            self._kept[mode, named] = found
        return self._kept[mode, named]

    def below(self, atom: Atom, unit: str, mode: str) -> str:
        """The row of a table by units in which an atom stands: the unit right below, or the unit itself."""
        line = self.seen_from(atom.unit, atom.day, mode)
        return line[max(line.index(unit) - 1, 0)]

    def _standing(self, end: date) -> list[Atom]:
        """Cases that stand open at the end of a day, and those whose limit has passed."""
        found = []
        for case_id, case in self.cases.items():
            now = case.at_end_of(end)
            if now is None:
                continue
            codes = self._codes(case, LEVELS[now.level])
            found.append(Atom("open", now.owner, end, case_id, codes))
            if now.limit_ms() < min(midnight_ms(end + ONE_DAY), self._now_ms):
                found.append(Atom("overdue", now.owner, end, case_id, codes))
        return found

    # ---- checks

    def _owes(self, unit: str, day: date) -> bool:
        daily = self.cadence.on(day)["cadences"]["group"] == "day"
        return daily and self.tree.level.get(unit) == "group" and self.tree.stands(unit, day)

    def _effective(self, reports: list[Told]) -> tuple[str, int]:
        """(result, when it was first recorded) of all reports of one unit, day and occasion."""
        amended = {one.said.get("amends") for one in reports}
        result = max((one.said["result"] == "found", one.hash) for one in reports if one.hash not in amended)[0]
        return "found" if result else "zero", min(one.said.get("recorded_at", one.rtime) for one in reports)

    def _group_days(self) -> Iterator[Atom]:
        for day in self._days:
            grace_ms = self.cadence.grace_ms("group", day, day, day)
            for unit in self.tree.level:
                if not self._owes(unit, day):
                    continue
                yield Atom("checks_due", unit, day, unit)
                reports = self._checks.get((unit, day, "regular"))
                if reports:
                    result, first_ms = self._effective(reports)
                    yield Atom(f"checks_{result}", unit, day, unit)
                    if first_ms > grace_ms:
                        yield Atom("checks_late", unit, day, unit)
                elif self._excused(unit, day):
                    yield Atom("checks_excused", unit, day, unit)
                elif self._now_ms > grace_ms:
                    yield Atom("checks_missing", unit, day, unit)

    def _extra(self) -> Iterator[Atom]:
        for unit, day, occasion in self._checks:
            if occasion == "regular" and not self._owes(unit, day):
                yield Atom("checks_extra", unit, day, unit)

    def _excusing(self, acts: list[Told]) -> list[Said]:
        """Acts that excuse: in the name of a unit above that the author serves, taken back by nobody above that one."""
        under = self.tree.ever_under
        held = {
            one.hash: {**one.said, "unit": one.unit}
            for one in acts
            if one.said["by"] != one.unit
            and under(one.unit, one.said["by"])
            and under(one.said["by"], self._author[one.hash])
        }
        gone = {
            one["amends"]
            for one in held.values()
            if one.get("amends") in held
            and held[one["amends"]]["unit"] == one["unit"]
            and under(held[one["amends"]]["by"], one["by"])
        }
        return [one for key, one in held.items() if key not in gone and not one.get("cancelled")]

    def _excused(self, unit: str, day: date) -> bool:
        line = self.tree.line(unit, day)
        return any(one["unit"] in line and one["from"] <= str(day) <= one["to"] for one in self._excuses)

    # ---- confirmations

    def _confirmed(self) -> Iterator[Atom]:
        for day in self._days:
            for unit, level in self.tree.level.items():
                cadence = self.cadence.on(day)["cadences"][level]
                key, first, last = period(cadence, day)
                if level == "group" or last != day or not self.tree.stands(unit, day):
                    continue
                yield Atom("confirmations_due", unit, day, unit)
                grace_ms = self.cadence.grace_ms(level, first, last, day)
                given = self._given.get((unit, key))
                if given:
                    yield Atom("confirmations_done", unit, day, unit)
                    if min(one.rtime for one in given) > grace_ms:
                        yield Atom("confirmations_late", unit, day, unit)
                elif self._now_ms > grace_ms and not all(self._excused(unit, one) for one in each_day(first, last)):
                    yield Atom("confirmations_missing", unit, day, unit)

    # ---- cases

    def _folded(self, acts: list[Told]) -> dict[str, PlainCase]:
        by_case: dict[str, list[Told]] = defaultdict(list)
        for act in acts:
            by_case[act.said["case"]].append(act)
        level = {unit: LEVELS.index(name) for unit, name in self.tree.level.items()}
        folded = {
            key: PlainCase(held, lambda unit: level[unit], lambda above, unit, day: above in self.tree.line(unit, day))
            for key, held in by_case.items()
        }
        return {key: case for key, case in folded.items() if case.registered is not None}

    def _codes(self, case: PlainCase, level: str) -> tuple[tuple[str, str], ...]:
        assert case.registered is not None
        said = case.registered.said
        group = GROUPS_OF_SOURCES.get(said["source"], "transfer")
        named = tuple((name, said[name]) for name in ("category", "source", "kind", "urgency"))
        return (*named, ("source_group", group), ("level", level))

    def _facts(self) -> Iterator[Atom]:
        for case_id, case in self.cases.items():
            for measure, act in case.counted().items():
                codes = self._codes(case, self.tree.level[act.unit])
                yield Atom(measure, act.unit, act.day, case_id, codes)

    # ---- campaigns

    def of_campaign(self, campaign: str) -> list[Atom]:
        """What a campaign's own duties and checks count for, on the last day of each duty."""
        said = self.campaigns[campaign]
        first, last = date.fromisoformat(said["from"]), date.fromisoformat(said["to"])
        answered: dict[tuple[str, date, date], list[tuple[bool, date, int]]] = defaultdict(list)
        found = []
        for (unit, day, occasion), reports in self._checks.items():
            if occasion != f"campaign:{campaign}":
                continue
            owed = self._owed_for(said, self.tree.level[unit], day) if first <= day <= last else None
            if owed is None or not self.tree.stands(unit, owed[1]):
                found.append(Atom("checks_extra", unit, day, unit))
            else:
                result, first_ms = self._effective(reports)
                answered[unit, *owed].append((result == "found", day, first_ms))
        for unit, level in self.tree.level.items():
            duties = {self._owed_for(said, level, day) for day in each_day(first, last)} - {None}
            for begin, end in (one for one in duties if one is not None and self.tree.stands(unit, one[1])):
                grace_ms = self.cadence.grace_ms(level, begin, end, first)
                lifted = all(self._excused(unit, day) for day in each_day(begin, end))
                found += self._duty(unit, end, answered.get((unit, begin, end), []), grace_ms, lifted=lifted)
        return found

    def _owed_for(self, said: Said, level: str, day: date) -> tuple[date, date] | None:
        first, last = date.fromisoformat(said["from"]), date.fromisoformat(said["to"])
        if level not in said["levels"]:
            return None
        cadence = said["cadence"].get(level) or self.cadence.on(first)["cadences"][level]
        _, begin, end = period(cadence, day)
        return max(begin, first), min(end, last)

    def _duty(
        self, unit: str, day: date, checks: list[tuple[bool, date, int]], grace_ms: int, *, lifted: bool
    ) -> Iterator[Atom]:
        yield Atom("checks_due", unit, day, unit)
        if checks:
            yield Atom("checks_found" if max(checks)[0] else "checks_zero", unit, day, unit)
            if min(one[2] for one in checks) > grace_ms:
                yield Atom("checks_late", unit, day, unit)
        elif lifted:
            yield Atom("checks_excused", unit, day, unit)
        elif self._now_ms > grace_ms:
            yield Atom("checks_missing", unit, day, unit)


def counts(atoms: Iterable[Atom]) -> Row:
    """Every measure of some atoms, 0 where there is none."""
    return {**dict.fromkeys(MEASURES, 0), **Counter(atom.measure for atom in atoms)}
