"""What must be true of a world at rest, whatever happened before (design 3-sync, Laws)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from datetime import date
from typing import Final

import count
from case_laws import cases_agree, erased, introduced
from sites import Site
from world import World

from node import queries
from node.cases.disclosing import DAY_MS
from node.figures import rollup
from node.migrations import DERIVED as NODE_DERIVED
from node.status import heads
from schemas.errors import GridError
from schemas.periods import parse_period
from sync import log, marks
from sync.directory import tree_of
from sync.rebuild import DERIVED as SYNC_DERIVED
from sync.rebuild import rebuild
from sync.verify import verify

PERIOD: Final = "2026-10-01..2026-12-31"
MANY: Final = 1_000_000  # reports; more than any walk makes
OF_ONE_UNIT: Final = frozenset({"chk", "refusal", "return"})
SEEN: Final = frozenset({"link"})  # when a peer was last heard of, and its nonce: an idle exchange may note these
DERIVED: Final = (*SYNC_DERIVED, *NODE_DERIVED, "directory_state", "event")


@dataclass(frozen=True, slots=True)
class Broken:
    """One breach: the law, at whose computer, and what was seen."""

    law: str
    where: str
    text: str


def broken(world: World) -> list[Broken]:
    """Every breach found in a world at rest. Rebuilds every node at the end."""
    return [Broken(law, where, text) for law, look in LAWS.items() for where, text in look(world)]


Breaches = Iterator[tuple[str, str]]


def sound(world: World) -> Breaches:
    """No handler raised, no client misbehaved, and everybody who was invited is enrolled."""
    for error in world.network.errors:
        yield "network", error
    for text in world.misconduct:
        yield "client", text
    for site in world.sites.values():
        if not site.is_founded:
            yield site.unit, "was never enrolled"


def quiet(world: World) -> Breaches:
    """L4: the network falls quiet, and then an exchange is one request that moves and writes nothing."""
    if world.rounds is None:
        yield "network", "does not fall quiet"
        return
    for site in _children(world):
        parent = world.sites[str(site.parent)]
        if any(_begins_a_day(one) for one in (site, parent)):
            world.exchange(site)  # once a day it is looked which own copies have been kept for long enough
        before, requests = (site.tables(leave_out=SEEN), parent.tables(leave_out=SEEN)), world.network.requests
        outcome = world.exchange(site)
        sent = world.network.requests - requests
        if outcome is None or (outcome.kind, outcome.pushed, outcome.pulled, outcome.busy) != ("ok", 0, 0, False):
            yield site.unit, f"an idle exchange gave {outcome}"
        if sent != 1:
            yield site.unit, f"an idle exchange took {sent} requests"
        for one, tables in zip((site, parent), before, strict=True):
            changed = [name for name, rows in one.tables(leave_out=SEEN).items() if rows != tables[name]]
            if changed:
                yield one.unit, f"an idle exchange of {site.unit} changed {changed}"


def _begins_a_day(site: Site) -> bool:
    day = site.db.execute("SELECT day FROM disclosure_day").fetchone()
    return day is None or day[0] != site.env.now_ms() // DAY_MS


def everything_at_the_top(world: World) -> Breaches:
    """L1: every event held anywhere is at the hub, once; every chain is whole there and has one branch."""
    at_hub = world.hub.db.execute("SELECT hash FROM event").fetchall()
    hashes = {row[0] for row in at_hub}
    if len(at_hub) != len(hashes):
        yield world.hub.unit, f"{len(at_hub) - len(hashes)} events twice"
    for site in _founded(world):
        for event_hash, kind in site.db.execute("SELECT hash, kind FROM event").fetchall():
            if event_hash not in hashes:
                yield site.unit, f"{kind} {event_hash} is not at the hub"
        chain, seq, head = site.db.execute("SELECT chain, seq, head FROM node_state").fetchone()
        rows = world.hub.db.execute("SELECT seq, hash FROM event WHERE chain = ? ORDER BY seq", [chain]).fetchall()
        if [row[0] for row in rows] != list(range(1, seq + 1)) or rows[-1][1] != head:
            yield site.unit, f"its chain to seq {seq} is not whole at the hub: {[row[0] for row in rows]}"


def acknowledged(world: World) -> Breaches:
    """L10: the hub holds exactly the checks that were acknowledged, as their authors know them; the rest stands too."""
    reports = queries.reports_between(world.hub.db, None, date.min, date.max, None, MANY)
    held = {report.event: report for report in reports}
    for event in held.keys() - world.memory.entered.keys():
        yield world.hub.unit, f"check {event} at the hub was never acknowledged"
    for event, one in world.memory.entered.items():
        report = held.get(event)
        if report is None:
            yield world.hub.unit, f"acknowledged check {event} of {one.unit} on {one.day} is lost"
        elif (
            report.unit, report.date, report.result, report.disputes, report.hazards, report.amends, report.recorded_ms,
        ) != astuple(one)[1:]:  # fmt: skip
            yield world.hub.unit, f"check {event} says {report}, its author {one}"
    for unit, name in world.memory.accounts:
        if not world.sites[unit].db.execute("SELECT 1 FROM account WHERE name = ?", [name]).fetchone():
            yield unit, f"account {name} is lost"


def same_answer(world: World) -> Breaches:
    """L10: the same key brings the same answer, whenever it comes again."""
    for submission, document in world.memory.answered:
        site = world.sites[submission.unit]
        rows = site.db.execute("SELECT COUNT(*) FROM event").fetchone()[0]
        try:
            answer = world.people.say(site, submission)
        except GridError as refusal:
            yield site.unit, f"{submission.key} was answered, and is now refused: {refusal}"
            continue
        if not answer.repeated or answer.document != document:
            yield site.unit, f"{submission.key} got {document}, then {answer}"
        if site.db.execute("SELECT COUNT(*) FROM event").fetchone()[0] != rows:
            yield site.unit, f"{submission.key} was stored a second time"
            return  # the events written by this very question are in nobody's memory


def offered(world: World) -> Breaches:
    """L6: what a child offered is stored or listed as refused, and the two logs of a link are one."""
    for site in _children(world):
        parent, link = world.sites[str(site.parent)], site.replica.link_up
        up_log = site.db.execute("SELECT up_log FROM node_state").fetchone()[0]
        (down_log,) = site.db.execute("SELECT down_log FROM link WHERE link = ?", [link]).fetchone()
        if log.in_tip(parent.db, link, up_log) != log.up_tip(site.db):
            yield site.unit, f"up: {log.up_tip(site.db)[0]} offered, {log.in_tip(parent.db, link, up_log)} received"
        if log.in_tip(site.db, link, down_log) not in (log.down_tip(parent.db, link), None):
            yield site.unit, "down: the two logs differ"
        for receiver, log_id in ((parent, up_log), (site, down_log)):
            rows = receiver.db.execute(
                "SELECT i.hash FROM inlog i WHERE i.link = ? AND i.log = ?"
                " AND NOT EXISTS (SELECT 1 FROM event e WHERE e.hash = i.hash)"
                " AND NOT EXISTS (SELECT 1 FROM refused r WHERE r.link = i.link AND r.log = i.log AND r.n = i.n)",
                [link, log_id],
            ).fetchall()
            if rows:
                yield receiver.unit, f"{len(rows)} lines of {log_id} are neither stored nor refused: {rows[:3]}"


def marked(world: World) -> Breaches:
    """The city and every level between has marked every node's head, and the node knows."""
    for site in _children(world):
        chain, seq, head = site.db.execute("SELECT chain, seq, head FROM node_state").fetchone()
        for name, top, tip, by_city in heads(site.replica):
            if not by_city or (name, top, tip) != (chain, seq, head):
                yield site.unit, f"head {top} {tip} of {name} is not marked by the city"
        reached = marks.reached(site.db, chain, seq, head, disputed=False)
        for above in world.above(site.unit)[1:]:
            if above in world.sites and world.sites[above].replica.identity.node not in reached:
                yield site.unit, f"no mark of {above} for head {seq}"
        behind = site.db.execute("SELECT chain FROM chain WHERE behind_since IS NOT NULL").fetchall()
        if behind:
            yield site.unit, f"still waits for the city's mark of {behind}"


