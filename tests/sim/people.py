"""What people do at the simulated computers: report, amend, send back, publish, enrol, rebuild, sign in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from caseworkers import Caseworkers
from memory import Cadence, Entered, Group, Submission
from sites import Site

from hub.publishing import publish
from node.answers import Answer
from node.daily import checks
from node.people import accounts
from node.people.accounts import Account
from schemas.cadence import DEFAULT_PROFILE, profile_payload
from schemas.errors import GridError
from sync import enrol
from sync.rebuild import rebuild

if TYPE_CHECKING:
    from world import World

LATE_DAYS: Final = 20
MAX_FOUND: Final = 4
TRIES_AT_ONCE: Final = 3
CHECKS_IN_A_ROW: Final = 4
GRACES: Final = ("09:00", "10:00", "17:30", "23:00")
MAX_ACCOUNTS: Final = 2


class People:
    """Everything that is done by hand in one world, decided by its seed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.random
        self.memory = world.memory
        self.casework = Caseworkers(self)
        self._keys = 0

    # ---- reports

    def some_checks(self) -> None:
        """A few checks come in a row."""
        for _ in range(self.random.randint(1, CHECKS_IN_A_ROW)):
            self.check()

    def check(self) -> None:
        """Somebody enters one check, or amends one, at a computer that may or may not host the unit."""
        random, memory = self.random, self.memory
        site = self.world.some_site()
        below = [unit for unit in memory.groups if site.unit in self.world.above(unit)]
        if not below:
            return
        unit = random.choice(below) if random.random() < 0.95 else random.choice(sorted(memory.parents))
        day = self.world.today - timedelta(days=random.choice((0, 0, 0, 1, 1, 2, random.randint(0, LATE_DAYS))))
        body: dict[str, Any] = {"unit": unit, "date": day.isoformat(), "result": "zero"}
        if random.random() < 0.4:
            disputes = random.randint(0, MAX_FOUND)
            hazards = random.randint(0 if disputes else 1, MAX_FOUND)
            body |= {"result": "found", "found": {"disputes": disputes, "hazards": hazards}}
        if random.random() < 0.5:
            body["recorded_at"] = self.world.clock.now_ms - random.randint(0, 40 * 3_600_000)
        if random.random() < 0.3:
            self._name_amended(site, body)
        self.hand_in_often(Submission(site.unit, "worker", self.key(), body))

    def _name_amended(self, site: Site, body: dict[str, Any]) -> None:
        """A person who looks at the earlier report amends that one by name, and it need not be the newest."""
        earlier = [
            event for event, one in self.memory.entered.items()
            if one.unit == body["unit"] and one.day.isoformat() == body["date"]
            and site.db.execute("SELECT 1 FROM check_report WHERE event = ?", [event]).fetchone()
        ]  # fmt: skip
        if earlier:
            body["amends"] = self.random.choice(earlier)

    def send_back(self) -> None:
        """A reviewer of a higher unit returns a report that stands."""
        site = self.world.some_site()
        rows = site.db.execute("SELECT event, unit FROM check_duty ORDER BY unit, day").fetchall()
        rows = [row for row in rows if row[1] != site.unit]
        if rows:
            event, unit = self.random.choice(rows)
            body = {"reason": "请核实", "text": "数字与现场不符"}
            self.hand_in_often(Submission(site.unit, "reviewer", self.key(), body, event, unit))

    def hand_in_often(self, submission: Submission) -> None:
        """Somebody who is impatient sends it a few times until it is answered."""
        self.memory.open.append(submission)
        for _ in range(self.random.randint(1, TRIES_AT_ONCE)):
            if not self.hand_in(submission):
                break

    def hand_in(self, submission: Submission) -> bool:
        """One try. Returns whether it is to be tried again: the computer is off, or died before it answered."""
        site, memory = self.world.sites[submission.unit], self.memory
        if not site.is_up:
            return True
        try:
            answer, crash = self._answer(site, submission)
        except GridError as refusal:
            self.world.note(f"refused {submission.unit} {submission.body.get('unit', 'return')}: {refusal.code}")
            memory.refused += 1
            memory.open.remove(submission)
            return False
        if answer is None:
            self.world.note(f"no answer from {submission.unit}: {crash}")
            return True
        memory.open.remove(submission)
        memory.answered.append((submission, answer.document))
        self._remember(site, submission, answer.document)
        return False

    def _answer(self, site: Site, submission: Submission) -> tuple[Answer | None, object]:
        given: list[Answer] = []
        crash = site.attempt(lambda: given.append(self.say(site, submission)))
        return (given[0] if given else None), crash

    def say(self, site: Site, submission: Submission) -> Answer:
        """The very request of a submission. Raises GridError."""
        if submission.case is not None:
            return self.casework.say(site, submission)
        if submission.returns is None:
            return checks.submit(site.replica, submission.account, submission.body, submission.key)
        account = Account(submission.account, "reviewer", site.unit)
        return checks.send_back(site.replica, account, submission.returns, submission.body, submission.key)

    def _remember(self, site: Site, submission: Submission, document: dict[str, Any]) -> None:
        if submission.case is not None:
            self._remember_case(site, submission, document)
            return
        event, body = document["event"], submission.body
        if submission.returns is not None:
            self.memory.returned[event] = submission.about
            self.world.note(f"returned at {site.unit}: {submission.returns[:8]} by {event[:8]}")
            return
        found = body.get("found", {"disputes": 0, "hazards": 0})
        row = site.db.execute("SELECT header FROM event WHERE hash = ?", [event]).fetchone()
        signed_at = int(row[0].split("\t")[7]) if row else site.env.now_ms()
        recorded = body.get("recorded_at", signed_at)
        self.memory.entered[event] = Entered(
            event, body["unit"], date.fromisoformat(body["date"]), body["result"], found["disputes"], found["hazards"],
            document["amends"], recorded,
        )  # fmt: skip
        self.world.note(f"check at {site.unit}: {body['unit']} {body['date']} {body['result']} {event[:8]}")

    def _remember_case(self, site: Site, submission: Submission, document: dict[str, Any]) -> None:
        """An act is found by its request: the answer names the last act that holds, which it need not be."""
        self.memory.case_acts[submission.key] = document["id"]
        did = submission.body.get("action", "register")
        self.world.note(f"{did} at {site.unit}: case {document['id']} {document['state']} of {document['owner']}")

    def try_again(self) -> None:
        """Whoever got no answer sends the same once more."""
        if self.memory.open:
            self.hand_in(self.random.choice(self.memory.open))

    # ---- the hub

    def publish(self) -> None:
        """The city renames a unit, opens or closes a group, or publishes a cadence; as often as it takes."""
        act = self.random.choice((self._rename, self._rename, self._open_group, self._open_group, self._cadence))
        entry, done = act() if self.random.random() < 0.9 else self._close_group()
        hub = self.world.hub
        if not hub.is_up:
            return
        while True:
            crash = hub.attempt(lambda: publish(hub.replica, [entry]))
            if crash is None or crash.moment == "after":  # the person at the hub sees in the list that it is there
                break
        done()
        self.world.note(f"published {entry.get('act', 'cadence')} {entry.get('unit', '')} {entry['date']}")

    def _day_of_act(self) -> date:
        """Of few days, so that acts meet on one."""
        return self.world.today.replace(day=1) + timedelta(days=7 * self.random.randint(-2, 2))

    def _rename(self) -> tuple[dict[str, Any], Callable[[], object]]:
        unit = self.random.choice([one for one, group in self.memory.groups.items() if group.end is None])
        day = max(self._day_of_act(), self.memory.groups[unit].first)
        name = f"改名{self.random.randint(1, 999)}组"
        kept = self.memory.names.setdefault(unit, [])
        entry = {"type": "unit", "act": "rename", "unit": unit, "date": day.isoformat(), "name": name}
        return entry, lambda: kept.append((day, len(kept), name))

    def _open_group(self) -> tuple[dict[str, Any], Callable[[], object]]:
        village = self.random.choice(self.world.villages)
        number = 1 + sum(unit.startswith(village) for unit in self.memory.groups)
        unit, day = f"{village}{number:03d}", self._day_of_act()
        entry = {
            "type": "unit", "act": "open", "unit": unit, "code": unit, "name": f"新{number}组", "level": "group",
            "parent": village, "kind": "regular", "date": day.isoformat(),
        }  # fmt: skip
        return entry, lambda: self.world.know_group(unit, Group(village, day))

    def _close_group(self) -> tuple[dict[str, Any], Callable[[], object]]:
        waiting = [unit for unit, site in self.world.sites.items() if not site.is_founded]
        still_open = [one for one, group in self.memory.groups.items() if group.end is None and one not in waiting]
        unit = self.random.choice(still_open)
        group = self.memory.groups[unit]
        renamed = [day for day, _, _ in self.memory.names.get(unit, [])]
        day = max(self._day_of_act(), group.first + timedelta(days=1), *(one + timedelta(days=1) for one in renamed))
        entry = {"type": "unit", "act": "close", "unit": unit, "date": day.isoformat()}
        return entry, lambda: setattr(group, "end", day)

    def _cadence(self) -> tuple[dict[str, Any], Callable[[], object]]:
        daily, grace = self.random.random() < 0.8, self.random.choice(GRACES)
        day, number = self._day_of_act(), len(self.memory.cadences) + 1
        profile = profile_payload(DEFAULT_PROFILE) | {"name": f"p{99 - number}", "daily_grace": grace}
        profile["cadences"] = {**DEFAULT_PROFILE.cadences, "group": "day" if daily else "week"}
        entry = {"type": "cadence", "date": day.isoformat(), "profile": profile}
        hours, minutes = grace.split(":")
        cadence = Cadence(day, number, daily, (int(hours), int(minutes)))
        return entry, lambda: self.memory.cadences.append(cadence)

    # ---- nodes

    def invite_somebody(self) -> None:
        """One more group gets a computer of its own."""
        hosted = [
            unit for unit, group in self.memory.groups.items()
            if unit not in self.world.sites and group.first <= self.world.today and group.end is None
        ]  # fmt: skip
        if hosted and len(self.world.sites) < self.world.max_sites:
            unit = self.random.choice(hosted)
            self.world.add_site(unit, self.memory.groups[unit].parent)
            self.world.note(f"a computer for {unit}")

    def enrol(self, site: Site) -> None:
        """One try to enrol a computer, with the code that is at hand or a new one."""
        assert site.parent is not None
        parent = self.world.sites[site.parent]
        if not site.is_up or not parent.is_up or not parent.is_founded:
            return
        if site.unit not in self.world.codes and not self._invite(parent, site.unit):
            return
        refusal = site.enrol(self.world.codes[site.unit])
        if refusal is not None and refusal.code == "unit_has_node":  # a key that a garbled refusal had made them drop
            refusal = site.enrol(self.world.codes[site.unit], replace=True)
        if refusal is not None:
            self.world.note(f"enrolment of {site.unit} refused: {refusal.code}")
            self._invite(parent, site.unit)
        if site.is_founded:
            self.world.note(f"enrolled {site.unit}")

    def _invite(self, parent: Site, unit: str) -> bool:
        made: list[str] = []
        try:
            parent.attempt(lambda: made.append(enrol.invite(parent.replica, unit).code))
        except GridError as refusal:  # a clock that shows a year in which the unit was not open yet
            self.world.note(f"no code for {unit}: {refusal.code}")
            return False
        if made:
            self.world.codes[unit] = made[0]
        return bool(made)

    def rebuild(self) -> None:
        """Somebody has a node make its tables again from the log."""
        site = self.world.some_site()
        crash = site.attempt(lambda: rebuild(site.replica))
        self.world.note(f"rebuild at {site.unit}: {crash or 'done'}")

    def sign_in(self) -> None:
        """A new account, and a session that is opened and closed."""
        site = self.world.some_site()
        if len(self.memory.accounts) >= MAX_ACCOUNTS:
            return
        name = f"user{len(self.memory.accounts) + 1}"
        crash = site.attempt(lambda: accounts.add(site.replica, name, "worker", None))
        if crash is None or crash.moment == "after":
            self.memory.accounts.append((site.unit, name))
            site.attempt(lambda: accounts.close_session(site.replica, accounts.open_session(site.replica, name)))
        self.world.note(f"account at {site.unit}: {crash or name}")

    def key(self) -> str:
        """A key that nobody used before."""
        self._keys += 1
        return f"key-{self._keys}"
