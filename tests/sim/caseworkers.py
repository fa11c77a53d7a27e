"""Casework at the simulated computers: people register cases, act on them while others do too, and read them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from memory import Submission
from sites import Site

from node.answers import Answer
from node.cases import acts
from node.cases.private import read_private
from node.cases.projection import fold_of
from node.desk import todo
from node.people.accounts import Account
from schemas.errors import GridError
from sync.erase import erase

if TYPE_CHECKING:
    from people import People

REGISTRATION: Final = ""  # stands for the id of a case that is not registered yet
ACTS_IN_A_ROW: Final = 3
OLD_VIEW: Final = 0.1  # how often somebody acts on what stood there before
# Moving a case from unit to unit is what nodes can disagree about.
EAGER: Final = ("hand_up", "hand_down", "hand_across", "take", "seize", "send_back")
EAGERNESS: Final = 4


class Caseworkers:
    """What is done by hand about cases, decided by the world's seed."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.world = people.world
        self.random = people.random

    def some_acts(self) -> None:
        """A registration or a few acts, at one computer."""
        site = self.world.some_site()
        for _ in range(self.random.randint(1, ACTS_IN_A_ROW)):
            known = self._known(site)
            if not known or self.random.random() < 0.2:
                self._register(site)
            else:
                self._act(site, self.random.choice(known))

    def read(self) -> None:
        """Somebody opens the private part of a case that is theirs."""
        site = self.world.some_site()
        known = self._known(site)
        if known:
            case = fold_of(site.replica, self.random.choice(known))
            if case is not None:
                crash = site.attempt(lambda: read_private(site.replica, self._account(site), case, "核对"))
                self.world.note(f"reading at {site.unit}: {crash or case.id}")

    def notice(self) -> None:
        """Somebody takes notice of an act that came to nothing, wherever there is one."""
        asked = "SELECT ref FROM case_todo WHERE kind = 'void' ORDER BY ref"
        waiting = [(site, ref) for site in self.world.working() for (ref,) in site.db.execute(asked).fetchall()]
        if waiting:
            site, ref = self.random.choice(waiting)
            try:
                crash = site.attempt(lambda: todo.take_notice(site.replica, self._account(site), ref))
                self.world.note(f"notice at {site.unit}: {crash or ref[:8]}")
            except GridError as refusal:  # of a unit that another computer serves
                self.world.note(f"no notice at {site.unit}: {refusal.code}")

    def erase(self) -> None:
        """Somebody erases the private part of a record, at a computer that holds it or one above."""
        site = self.world.some_site()
        rows = site.db.execute(
            "SELECT e.hash FROM event e JOIN part p ON p.event = e.n AND p.name = 'per' WHERE e.kind = 'case'"
        ).fetchall()
        if not rows:
            return
        event = self.random.choice(rows)[0]
        try:
            crash = site.attempt(lambda: erase(site.replica, [event], "当事人申请"))
        except GridError as refusal:
            self.world.note(f"no erasure at {site.unit}: {refusal.code}")
            return
        if site.db.execute("SELECT 1 FROM erased WHERE hash = ?", [event]).fetchone():
            self.world.memory.erased.add(event)
        self.world.note(f"erasure at {site.unit}: {crash or event}")

    def say(self, site: Site, submission: Submission) -> Answer:
        """The very request of a submission. Raises GridError."""
        account, case = self._account(site), submission.case
        if case == REGISTRATION:
            return acts.register(site.replica, account, submission.body, submission.key)
        assert case is not None
        return acts.act_on(site.replica, account, case, submission.body, submission.key)

    def _account(self, site: Site) -> Account:
        return Account("reviewer", "reviewer", site.unit)

    def _known(self, site: Site) -> list[str]:
        return [row[0] for row in site.db.execute("SELECT case_id FROM case_now ORDER BY case_id").fetchall()]

    def _register(self, site: Site) -> None:
        unit = self.random.choice([unit for unit in self.world.memory.parents if site.unit in self.world.above(unit)])
        body: dict[str, Any] = {
            "unit": unit, "kind": "dispute", "category": self.random.choice(("01", "02", "99")),
            "source": self.random.choice(("self_found", "court")), "complexity": "ordinary", "urgency": "yellow",
            "private": {"place": "东湖边", "parties": [{"role": "applicant", "name": "甲某"}]},
        }  # fmt: skip
        self.people.hand_in_often(Submission(site.unit, "reviewer", self.people.key(), body, case=REGISTRATION))

    def _act(self, site: Site, case_id: str) -> None:
        case = fold_of(site.replica, case_id)
        assert case is not None
        allowed = acts.Allowed.now(site.replica, self._account(site), case).actions
        if not allowed:
            return
        weights = [EAGERNESS if action in EAGER else 1 for action in allowed]
        action = self.random.choices(allowed, weights)[0]
        after = case.event
        if self.random.random() < OLD_VIEW:
            after = self.random.choice(case.effective).hash
        body = {"action": action, "after": after, **self._fields(action)}
        self.people.hand_in_often(Submission(site.unit, "reviewer", self.people.key(), body, case=case_id))

    def _fields(self, action: str) -> dict[str, Any]:
        """What the act needs; some of it does not fit, and is refused."""
        random, later = self.random, self.world.today + timedelta(days=self.random.randint(0, 20))
        return {
            "decline": {"reason": "duplicate"},
            "assign": {"body": "committee"},
            "agree": {"performance_due": later.isoformat()},
            "fail": {"advice": "litigation"},
            "terminate": {"reason": "撤回"},
            "follow_up": {"result": random.choice(("performed", "not_yet", "reneged"))},
            "refer": {"to": "litigation"},
            "hand_up": {"to_unit": random.choice(sorted(self.world.memory.parents)), "reason": "多方"},
            "hand_down": {"to_unit": random.choice(sorted(self.world.memory.parents)), "reason": "就近"},
            "hand_across": {"to_unit": random.choice(sorted(self.world.memory.parents)), "reason": "当事人在那里"},
            "send_back": {"reason": "不属本单位"},
            "seize": {"reason": "重大"},
            "supervise": {"due": later.isoformat()},
            "answer": {"reply": "已办"},
            "extend": {"until": later.isoformat(), "reason": "鉴定"},
            "note": {"text": "电话联系"},
        }.get(action, {})