def directory(world: World) -> Breaches:
    """Every node holds the city's directory and cadences, and reads the same tree from them."""
    asked = "SELECT event, place, no, act FROM directory_act ORDER BY event, place", "SELECT * FROM cadence_entry"
    wanted = [sorted(world.hub.db.execute(sql).fetchall()) for sql in asked]
    for site in _founded(world):
        if [sorted(site.db.execute(sql).fetchall()) for sql in asked] != wanted:
            yield site.unit, "directory or cadences differ from the hub's"
        tree = tree_of(site.replica)
        for unit, group in world.memory.groups.items():
            versions = tree.versions(unit)
            if not versions or (versions[0].valid_from, versions[-1].valid_to) != (group.first, group.end):
                yield site.unit, f"{unit} should stand from {group.first} to {group.end}: {versions}"
                continue
            names = sorted(
                name for name in world.memory.names.get(unit, []) if group.end is None or name[0] < group.end
            )
            if names and versions[-1].name != names[-1][2]:
                yield site.unit, f"{unit} is called {versions[-1].name}, published was {names[-1]}"


def returned(world: World) -> Breaches:
    """A returned report is shown where it was made."""
    for event, unit in world.memory.returned.items():
        for site in _founded(world):
            if (
                site.unit in world.above(unit)
                and not site.db.execute("SELECT 1 FROM check_return WHERE event = ?", [event]).fetchone()
            ):
                yield site.unit, f"does not know that a report of {unit} was returned by {event}"


