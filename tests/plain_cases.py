"""A case folded by hand from its signed acts, by the rules of the domain alone: see `plain_tree`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from plain_tree import DAY_MS, LEVELS, ONE_DAY, Told, day_of, midnight_ms

OPEN: Final = ("registered", "accepted", "assigned", "mediating", "reneged")
ANY: Final = (*OPEN, "agreed", "performed", "not_agreed", "terminated", "closed")
SETTLED: Final = ("agreed", "performed")
# action -> (from, to where it does not depend on a field, who)
TABLE: Final = {
    "accept": (("registered",), "accepted", "owner"),
    "decline": (("registered",), "closed", "owner"),
    "assign": (("accepted", "assigned"), "assigned", "owner"),
    "mediate": (("accepted", "assigned"), "mediating", "owner"),
    "agree": (("mediating",), "", "owner"),
    "fail": (("mediating",), "not_agreed", "owner"),
    "terminate": (("accepted", "assigned", "mediating"), "terminated", "owner"),
    "follow_up": (("agreed",), "", "owner"),
    "remediate": (("reneged",), "mediating", "owner"),
    "refer": (("reneged", "not_agreed"), "closed", "owner"),
    "apply_confirmation": (SETTLED, "", "owner"),
    "confirm": (SETTLED, "", "owner"),
    "refuse_confirmation": (SETTLED, "", "owner"),
    "withdraw_confirmation": (SETTLED, "", "owner"),
    "close": (("performed", "not_agreed", "terminated"), "closed", "owner"),
    "hand_up": (OPEN, "", "owner"),
    "hand_down": (OPEN, "", "owner"),
    "hand_across": (OPEN, "", "owner"),
    "take": (OPEN, "", "offered"),
    "send_back": (OPEN, "", "offered"),
    "recall": (OPEN, "", "owner"),
    "seize": (OPEN, "", "ancestor"),
    "extend": (OPEN, "", "owner"),
}
NEVER_VOID: Final = ("note", "supervise", "answer")
HANDS: Final = ("hand_up", "hand_down", "hand_across")
ASKED_OF_COURT: Final = {
    "apply_confirmation": "applied",
    "confirm": "confirmed",
    "refuse_confirmation": "refused",
    "withdraw_confirmation": "withdrawn",
}
WITHIN_DAYS: Final = {"simple": 1, "ordinary": 7, "complex": 20}
COUNTED_AS: Final = {
    "register": "registered", "accept": "accepted", "confirm": "confirmed", "close": "closed", "decline": "closed",
    "refer": "closed", "hand_up": "handed_up", "take": "taken", "send_back": "sent_back",
}  # fmt: skip
Above = Callable[[str, str, date], bool]  # whether the first unit is above the second on a day
Order = tuple[int, int, int, str]


@dataclass(frozen=True)
class Standing:
    """Where a case stands after an act."""

    state: str
    owner: str
    level: int
    term: int
    began_ms: int
    complexity: str
    court: bool
    since: dict[int, int] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    total_ms: int = 0
    offer: str | None = None
    offered_to: str | None = None
    asked: str | None = None
    agreed_on: date | None = None

    def limit_ms(self) -> int:
        """The instant at which the nearer of its two limits ends."""
        within = self.since[self.level] + WITHIN_DAYS[self.complexity] * DAY_MS
        return min(max(within, self.moved.get(self.level, 0)), self.all_ms())

    def all_ms(self) -> int:
        """The instant at which the limit in all ends."""
        return max(self.began_ms + 30 * DAY_MS, self.total_ms)


def moment(act: Told) -> int:
    """When an act happened: by the device's clock if it shows the act's day, else at the end of that day."""
    return act.rtime if day_of(act.rtime) == act.day else midnight_ms(act.day + ONE_DAY)


class PlainCase:
    """A case from all its acts, in whatever order they are given; `acts` are those that hold, with what each led to."""

    def __init__(self, acts: Iterable[Told], level_of: Callable[[str], int], above: Above) -> None:
        self._level_of, self._above = level_of, above
        self._next: dict[str, list[Told]] = {}
        roots = []
        for act in acts:
            if act.said["action"] == "register" and "after" not in act.said:
                roots.append(act)
            else:
                self._next.setdefault(act.said.get("after", ""), []).append(act)
        self._path: dict[str, tuple[list[tuple[Told, Standing, bool]], Order | None]] = {}
        for root in roots:
            begun = self._begun(root)
            self._walk(root, [(root, begun, True)], (0, begun.level, 0, root.hash))
        self.acts = self._held()
        self.registered = self.acts[0][0] if self.acts else None

    def _begun(self, act: Told) -> Standing:
        level, at = self._level_of(act.unit), moment(act)
        court = act.said["source"] == "court"
        return Standing("registered", act.unit, level, 0, at, act.said["complexity"], court, {level: at})

    def _walk(self, act: Told, path: list[tuple[Told, Standing, bool]], claim: Order | None) -> None:
        self._path[act.hash] = (path, claim)
        for follower in self._next.get(act.hash, []):
            now = path[-1][1]
            then = self._after(now, follower)
            owns = then is not None and follower.said["action"] in ("take", "seize")
            order = (follower.said["term"], self._level_of(follower.unit), len(path), follower.hash) if owns else None
            self._walk(follower, [*path, (follower, then or now, then is not None)], order)

    def _held(self) -> list[tuple[Told, Standing]]:
        claims = [(claim, key) for key, (_, claim) in self._path.items() if claim is not None]
        if not claims:
            return []
        winner = max(claims)[1]
        path = self._path[winner][0]
        found = [(act, now) for act, now, holds in path if holds]
        now = path[-1][1]
        for act in self._following(winner, len(path)):
            then = None if act.said["action"] in ("take", "seize", "register") else self._after(now, act)
            if then is not None:
                now = then
                found.append((act, now))
        return found

    def _following(self, key: str, depth: int) -> list[Told]:
        found, waiting = [], [(depth, act) for act in self._next.get(key, [])]
        while waiting:
            at, act = waiting.pop()
            found.append((at, act.hash, act))
            waiting += [(at + 1, one) for one in self._next.get(act.hash, [])]
        return [act for _, _, act in sorted(found, key=lambda one: one[:2])]

    def _after(self, now: Standing, act: Told) -> Standing | None:
        """Where the case stands after an act; None if the act is void."""
        said, action = act.said, act.said["action"]
        if action in NEVER_VOID:
            return now
        if action not in TABLE:
            return None
        states, to, by = TABLE[action]
        if said["term"] != now.term + (action in ("take", "seize")) or now.state not in states:
            return None
        if action in ("take", "send_back", "recall") and (now.offer is None or said.get("offer") != now.offer):
            return None
        who = {
            "owner": act.unit == now.owner,
            "offered": act.unit == now.offered_to,
            "ancestor": act.unit != now.owner and self._above(act.unit, now.owner, act.day),
        }
        if not who[by]:
            return None
        changed = self._changed(now, act, action)
        if changed is None:
            return None
        changed = replace(changed, state=to or changed.state)
        return changed if changed.state in OPEN else replace(changed, offer=None, offered_to=None)

    def _changed(self, now: Standing, act: Told, action: str) -> Standing | None:
        said = act.said
        if action in HANDS:
            fits = now.offer is None and self._fits(now.owner, said["to_unit"], act.day, action)
            return replace(now, offer=act.hash, offered_to=said["to_unit"]) if fits else None
        if action in ("take", "seize"):
            level = self._level_of(act.unit)
            since = {level: moment(act), **now.since}
            gone = {"offer": None, "offered_to": None}
            return replace(now, owner=act.unit, level=level, term=said["term"], since=since, **gone)
        if action in ("send_back", "recall"):
            return replace(now, offer=None, offered_to=None)
        if action in ASKED_OF_COURT:
            return replace(now, asked=ASKED_OF_COURT[action]) if self._may_ask(now, act, action) else None
        if action == "extend":
            return _extended(now, date.fromisoformat(said["until"]))
        if action == "agree":
            state = "performed" if said.get("performed_at_once") else "agreed"
            return replace(now, state=state, agreed_on=act.day)
        if action == "remediate":
            return replace(now, asked=None, agreed_on=None)
        if action == "follow_up" and said["result"] in ("performed", "reneged"):
            again = {"began_ms": moment(act), "since": {now.level: moment(act)}, "moved": {}, "total_ms": 0}
            return replace(now, state=said["result"], **(again if said["result"] == "reneged" else {}))
        return now

    def _fits(self, owner: str, to: str, day: date, action: str) -> bool:
        up = to != owner and self._above(to, owner, day)
        down = to != owner and self._above(owner, to, day)
        return {"hand_up": up, "hand_down": down, "hand_across": not up and not down and to != owner}[action]

    def _may_ask(self, now: Standing, act: Told, action: str) -> bool:
        if action != "apply_confirmation":
            return now.asked == "applied"
        in_time = now.agreed_on is not None and 0 <= (act.day - now.agreed_on).days <= 30
        return in_time and now.asked not in ("applied", "confirmed")

    # ---- what it counts for

    def counted(self) -> dict[str, Told]:
        """{measure: the act by which the case counts in it}."""
        found: dict[str, Told] = {}
        result = ""
        for act, _ in self.acts:
            action, said = act.said["action"], act.said
            if action in COUNTED_AS:
                found[COUNTED_AS[action]] = act
            if action in ("agree", "fail"):
                found.setdefault("mediated", act)
                result = "agreed" if action == "agree" else "not_agreed"
                found.pop("agreed", None)
                found.pop("not_agreed", None)
                found[result] = act
            if action == "agree" and said.get("performed_at_once"):
                found["performed"] = act
            if action == "follow_up" and said["result"] in ("performed", "reneged"):
                found[said["result"]] = act
        if result == "agreed":
            found[f"settled_at_{LEVELS[self._level_of(found['agreed'].unit)]}"] = found["agreed"]
        return found

    def at_end_of(self, day: date) -> Standing | None:
        """Where it stood at the end of a day, if it was open: an act counts no earlier than those that it follows."""
        reached, latest = None, date.min
        for act, now in self.acts:
            latest = max(latest, act.day)
            if latest <= day:
                reached = now
        return reached if reached is not None and reached.state in OPEN else None


def _extended(now: Standing, until: date) -> Standing | None:
    """With the limit moved to the end of a day; None if nothing is gained, or it may not be moved so far."""
    furthest = day_of(now.began_ms + (60 if now.court else 30) * DAY_MS)
    end_ms = midnight_ms(until + timedelta(days=1))
    if until > furthest:
        return None
    within = max(now.since[now.level] + WITHIN_DAYS[now.complexity] * DAY_MS, now.moved.get(now.level, 0))
    total = end_ms if now.court and end_ms > now.all_ms() else now.total_ms
    moved = replace(now, moved={**now.moved, now.level: max(end_ms, within)}, total_ms=total)
    return moved if moved.limit_ms() > now.limit_ms() else None
