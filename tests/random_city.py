"""A city in which everything happens at once, drawn from a random number: units that open, move, split, merge, close
and are coded anew, reports, corrections, conflicts of several nodes, excuses, returns, confirmations, campaigns, cases.

Events are signed as another program might sign them: nobody asks whether an act is allowed before it is written.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from crafted import copied, events_of, signed, take
from plain_cases import HANDS, OPEN, TABLE, PlainCase
from plain_tree import LEVELS, PlainTree, Told, events_in, midnight_ms, period

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, HOUR_MS, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node
from schemas.cadence import DEFAULT_PROFILE, profile_payload
from schemas.errors import GridError
from sync.replica import Replica

FIRST: Final = date(2026, 9, 20)
LAST: Final = date(2026, 12, 8)
STAGES: Final = (("2026-11-23", 18), ("2026-12-01", 9), ("2026-12-08", 15))  # when things are signed
NEW_GROUPS: Final = (f"{W_VILLAGE}004", f"{E_VILLAGE}004")
NEW_VILLAGE: Final = "421001001002"
REPORTERS: Final = (*E_GROUPS, *W_GROUPS, *NEW_GROUPS, E_VILLAGE, W_TOWN)
WORKERS: Final = (CITY, CITY, CITY, EAST, WEST, E_TOWN, W_TOWN, E_VILLAGE, W_VILLAGE, *E_GROUPS[:2], *W_GROUPS[:2])
MOVES: Final = (
    (W_VILLAGE, E_TOWN), (W_VILLAGE, W_TOWN), (E_VILLAGE, W_TOWN), (E_TOWN, WEST), (W_TOWN, EAST), (E_TOWN, EAST),
    (E_GROUPS[2], W_VILLAGE), (W_GROUPS[0], E_VILLAGE),
)  # fmt: skip
CONFIRMING: Final = (
    (E_VILLAGE, "half-month"), (W_VILLAGE, "half-month"), (E_TOWN, "month"), (W_TOWN, "month"), (EAST, "quarter"),
    (WEST, "quarter"), (CITY, "half-year"),
)  # fmt: skip
CAMPAIGNS: Final = ("winter", "fire")
FORWARD: Final = (
    "accept",
    "mediate",
    "agree",
    "agree",
    "follow_up",
    "remediate",
    "apply_confirmation",
    "confirm",
    "fail",
)


class RandomCity:
    """The signed events of everything that happened, at three nodes that never met; `blank` is the hub before it."""

    def __init__(self, seed: int, *, acts: int, checks: int, cases: int) -> None:
        self.chance = random.Random(seed)
        self.city = City(seed=seed % 7 + 1)
        self.blank = copied(self.city.hub)
        self.nodes = [self.city.hub, self.city.join(self.city.hub, WEST), self.city.join(self.city.hub, EAST)]
        self._campaign_days: dict[str, date] = {}
        self._reports: dict[tuple[str, date, str], list[str]] = {}
        self._excuses: dict[str, list[str]] = {}
        self._given: dict[tuple[str, str], list[str]] = {}
        self._cases: dict[str, list[Told]] = {}
        for day, hour in STAGES:
            self.city.clock.set(day, hour)
            for _ in range(acts):
                self._directory()
            for _ in range(checks):
                self._check()
            for _ in range(checks // 6):
                self._excuse()
                self._return()
                self._confirm()
            for _ in range(cases):
                self._case()
            for case_id in list(self._cases):
                self._go_on(case_id)

    def arrived(self) -> Replica:
        """The hub once every event has reached it, in a random order cut into random batches."""
        by_hash = {event.hash: event for node in self.nodes for event in events_of(node.replica)}
        events = [by_hash[key] for key in sorted(by_hash)]
        self.chance.shuffle(events)
        while events:
            cut = self.chance.randint(1, len(events))
            take(self.blank, events[:cut])
            events = events[cut:]
        return self.blank

    # ---- the drawing

    def _day(self) -> date:
        often = (date(2026, 11, 1), date(2026, 11, 20), date(2026, 11, 22), date(2026, 11, 30))
        anywhere = FIRST + timedelta(days=self.chance.randint(0, (LAST - FIRST).days))
        return self.chance.choice(often) if self.chance.random() < 0.4 else anywhere

    def _node(self, unit: str) -> Node:
        """The city's, mostly, or that of the unit's county; at times one that has no business with it."""
        if self.chance.random() < 0.1:
            return self.chance.choice(self.nodes)
        county = self.nodes[1] if unit.startswith(WEST[:6]) else self.nodes[2]
        return self.chance.choice((self.city.hub, county))

    def _author(self, node: Node, kind: str, schema: str, unit: str, day: date, public: dict[str, Any]) -> Told:
        event = signed(node, kind=kind, schema=schema, unit=unit, day=day, public=public)
        return Told(event.hash, event.header.node, kind, unit, day, event.header.rtime, public)

    # ---- what the city publishes

    def _directory(self) -> None:
        day = {"date": self._day().isoformat()}
        kind = self.chance.choice(
            ("open", "move", "move", "move", "close", "recode", "split", "merge", "cadence", "camp", "camp")
        )
        entries: list[dict[str, Any]] = [{"type": "unit", "act": kind, **day}]
        if kind == "open":
            entries = [self._opened(self.chance.choice(NEW_GROUPS), "group", day)]
        elif kind == "move":
            unit, parent = self.chance.choice(MOVES)
            entries[0] |= {"unit": unit, "parent": parent}
        elif kind == "close":
            entries[0] |= {"unit": self.chance.choice((*REPORTERS, WEST, E_TOWN))}
        elif kind == "recode":
            entries[0] |= {"unit": EAST, "code": f"4210{self.chance.randint(50, 88)}000000"}
        elif kind == "cadence":
            profile: dict[str, Any] = profile_payload(DEFAULT_PROFILE)
            changed = {
                "group": self.chance.choice(("day", "day", "day", "week")),
                "village": self.chance.choice(("week", "month")),
            }
            entries = [
                {"type": "cadence", **day, "profile": {**profile, "cadences": {**profile["cadences"], **changed}}}
            ]
        elif kind == "camp":
            entries = [self._campaign()]
        else:
            entries = self._split_or_merge(kind, day)
        for entry in entries:
            with suppress(GridError):  # closed already, not open yet, code in use: nothing changed
                self.city.hub.publish(entry)

    def _opened(self, unit: str, level: str, day: dict[str, str]) -> dict[str, Any]:
        parent = unit[:12] if level == "group" else E_TOWN
        return {
            "type": "unit", "act": "open", "unit": unit, "code": unit, "name": "新设", "level": level, "parent": parent,
            "kind": "regular", **day,
        }  # fmt: skip

    def _split_or_merge(self, kind: str, day: dict[str, str]) -> list[dict[str, Any]]:
        moved = E_GROUPS if kind == "merge" else E_GROUPS[1:]
        return [
            self._opened(NEW_VILLAGE, "village", day),
            *({"type": "unit", "act": "move", "unit": one, "parent": NEW_VILLAGE, **day} for one in moved),
            {"type": "unit", "act": kind, "unit": E_VILLAGE, "successors": [NEW_VILLAGE], **day},
        ]

    def _campaign(self) -> dict[str, Any]:
        first = self._day()
        levels = self.chance.choice((["group"], ["group", "village"], ["township"]))
        named = self.chance.choice(CAMPAIGNS)
        self._campaign_days[f"campaign:{named}"] = first
        return {
            "type": "campaign", "id": named, "name": "冬季排查", "from": first.isoformat(),
            "to": (first + timedelta(days=self.chance.randint(0, 30))).isoformat(), "levels": levels,
            "cadence": self.chance.choice(({}, dict.fromkeys(levels, "week"), dict.fromkeys(levels, "month"))),
        }  # fmt: skip

    # ---- what units report

    def _check(self) -> None:
        unit, day = self.chance.choice(REPORTERS), self._day()
        occasion = self.chance.choice(("regular",) * 4 + tuple(f"campaign:{one}" for one in CAMPAIGNS))
        if occasion in self._campaign_days and self.chance.random() < 0.8:  # several days of one duty
            unit = self.chance.choice(E_GROUPS)
            day = min(self._campaign_days[occasion] + timedelta(days=self.chance.randint(0, 5)), LAST)
        earlier = self._reports.setdefault((unit, day, occasion), [])
        public: dict[str, Any] = {"result": "zero", "occasion": occasion, "depth": "general", "direction": "vertical"}
        if self.chance.random() < 0.4:
            public |= {"result": "found", "found": {"disputes": 1, "hazards": 0, "cases": []}}
        if earlier and self.chance.random() < 0.6:
            public["amends"] = self.chance.choice(earlier)
        hours = self.chance.choice(
            (17, 33, 35, 90)
        )  # after the day's midnight: before ten o'clock of the next, or late
        public["recorded_at"] = midnight_ms(day) + hours * HOUR_MS
        earlier.append(self._author(self._node(unit), "chk", "chk/1", unit, day, public).hash)

    def _excuse(self) -> None:
        unit, first = self.chance.choice((*REPORTERS, EAST, WEST)), self._day()
        earlier = self._excuses.setdefault(unit, [])
        last = first + timedelta(days=self.chance.randint(0, 40))
        by = self.chance.choice((CITY, CITY, EAST, WEST, E_TOWN, W_TOWN))
        public: dict[str, Any] = {"by": by, "from": first.isoformat(), "to": last.isoformat()}
        if earlier and self.chance.random() < 0.5:
            public |= {"amends": self.chance.choice(earlier), "cancelled": self.chance.random() < 0.5}
        earlier.append(self._author(self._node(by), "excuse", "excuse/1", unit, first, public).hash)

    def _return(self) -> None:
        """A report is sent back with a reason: its figures still count until it is amended."""
        (unit, day, _), hashes = self.chance.choice([one for one in self._reports.items() if one[1]])
        public = {"report": self.chance.choice(hashes), "by": CITY, "reason_code": "other"}
        self._author(self.city.hub, "return", "return/1", unit, day, public)

    def _confirm(self) -> None:
        unit, cadence = self.chance.choice(CONFIRMING)
        if self.chance.random() < 0.2:
            cadence = self.chance.choice(("day", "week", "half-month", "month"))
        key, first, last = period(cadence, self._day())
        given = self._given.setdefault((unit, key), [])
        public: dict[str, Any] = {
            "about": "period", "period": key, "first": first.isoformat(), "last": last.isoformat(), "measures": {},
            "rates": {}, "own": {}, "position": 0, "as_of": "", "remarks": "",
        }  # fmt: skip
        if given and self.chance.random() < 0.5:
            public["amends"] = self.chance.choice(given)
        given.append(self._author(self._node(unit), "cnf", "cnf/1", unit, last, public).hash)

    # ---- casework

    def _case(self) -> None:
        case_id = str(UUID(int=self.chance.getrandbits(128)))
        kind = self.chance.choice(("dispute", "dispute", "hazard"))
        public = {
            "case": case_id, "action": "register", "term": 0, "kind": kind,
            "category": self.chance.choice(("01", "02", "13", "99") if kind == "dispute" else ("fire", "other")),
            "list": "hubei-15/1" if kind == "dispute" else "hazards/1",
            "source": self.chance.choice(("self_found", "self_applied", "court", "petition", "police", "hotline")),
            "complexity": self.chance.choice(("simple", "ordinary", "complex")),
            "urgency": self.chance.choice(("yellow", "orange", "red")),
        }  # fmt: skip
        unit = self.chance.choice(WORKERS)
        self._cases[case_id] = [self._author(self._node(unit), "case", "case/1", unit, self._day(), public)]

    def _go_on(self, case_id: str) -> None:
        """Some acts more: mostly what could come next, at times whatever anybody might write."""
        tree = PlainTree(events_in(self.city.hub.db.conn))
        for _ in range(self.chance.choice((0, 0, 2, 4, 6, 8))):  # some just wait
            acts = self._cases[case_id]
            case = PlainCase(acts, lambda unit: LEVELS.index(tree.level[unit]), lambda a, u, d: a in tree.line(u, d))
            wild = self.chance.random() < 0.15
            after, now = case.acts[-1]
            action = self.chance.choice(
                [one for one, (states, _, _) in TABLE.items() if now.state in states] or ["note"]
            )
            forward = [one for one in FORWARD if now.state in TABLE[one][0]]
            if forward and self.chance.random() < 0.6:
                action = self.chance.choice(forward)
            if now.state in OPEN and now.level < 3 and self.chance.random() < 0.1:
                action = "seize"
            if now.asked == "applied" and self.chance.random() < 0.7:
                action = self.chance.choice(("confirm", "confirm", "refuse_confirmation"))
            if now.offer and self.chance.random() < 0.6:
                action = self.chance.choice(("take", "take", "send_back"))
            if wild:
                after, action = self.chance.choice(acts), self.chance.choice((*TABLE, "note"))
            above = tree.line(now.owner, after.day)[1:] or (now.owner,)
            by = TABLE.get(action, ("", "", "owner"))[2]
            unit = {"owner": now.owner, "offered": now.offered_to or now.owner, "ancestor": self.chance.choice(above)}[
                by
            ]
            if self.chance.random() < 0.06:
                unit = self.chance.choice(WORKERS)
            day = min(after.day + timedelta(days=self.chance.choice((0, 0, 1, 3, 9))), LAST)
            term = now.term + (action in ("take", "seize"))
            public: dict[str, Any] = {
                "case": case_id, "action": action, "term": term, "after": after.hash,
                **self._needed(action, day, now.offer, above),
            }  # fmt: skip
            if wild and self.chance.random() < 0.3:
                public["term"] = self.chance.randint(0, 3)
            acts.append(self._author(self._node(unit), "case", "case/1", unit, day, public))
            if action == "seize" and self.chance.random() < 0.7:  # another level seizes it, not knowing of the first
                rival = self.chance.choice(above)
                acts.append(self._author(self._node(rival), "case", "case/1", rival, day, public))

    def _needed(self, action: str, day: date, offer: str | None, above: tuple[str, ...]) -> dict[str, Any]:
        later = (day + timedelta(days=self.chance.randint(0, 40))).isoformat()
        at_once = self.chance.random() < 0.4
        if action in HANDS:
            near = above if action == "hand_up" else WORKERS
            return {"to_unit": self.chance.choice(near), "reason_code": "other"}
        if action in ("take", "send_back", "recall"):
            return {"offer": offer} if offer else {}
        return {
            "decline": {"reason": "in_court"},
            "assign": {"body": "family"},
            "agree": {"performed_at_once": at_once} | ({} if at_once else {"performance_due": later}),
            "fail": {"advice": "litigation"},
            "follow_up": {"result": self.chance.choice(("performed", "partly", "reneged", "reneged"))},
            "refer": {"to": "litigation"},
            "extend": {"until": later},
        }.get(action, {})
