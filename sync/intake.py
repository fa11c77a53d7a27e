"""Storing events: one function for every path (own, up, down, file), used inside one write transaction.

1. The bytes were checked before (wire.py). 2. Store, unless held. 3. Standing, a pure function of the certificates and
the directory held; only `ok` events have effect. 4. Route to the children. Order of arrival never decides: when a
certificate or a directory act arrives, the standing of what waited for it is worked out again.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from schemas.clock import business_day
from schemas.errors import Corrupt
from schemas.events import Event, payload
from schemas.units import Tree
from sync import chains, directory, log, routing
from sync.certificates import certificate, intact, keys_in
from sync.replica import Replica, Stored

Source = Literal["own", "up", "down"]
OK: Final = "ok"
LATE_KEY: Final = "late_key"
BAD_SCOPE: Final = "bad_scope"
PENDING: Final = "pending"
REFUSAL_SCHEMA: Final = "refusal/1"
_ROOT_KINDS: Final = frozenset({"inc", "cert", "rev"})
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
        self._cert_cache: dict[str, str | None] = {}

    # ---- storing

    def author(
        self, *, kind: str, schema: str, unit: str, day: date, public: object, private: object | None = None
    ) -> Event:
        """Signs and stores the next event of the own chain."""
        event = chains.sign_next(
            self.replica, kind=kind, schema=schema, unit=unit, day=day, now_ms=self.now_ms, public=public,
            private=private,
        )  # fmt: skip
        self.add(event, "own")
        return event

    def add(self, event: Event, source: Source) -> int:
        """Stores a checked event unless it is held; returns its place in the log."""
        known = log.held(self.db, event.hash)
        if known is not None:
            if not intact(self.db, event.hash):
                self._mend(known, event, source)
            return known.n
        standing = self.standing(event)
        n = log.insert_event(self.db, event, standing, self.received_at)
        self._remember_key(event)
        if source != "down" and not self.me.is_top:
            log.append_up(self.db, n, event.hash)
        side = "own" if event.node == self.me.node else "above" if source == "down" else "below"
        wants_mark = side != "above" and not self.me.is_top
        chains.note(self.db, event, side, self.now_ms, wants_mark=wants_mark)
        if side == "below":
            self.touched.add(event.header.chain)
        if standing == OK:
            self._effect(Stored(n, event, self.received_at))
        routing.route(self.replica, self._tree_for(event), n, event)
        return n

    def replay(self, stored: Stored) -> None:
        """Takes a held event in once more, as `rebuild` does: standing and effect, nothing sent anywhere."""
        self._remember_key(stored.event)
        standing = self.standing(stored.event)
        self.db.execute("UPDATE event SET standing = ? WHERE n = ?", [standing, stored.n])
        if standing == OK:
            self._effect(stored)

    def finish(self) -> None:
        """Settles what waits for the directory, lets the application write what it gathered, and sends down what it
        addresses to units.
        """
        if self._directory_changed:
            self._restand("e.standing = ?", [BAD_SCOPE])
            self.projection.directory_changed()
        self.projection.finish()
        if not self._replaying:
            routing.route_to_units(self.replica, directory.tree_of(self.replica), self.projection.addressed())

    def _mend(self, known: log.Held, event: Event, source: Source) -> None:
        """Held bytes fail, these are good: they take their place and travel on (3-sync, Exchange)."""
        log.replace_bytes(self.db, known.n, event)
        mended = log.load(self.db, event.hash)
        if mended is not None and known.standing == PENDING:  # a rebuild had passed over the damaged row
            self.replay(mended)
        if source == "up" and not self.me.is_top:
            log.append_up(self.db, known.n, event.hash)

    def _remember_key(self, event: Event) -> None:
        for node, key in keys_in(event):
            self.db.execute("INSERT INTO node_key (node, key) VALUES (?, ?) ON CONFLICT DO NOTHING", [node, key])

    # ---- standing and effect

    def standing(self, event: Event) -> str:
        """ok, late_key (no certificate yet) or bad_scope (the unit never was in the certified unit's subtree)."""
        h = event.header
        if h.node == self.me.root_node:
            return OK if h.kind in _ROOT_KINDS else BAD_SCOPE
        certified = self._certified_unit(h.node)
        if certified is None:
            return LATE_KEY
        if h.unit == certified:
            return OK
        return OK if directory.tree_of(self.replica).ever_below(h.unit, certified) else BAD_SCOPE

    def _certified_unit(self, node: str) -> str | None:
        if node not in self._cert_cache:
            found = directory.unit_of(self.db, node)
            self._cert_cache[node] = found[0] if found else None
        return self._cert_cache[node]

    def _restand(self, where: str, params: list[object]) -> None:
        for stored in list(log.events(self.db, where, params)):
            standing = self.standing(stored.event)
            (before,) = self.db.execute("SELECT standing FROM event WHERE n = ?", [stored.n]).fetchone()
            if standing != before:
                self.db.execute("UPDATE event SET standing = ? WHERE n = ?", [standing, stored.n])
                if standing == OK:
                    self._effect(stored)

    def _effect(self, stored: Stored) -> None:
        kind = stored.event.header.kind
        if kind == "cert":
            self._certify(stored.event)
        elif kind == directory.KIND:
            # Only the city's own acts change the tree, whoever else may sign one.
            if stored.event.header.unit == self.me.city and directory.take_in(self.db, stored):
                self._directory_changed = True
        elif kind == "refusal":
            self._take_refusal(stored)
        elif kind not in ("inc", "rev"):
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
        self._cert_cache.pop(node, None)
        self._restand("e.node = ? AND e.standing = ?", [node, LATE_KEY])

    def _take_refusal(self, stored: Stored) -> None:
        """A level above set a line aside. Whoever holds it intact sends it once more."""
        try:
            value = payload(stored.event)
        except Corrupt:  # kept and sent on; what can't be read has no effect
            return
        event_hash, code, chain = (str(value.get(name)) for name in ("hash", "code", "chain"))
        by = self._certified_unit(stored.event.node)
        self.db.execute(
            "INSERT INTO refusal (event, hash, chain, code, by, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [stored.event.hash, event_hash, chain, code, by or "", stored.event.header.rtime],
        )
        if code == "bad_sig" and stored.event.node != self.me.node:
            self.send_again(event_hash)

    def tell_writer(self, event_hash: str, code: str, chain: str) -> None:
        """Says in an event of our own, over all hops, that a line of this chain was set aside."""
        writer = directory.unit_of(self.db, chain[:26])
        if writer is not None:
            self.author(
                kind="refusal",
                schema=REFUSAL_SCHEMA,
                unit=writer[0],
                day=business_day(self.now_ms),
                public={"hash": event_hash, "code": code, "chain": chain},
            )

    def send_again(self, event_hash: str) -> None:
        """Appends an event to the up log once more, if the bytes held here are good; once per hash."""
        known = log.held(self.db, event_hash)
        if self._replaying or known is None or self.me.is_top or not intact(self.db, event_hash):
            return
        added = self.db.execute("INSERT INTO resent (hash) VALUES (?) ON CONFLICT DO NOTHING", [event_hash]).rowcount
        if added:
            log.append_up(self.db, known.n, event_hash)

    def _tree_for(self, event: Event) -> Tree:
        """Published events go to every child, so the tree isn't even loaded for them."""
        needs_tree = event.header.kind in routing.ADDRESSED | routing.CERTIFICATES
        return directory.tree_of(self.replica) if needs_tree else _NO_TREE
