"""From the log to the read tables, inside the transaction that stores the events. Everything here can be made again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from node import queries
from node.cases.disclosing import KEEP_DAYS, Disclosures
from node.cases.projection import CaseProjection
from node.daily.calendars import calendar_of as calendar_of
from node.daily.calendars import json_object
from node.daily.campaigns import CampaignProjection
from node.daily.excuse_projection import ExcuseProjection
from node.desk import reminder_queries
from node.figures import bulletins, category_lists
from node.keeping import unprojected
from node.queries import DutyRow, Key, Tally
from node.reports.confirmation_projection import ConfirmationProjection, is_about_period
from node.reports.form_projection import FormProjection
from schemas import reminders
from schemas.cadence import Calendar, grace_end, read_profile
from schemas.checks import Report, effective, read_payload
from schemas.errors import GridError
from schemas.events import payload
from schemas.periods import parse_day, period_of
from schemas.strict_json import Json, dumps
from schemas.units.tree import Tree
from sync import directory
from sync.directory import tree_of
from sync.replica import Deed, Replica, Stored

CHECK_KIND: Final = "chk"
CHECK_SCHEMA: Final = "chk/1"
CADENCE_KIND: Final = "cadence"


def report_from(stored: Stored) -> Report:
    """The report that a `chk` event states. Raises GridError when its payload breaks a rule of 2-domain."""
    header = stored.event.header
    value = read_payload(payload(stored.event))
    return Report(
        event=stored.event.hash,
        unit=header.unit,
        date=parse_day(header.bdate, "bdate"),
        occasion=value["occasion"],
        result=value["result"],
        disputes=value["found"]["disputes"],
        hazards=value["found"]["hazards"],
        amends=value["amends"],
        recorded_ms=header.rtime if value["recorded_at"] is None else value["recorded_at"],
        received_ms=stored.received_at,
    )


def contribution(tree: Tree, calendar: Calendar, report: Report, first_recorded_ms: int) -> tuple[str, bool]:
    """(counted, late): how the effective check of a key counts, by the duty that the unit had on that day."""
    if report.occasion != "regular":
        return "none", False
    unit = tree.at(report.unit, report.date)
    profile = calendar.on(report.date)
    if unit is None or unit.level != "group" or profile.cadences["group"] != "day":
        return "extra", False
    late = first_recorded_ms > grace_end(profile, "group", period_of("day", report.date))
    return report.result, late


def tally_of(counted: str, late: bool) -> Tally:
    """What one key adds to its unit and to every ancestor."""
    return Tally(
        zero=int(counted == "zero"), found=int(counted == "found"), late=int(late), extra=int(counted == "extra")
    )


class NodeProjection:
    """The projection of one write transaction: tallies are gathered and written once, at `finish`."""

    def __init__(self, replica: Replica, keep_days: int = KEEP_DAYS) -> None:
        self._replica = replica
        self._db = replica.db
        self._calendar: Calendar | None = None
        self._changes: dict[tuple[str, str], Tally] = defaultdict(Tally)
        self._all_again = False  # the tallies of checks, which depend on tree and cadence
        self._tree_changed = False
        self._cases = CaseProjection(replica)
        self._campaigns = CampaignProjection(replica)
        self._disclosures = Disclosures(replica, keep_days)
        self._excuses = ExcuseProjection(replica)
        self._confirmations = ConfirmationProjection(replica)
        self._forms = FormProjection(replica)

    def project(self, stored: Stored) -> None:
        """Takes one event in. A payload that breaks a rule of this version has no effect; it stays in the log."""
        try:
            match stored.event.header.kind:
                case "chk":
                    self._check(report_from(stored))
                case "return":
                    self._return(stored)
                case "cadence" | "campaign" | "categories" | "form":
                    self._published(stored)
                case "excuse":
                    self._excuses.project(stored)
                    self._disclosures.touch(stored.event.hash)
                case "remind":
                    self._remind(stored)
                case "cnf":
                    self._cnf(stored)
                case "ret":
                    self._forms.project(stored)
                case "case":
                    self._disclosures.touch(self._cases.project(stored))
                case "disc" | "ask" | "got":
                    self._disclosures.project(stored)
                case _:  # of a later version: kept and sent on, and listed until this program understands it
                    unprojected.note(self._db, stored.event.hash)
        except GridError:
            unprojected.note(self._db, stored.event.hash)

    def _published(self, stored: Stored) -> None:
        """What the city published."""
        match stored.event.header.kind:
            case "cadence":
                self._cadence(stored)
            case "campaign":
                self._campaigns.define(stored)
            case "form":
                self._forms.define(stored)
            case _:
                category_lists.define(self._replica, stored)

    def _cnf(self, stored: Stored) -> None:
        """What somebody confirmed: an issued bulletin, or the figures of a period."""
        if bulletins.is_bulletin(stored):
            bulletins.project(self._replica, stored)
        elif is_about_period(stored):
            self._confirmations.project(stored)
        else:
            unprojected.note(self._db, stored.event.hash)

    def directory_changed(self) -> None:
        """Units may count elsewhere now: every tally is made again, once, at `finish`."""
        self._all_again = self._tree_changed = True
        self._disclosures.directory_changed()

    def certified(self, unit: str) -> None:
        """A unit has a new node: private texts may have to go there."""
        self._disclosures.certified(unit)

    def erased(self, hashes: Iterable[str]) -> None:
        """What was sealed of these events goes as well."""
        self._disclosures.erased(hashes)

    def deeds(self, now_ms: int) -> Iterator[Deed]:
        """The disclosures that are due."""
        return self._disclosures.deeds(now_ms)

    def put_off(self) -> None:
        """Deeds wait until this database has caught up."""
        self._disclosures.put_off()

    def addressed(self) -> Iterator[tuple[str, frozenset[str]]]:
        """(event, units): events of cases, and the units whose nodes have to hold them."""
        yield from self._cases.addressed()
        yield from self._disclosures.addressed()

    def finish(self) -> None:
        """Writes the gathered tallies."""
        self._cases.finish(all_again=self._tree_changed)
        self._tree_changed = False
        all_again, self._all_again = self._all_again, False
        self._confirmations.finish(all_again=all_again)
        self._forms.finish()
        if all_again:
            self._retally()
        self._campaigns.finish(tree_of(self._replica), self._calendar_now(), all_again=all_again)
        months: dict[tuple[str, str], Tally] = defaultdict(Tally)
        for (unit, day), tally in self._changes.items():
            months[(unit, day[:7])] += tally
        for table, column, changes in (("check_day", "day", self._changes), ("check_month", "month", months)):
            rows = [(unit, at, tally) for (unit, at), tally in sorted(changes.items()) if tally != Tally()]
            queries.add_tallies(self._db, table, column, rows)
            queries.drop_empty_tallies(self._db, table, column, [(unit, at) for unit, at, _ in rows])
        self._excuses.finish(self._calendar_now, self._changes.keys(), all_again=all_again)
        self._changes.clear()

    # ---- kinds

    def _check(self, report: Report) -> None:
        queries.insert_report(self._db, report)
        key = (report.unit, report.date.isoformat(), report.occasion)
        before = queries.duty_row(self._db, key)
        reports = [report] if before is None else queries.reports_of(self._db, key)
        self._settle(key, before, reports)

    def _settle(self, key: Key, before: DutyRow | None, reports: list[Report]) -> None:
        """Works out the effective check of a key, and moves its weight in the tallies."""
        chosen = effective(reports)
        tree = tree_of(self._replica)
        counted, late = contribution(tree, self._calendar_now(), chosen.report, chosen.first_recorded_ms)
        row = DutyRow(
            chosen.report.event, chosen.report.result, chosen.first_recorded_ms, counted, late, len(chosen.conflicts)
        )
        queries.put_duty(self._db, key, row)
        self._campaigns.touch(*key)
        change = tally_of(counted, late)
        if before is not None:
            change += -tally_of(before.counted, before.late)
        if change == Tally():
            return
        for unit in tree.ancestors(key[0], chosen.report.date) or (key[0],):
            self._changes[(unit, key[1])] += change

    def _return(self, stored: Stored) -> None:
        value = payload(stored.event)
        report, by, reason = (_text(value, name) for name in ("report", "by", "reason_code"))
        self._db.execute(
            "INSERT INTO check_return (event, report, by, at, reason) VALUES (?, ?, ?, ?, ?)",
            [stored.event.hash, report, by, stored.event.header.rtime, reason],
        )
        self._disclosures.touch(stored.event.hash)

    def _remind(self, stored: Stored) -> None:
        header, event = stored.event.header, stored.event.hash
        author = directory.unit_of(self._db, header.node)
        value = payload(stored.event)
        one = reminders.read_stored(event, header.unit, author[0] if author else "", header.rtime, value)
        reminder_queries.put(self._db, one, stored.n)
        self._disclosures.touch(event)

    def _cadence(self, stored: Stored) -> None:
        if stored.event.header.unit != self._replica.identity.city:
            return
        value = payload(stored.event)
        profile = json_object(value.get("profile"))
        read_profile(profile)
        number, day = value.get("no"), parse_day(stored.event.header.bdate, "bdate")
        if isinstance(number, bool) or not isinstance(number, int):
            raise GridError("unreadable", field="no", value=number, why="not a number")
        self._db.execute(
            "INSERT INTO cadence_entry (event, day, no, profile) VALUES (?, ?, ?, ?)",
            [stored.event.hash, day.isoformat(), number, dumps(profile)],
        )
        self._calendar = None
        self._all_again = True

    # ---- all again

    def _calendar_now(self) -> Calendar:
        if self._calendar is None:
            self._calendar = calendar_of(self._db)
        return self._calendar

    def _retally(self) -> None:
        self._changes.clear()
        self._db.execute("DELETE FROM check_day")
        self._db.execute("DELETE FROM check_month")
        keys = self._db.execute("SELECT DISTINCT unit, day, occasion FROM check_report").fetchall()
        for key in keys:
            self._settle(key, None, queries.reports_of(self._db, key))


def _text(value: dict[str, Json], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise GridError("unreadable", field=name, value=found, why="not a text")
    return found
