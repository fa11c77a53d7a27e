"""Storing events: one function for every path (own, up, down, file), used inside one write transaction.

1. The bytes were checked before (wire.py). 2. Store, unless held. 3. Standing, a pure function of the certificates and
the directory held; only `ok` events have effect. 4. Route to the children. Order of arrival never decides: when a
certificate or a directory act arrives, the standing of what waited for it is worked out again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final, Literal

from schemas.clock import business_day
from schemas.encoding import b64
from schemas.events import FIRST, PRIVATE, Event
from schemas.units.tree import LEVELS, Tree
from sync import chains, directory, erasure, heads, log, owed, refusals, revocation, routing, trails
from sync.certificates import certificate, intact, keys_in
from sync.derived import clear_derived
from sync.replica import Replica, Stored
from sync.standing import BAD_SCOPE, LATE_KEY, OK, PENDING, Judge

# Where an event comes from: written here, from a child, from the parent, handed back by the parent what this disk lost,
# handed back by a child, carried by a file.
Source = Literal["own", "up", "down", "lost", "back", "file"]
_UPWARD: Final = frozenset({"own", "up", "file"})  # what goes up; "lost" is appended by who knows the parent's cursor
_FROM_ELSEWHERE: Final = frozenset({"lost", "down", "file"})  # not over the link of the child that it may be from
IDENTITY: Final = ("cert", "rev")  # what standing rests on, beside the directory
MAX_ROUNDS: Final = 8
_NO_TREE: Final = Tree([])


class Intake:
    """The store function of one transaction. Call `finish` once, before the commit."""

    def __init__(self, replica: Replica, now_ms: int, *, replaying: bool = False) -> None:
        self._replaying = replaying
        self.replica = replica
        self.db = replica.db
        self.now_ms = now_ms
        self.received_at = max(now_ms, log.last_received_at(replica.db))  # it never goes back, whatever the clock does
        self.me = replica.identity
        self.projection = replica.app.projection(replica)
        self.touched: set[str] = set()  # chains from below that got something new
        self._directory_changed = False
        self.judge = Judge(replica)
        self._own_returned = False
        self._withdrawn = False  # something that had effect has none any more

    @property
    def is_replaying(self) -> bool:
        """Whether held events are taken in once more: then nothing is written or sent."""
        return self._replaying

    # ---- storing

    def author(
        self,
        *,
        kind: str,
        schema: str,
        unit: str,
        day: date,
        public: object,
        private: object | None = None,
        sealed: str | None = None,
    ) -> Event:
        """Signs and stores the next event of the own chain; a restored copy begins a new chain first."""
        if heads.is_awaited(self.db):
            self.begin_chain()
        event = chains.sign_next(
            self.replica, kind=kind, schema=schema, unit=unit, day=day, now_ms=self.now_ms, public=public,
            private=private, sealed=sealed,
        )  # fmt: skip
        self.add(event, "own")
        return event

    def begin_chain(self, after: list[object] | None = None) -> None:
        """The first event of an own chain: it brings the public key, and names the head that it takes up from."""
        seq, awaited = self.db.execute("SELECT seq, awaited FROM node_state").fetchone()
        if seq or awaited:
            after = heads.begin_anew(self.replica)
        public = {"key": b64(self.replica.signer.public), "after": after}
        event = chains.sign_next(
            self.replica, kind=chains.INC_KIND, schema=chains.INC_SCHEMA, unit=self.me.unit,
            day=business_day(self.now_ms), now_ms=self.now_ms, public=public,
        )  # fmt: skip
        self.add(event, "own")

    def add(self, event: Event, source: Source) -> int:
        """Stores a checked event unless it is held; returns its place in the log."""
        known = log.held(self.db, event.hash)
        if source in _FROM_ELSEWHERE and event.header.kind not in routing.PUBLISHED:
            routing.owe_below(self.replica, directory.tree_of(self.replica), event, self.judge.today())
        if known is not None:
            if not intact(self.db, event.hash):
                self._mend(known, event, source)
            self._meet_again(event, source)
            self._erase(event.hash)
            return known.n
        if source != "own":  # nobody is to send private texts; whoever does is not helped to spread them
            event = replace(event, parts=tuple(p.withheld() if p.name in PRIVATE else p for p in event.parts))
        standing = self.judge.standing(event)
        n = log.insert_event(self.db, event, standing, self.received_at)
        self._remember_key(event)
        own = event.node == self.me.node
        if not self.me.is_top and (source in _UPWARD or (source == "back" and own)):
            log.append_up(self.db, n, event.hash)
        side = "own" if own else self._side(event, source)
        wants_mark = not self.me.is_top and (own or (side == "below" and self.judge.is_below_now(event.node)))
        chains.note(self.db, event, side, self.now_ms, wants_mark=wants_mark)
        if side == "below" or (side == "above" and chains.is_below(self.db, event.header.chain)):
            self.touched.add(event.header.chain)
        if own and source != "own":
            self._own_returned = True
            if event.header.prev != FIRST and log.held(self.db, event.header.prev) is None:
                owed.want(self.db, [event.header.prev])
        for link, log_id in owed.arrived(self.db, event.hash):
            if directory.may_have(self.replica, event.node, link.partition(">")[2]):
                owed.note(self.db, link, log_id, [event.hash])
        if standing == OK:
            self.effect(Stored(n, event, self.received_at))
        routing.route(self.replica, self._tree_for(event), n, event, self.judge.today)
        self._erase(event.hash)
        return n

    def replay(self, stored: Stored) -> None:
        """Takes a held event in once more, as `rebuild` does: standing and effect, nothing sent anywhere."""
        self._remember_key(stored.event)
        standing = self.judge.standing(stored.event)
        self.db.execute("UPDATE event SET standing = ? WHERE n = ?", [standing, stored.n])
        if standing == OK:
            self.effect(stored)

    def finish(self, *, caught_up: bool = False) -> None:
        """Settles what waits for the directory, lets the application write what it gathered, and sends down what it
        addresses to units.
        """
        if self._directory_changed:
            self._restand("e.standing = ?", [BAD_SCOPE])
            self.projection.directory_changed()
        if self._own_returned:
            heads.catch_up(self.db, self.me.is_top)
            if heads.went_on_elsewhere(self.db):
                self.begin_chain()
        if self._withdrawn and not self._replaying:
            self._make_again()
        self.projection.finish()
        if not self._replaying:
            self._do_what_follows(caught_up=caught_up or self.me.is_top)  # the top waits for nobody
            tree = directory.tree_of(self.replica)
            if self._directory_changed:
                routing.reroute(self.replica, tree, self.judge.today())
                self._let_go()
            routing.route_to_units(self.replica, tree, self.projection.addressed())

    def _do_what_follows(self, *, caught_up: bool) -> None:
        """Events that this node owes because of what came in; one may make another due."""
        if heads.is_awaited(self.db) and not caught_up:
            self.projection.put_off()
            return
        refusals.give_up(self)
        for _ in range(MAX_ROUNDS):
            deeds = list(self.projection.deeds(self.now_ms))
            for deed in deeds:
                day = business_day(self.now_ms)
                self.author(
                    kind=deed.kind, schema=deed.schema, unit=self.me.unit, day=day, public=deed.public,
                    sealed=deed.sealed,
                )  # fmt: skip
            if not deeds:
                return
            self.projection.finish()

    def _make_again(self) -> None:
        """What lost its effect cannot be taken out of sums one by one: all that is derived is made again."""
        clear_derived(self.replica)
        self.judge.forget()
        self.projection = self.replica.app.projection(self.replica)
        self._replaying = True
        self.replay_all()
        self._replaying = False

    def replay_all(self) -> int:
        """Takes every held event in once more, after `clear_derived`; returns how many."""
        count = 0
        # Who certifies or revokes stands above, and scope rests on the tree: so each author is judged by all there is.
        passes = [(None, IDENTITY), (LEVELS[-1], (directory.KIND,)), *((one, IDENTITY) for one in reversed(LEVELS))]
        for level, kinds in passes:
            where = f"e.kind IN ({','.join('?' * len(kinds))}) AND e.kind NOT IN ('chk', 'case') AND e.standing = ?"
            for stored in log.events(self.db, where, [*kinds, PENDING]):
                if self.judge.level(stored.event.node) == level:
                    count += 1
                    self.replay(stored)
        for stored in log.events(self.db, "e.standing = ?", [PENDING]):
            count += 1
            self.replay(stored)
        if self._directory_changed:
            self._restand("e.standing = ?", [BAD_SCOPE])
        return count

    def _side(self, event: Event, source: Source) -> str:
        """Whose chain it is. What the parent sends down comes in pieces, whosever it is, until it comes up as well."""
        return "below" if source not in ("down", "back") and self.judge.is_below(event.node) else "above"

    def _let_go(self) -> None:
        """Chains of units that moved away are waited for elsewhere."""
        rows = self.db.execute("SELECT chain, node FROM chain WHERE behind_since IS NOT NULL").fetchall()
        gone = [(chain,) for chain, node in rows if node != self.me.node and not self.judge.is_below_now(node)]
        self.db.conn.executemany("UPDATE chain SET behind_since = NULL WHERE chain = ?", gone)

    def _meet_again(self, event: Event, source: Source) -> None:
        """A held event comes by another way: what was only known from above may turn out to be from below."""
        if event.node != self.me.node and self._side(event, source) == "below":
            turned = self.db.execute(
                "UPDATE chain SET side = 'below' WHERE chain = ? AND side = 'above'", [event.header.chain]
            ).rowcount
            if turned:
                self.touched.add(event.header.chain)

    def _mend(self, known: log.Held, event: Event, source: Source) -> None:
        """Held bytes fail, these are good: they take their place and travel on (3-sync, Exchange)."""
        log.replace_bytes(self.db, known.n, event)
        mended = log.load(self.db, event.hash)
        if mended is not None and known.standing == PENDING:  # a rebuild had passed over the damaged row
            self.replay(mended)
        if source in ("up", "lost", "file") and not self.me.is_top:
            log.append_up(self.db, known.n, event.hash)

    def _remember_key(self, event: Event) -> None:
        for node, key in keys_in(event):
            self.db.execute("INSERT INTO node_key (node, key) VALUES (?, ?) ON CONFLICT DO NOTHING", [node, key])

    # ---- effect

    def _restand(self, where: str, params: list[object]) -> None:
        for stored in list(log.events(self.db, where, params)):
            standing = self.judge.standing(stored.event)
            (before,) = self.db.execute("SELECT standing FROM event WHERE n = ?", [stored.n]).fetchone()
            if standing != before and before != PENDING:  # what is pending is being replayed, and comes by itself
                self.db.execute("UPDATE event SET standing = ? WHERE n = ?", [standing, stored.n])
                if standing == OK:
                    self.effect(stored)
                elif before == OK:
                    self._withdrawn = True

    def effect(self, stored: Stored) -> None:
        """What an event of standing ok changes; each one once."""
        kind = stored.event.header.kind
        if kind == "cert":
            self._certify(stored.event)
        elif kind == revocation.KIND:
            self._revoke(stored.event)
        elif kind == directory.KIND:
            # Only the city's own acts change the tree, whoever else may sign one.
            if stored.event.header.unit == self.me.city and directory.take_in(self.db, stored):
                self._directory_changed = True
        elif kind == "refusal":
            refusals.take_in(self, stored)
        elif kind == erasure.KIND:
            hashes = erasure.take_in(self.replica, stored.event)
            self.projection.erased(hashes)
            if not self._replaying:
                routing.follow(self.replica, stored.n, stored.event, hashes)
        elif kind != "inc":
            self.projection.project(stored)

    def _certify(self, event: Event) -> None:
        claim = certificate(event)
        if claim is None or event.header.unit != claim[1]:
            return
        node, unit, level, _key = claim
        self.db.execute(
            "INSERT INTO node_cert (event, node, unit, level, issuer) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [event.hash, node, unit, level, event.node],
        )
        self.judge.forget(node)
        if node == self.me.node and not self._replaying:
            trails.renew_own(self.db, self.me)
        elif not self._replaying and not self.judge.is_below_now(node):
            self.db.execute("UPDATE chain SET behind_since = NULL WHERE node = ? AND behind_since IS NOT NULL", [node])
        self._restand("e.node = ? AND e.standing = ?", [node, LATE_KEY])
        if not self._replaying:
            self.projection.certified(unit)

    def _revoke(self, event: Event) -> None:
        """Only who stands above a node's unit, or the root, can revoke it; a stolen disk can't revoke its successor."""
        if event.node != self.me.root_node and self.judge.unit(event.node) == event.header.unit:
            return
        node = revocation.keep(self.db, event)
        if node is not None:
            self.judge.forget(node)
            self._restand("e.node = ?", [node])

    def _erase(self, event_hash: str) -> None:
        """What was to be erased before it came, or comes once more: it goes here, and where it came from."""
        for named in erasure.drop(self.replica, event_hash):
            stored = log.load(self.db, named)
            if stored is not None and not self._replaying:
                routing.follow(self.replica, stored.n, stored.event, [event_hash])

    def _tree_for(self, event: Event) -> Tree:
        """Published events go to every child, so the tree isn't even loaded for them."""
        needs_tree = event.header.kind in routing.ADDRESSED | routing.CERTIFICATES | routing.REPORTS
        return directory.tree_of(self.replica) if needs_tree else _NO_TREE