def own_subtree_only(world: World) -> Breaches:
    """L11: no sibling holds what was written by or for another."""
    for site in _founded(world):
        known = introduced(world, site) | set(world.above(site.unit))
        strange = site.db.execute(
            "SELECT w.kind, w.subject FROM disclosure_word w WHERE NOT EXISTS"
            " (SELECT 1 FROM case_event c WHERE c.case_id = w.subject)"
            " AND NOT EXISTS (SELECT 1 FROM event e WHERE e.hash = w.subject)"
        )
        for kind, subject in strange.fetchall():
            yield site.unit, f"holds {kind} about {subject}, of which nothing else came"
        for kind, unit in site.db.execute("SELECT DISTINCT kind, unit FROM event").fetchall():
            if kind in OF_ONE_UNIT and site.unit not in world.above(unit):
                yield site.unit, f"holds a {kind} of {unit}"
            if kind == "cert" and site.unit not in world.above(unit) and unit not in known:
                yield site.unit, f"holds the certificate of {unit}, of which nothing came"


def verified(world: World) -> Breaches:
    """L2: every signature, chain, log, standing, mark and tally verifies at every node; there is no fork."""
    for site in _founded(world):
        report = verify(site.replica)
        for problem in report.problems:
            yield site.unit, f"{problem.code}: {problem.text}"
        if report.forks or report.set_aside:
            yield site.unit, f"{report.forks} forks, {report.set_aside} lines set aside"
        standing = site.db.execute("SELECT kind, standing FROM event WHERE standing <> 'ok'").fetchall()
        unprojected = site.db.execute("SELECT event FROM unprojected").fetchall()
        if standing or unprojected:
            yield site.unit, f"without effect: {standing} {unprojected}"


def tallied(world: World) -> Breaches:
    """L3: the hub's tallies and rollups are what brute force counts from the acknowledged submissions."""
    hub = world.hub
    for table, column, wanted in zip(
        ("check_day", "check_month"), ("day", "month"), count.tallies(world.memory), strict=True
    ):
        kept = {key: astuple(tally) for key, tally in queries.all_tallies(hub.db, table, column).items()}
        for key in sorted(kept.keys() | wanted.keys()):
            if kept.get(key) != wanted.get(key):
                yield hub.unit, f"{table} {key}: kept {kept.get(key)}, counted {wanted.get(key)}"
    period = parse_period(PERIOD)
    for unit in world.memory.parents:
        answer = rollup.answer(hub.replica, unit, PERIOD, by=None, tree="then", now_ms=world.clock.now_ms)
        measures = answer["measures"]
        assert isinstance(measures, dict)
        kept_due, counted_due = measures["checks_due"], count.due(world.memory, unit, period.first, period.last)
        if kept_due != counted_due:
            yield hub.unit, f"{unit} owes {counted_due}, the rollup says {kept_due}"


def rebuilt(world: World) -> Breaches:
    """L3: made again from the log, every derived table is the same."""
    for site in _founded(world):
        before = _derived(site)
        rebuild(site.replica)
        after = _derived(site)
        for name in DERIVED:
            if before[name] != after[name]:
                gone = [row for row in before[name] if row not in after[name]][:2]
                come = [row for row in after[name] if row not in before[name]][:2]
                yield site.unit, f"rebuild changes {name}: {gone} became {come}"


def _derived(site: Site) -> dict[str, list[tuple[object, ...]]]:
    tables = site.tables()
    return {name: tables[name] for name in DERIVED}


def _founded(world: World) -> list[Site]:
    return [site for site in world.sites.values() if site.is_founded]


def _children(world: World) -> list[Site]:
    return [site for site in _founded(world) if site.parent is not None]


LAWS: Final[dict[str, Callable[[World], Breaches]]] = {
    "sound": sound,
    "L4 quiet": quiet,
    "L1 at the top": everything_at_the_top,
    "L10 acknowledged": acknowledged,
    "L6 offered": offered,
    "marks": marked,
    "directory": directory,
    "returned": returned,
    "L11 subtree": own_subtree_only,
    "L9 cases": cases_agree,
    "L7 erased": erased,
    "L2 verified": verified,
    "L3 tallies": tallied,
    "L3 rebuild": rebuilt,
    "L10 same answer": same_answer,
}
