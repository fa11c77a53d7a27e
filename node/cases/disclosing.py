"""Private texts on their way to who handles a case (3-sync, D1-D4): sealed, opened, asked for again, and forgotten.

Looked at once in every transaction that brought something of the case; what follows is written by `deeds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from node.cases import disclosure_queries as queries
from node.cases import queries as case_queries
from node.cases.disclosure_queries import Asked, Kept
from node.cases.projection import fold_of
from schemas.clock import business_day
from schemas.disclosure import (
    ASK,
    DISC,
    GOT,
    SCHEMAS,
    Disc,
    Texts,
    Word,
    batches,
    due,
    pack,
    read_disc,
    read_word,
    unpack,
)
from schemas.encoding import b64, unb64
from schemas.errors import GridError
from schemas.events import Part, payload
from sync import directory, log
from sync.certificates import key_of
from sync.keys import seal
from sync.replica import Deed, Replica, Stored

DAY_MS: Final = 86_400_000
KEEP_DAYS: Final = 30  # an own copy, after whoever handles the case has got it
MAX_FORGOTTEN: Final = 10_000  # in one day
MAX_ASKS: Final = 8  # with one key, of one case or return
MAX_PUT_OFF: Final = 100  # subjects looked at again in one transaction
TO_THEIR_UNIT: Final = frozenset({"return", "excuse", "remind"})  # their words are for the unit that they name


class Disclosures:
    """The disclosure part of one write transaction's projection."""

    def __init__(self, replica: Replica, keep_days: int) -> None:
        self._replica = replica
        self._keep_days = keep_days
        self._db = replica.db
        self._me = replica.identity
        self._touched: set[str] = set()
        self._tree_changed = False
        self._addressed: list[tuple[str, frozenset[str]]] = []

    # ---- what came in

    def touch(self, subject: str) -> None:
        """Something came in of this case or return."""
        self._touched.add(subject)

    def certified(self, unit: str) -> None:
        """A unit has a new node: the cases that it handles are now served elsewhere, perhaps."""
        self._touched |= set(case_queries.cases_below(self._db, unit))

    def directory_changed(self) -> None:
        """An act may have lost its effect by the new tree, and the owner with it; or another node serves the owner."""
        self._tree_changed = True

    def project(self, stored: Stored) -> None:
        """Takes a `disc`, `ask` or `got` in. Raises GridError for one that can't be read."""
        header, event, value = stored.event.header, stored.event.hash, payload(stored.event)
        if header.kind == DISC:
            disc = read_disc(value)
            queries.put_disc(self._db, event, header.unit, disc)
            if queries.is_got(self._db, event) or any(queries.is_erased(self._db, one) for one in disc.hashes):
                queries.drop_sealed(self._db, event)
            self._addressed.append((event, frozenset({disc.to})))
            self._touched.add(disc.subject)
            return
        word = read_word(value)
        queries.put_word(self._db, event, header.kind, header.node, stored.received_at, word)
        if header.kind == GOT:
            queries.drop_sealed(self._db, word.disc)
        self._addressed.append((event, self._concerned(word)))
        self._touched.add(word.subject)

    def erased(self, hashes: Iterable[str]) -> None:
        """What was sealed of an erased text goes with it."""
        for one in hashes:
            for event in queries.discs_with(self._db, one):
                queries.drop_sealed(self._db, event)

    def addressed(self) -> Iterator[tuple[str, frozenset[str]]]:
        """(event, units) of what came in since the last call."""
        yield from self._addressed
        self._addressed.clear()

    def _concerned(self, word: Word) -> frozenset[str]:
        """Everybody concerned with the case, and who wrote the disc: each holds the ciphertext, or may answer."""
        row = case_queries.case_now(self._db, word.subject)
        kept = queries.disc(self._db, word.disc)
        units = frozenset() if row is None else row.units
        return units | (frozenset({kept.unit, kept.disc.to}) if kept else frozenset())

    # ---- what follows

    def put_off(self) -> None:
        """The database is not up to date: what was touched is looked at later."""
        queries.put_off(self._db, sorted(self._waiting()))
        self._touched.clear()

    def deeds(self, now_ms: int) -> Iterator[Deed]:
        """Opens what can be opened, and yields the events that follow from what came in."""
        if queries.begin_day(self._db, now_ms // DAY_MS):
            self._forget(now_ms)
        waiting = self._waiting() | set(queries.take_due(self._db, MAX_PUT_OFF))
        self._touched = set()
        for subject in sorted(waiting):
            discs = queries.discs_of(self._db, subject)
            for kept in discs:
                yield from self._open(kept)
            held = queries.held_texts(self._db, subject)
            if held:
                yield from self._give(subject, held, discs)
                yield from self._answer(subject, held, discs)

    def _waiting(self) -> set[str]:
        """What was touched; after a change of the tree also what it may have made due."""
        if not self._tree_changed:
            return self._touched
        self._tree_changed = False
        owners = queries.owners_of_held(self._db)
        elsewhere = {case for owner, cases in owners.items() if not self._serves(owner) for case in cases}
        return self._touched | elsewhere | set(queries.unsettled(self._db))

    def _forget(self, now_ms: int) -> None:
        """Drops the own copy of what somebody else has had for 30 days and now handles; nobody can give it then."""
        before = now_ms - self._keep_days * DAY_MS
        for subject, event in queries.given_before(self._db, self._me.unit, before, MAX_FORGOTTEN):
            row = case_queries.case_now(self._db, subject)
            if row is not None and not self._serves(row.owner):
                queries.drop_private(self._db, event)

    def _open(self, kept: Kept) -> Iterator[Deed]:
        """Texts that were sealed to this node take their places; what it can't open it asks for, once with its key."""
        disc = kept.disc
        if not self._serves(disc.to):
            return
        lacking = [one for one in disc.hashes if self._lacks(one)]
        if not lacking:
            if not queries.is_got(self._db, kept.event):  # it was here already: the ciphertext can go
                yield Deed(GOT, SCHEMAS[GOT], Word(disc.subject, kept.event).payload())
            return
        reason = log.held(self._db, disc.reason)
        if reason is None or reason.standing != "ok":  # nobody opens what it can't see the reason of
            return
        texts = self._opened(kept)
        if texts is None:
            if self._wants(disc) and not self._has_asked(kept):
                word = Word(disc.subject, kept.event, self._replica.signer.public)
                yield Deed(ASK, SCHEMAS[ASK], word.payload())
            return
        for one in lacking:
            part, found = queries.private_part(self._db, one), texts.get(one)
            if part is not None and found is not None and Part.of("per", found[0], found[1]).hash == part[1]:
                queries.fill_private(self._db, part[0], found[0], found[1])
        if not any(self._lacks(one) for one in disc.hashes):
            yield Deed(GOT, SCHEMAS[GOT], Word(disc.subject, kept.event).payload())

    def _opened(self, kept: Kept) -> Texts | None:
        sealed, holder = queries.sealed_text(self._db, kept.event), self._replica.holder_of(kept.disc.key)
        if sealed is None or holder is None:
            return None
        try:
            plain = holder.open_sealed(unb64(sealed))
            return None if plain is None else unpack(plain)
        except (GridError, ValueError):
            return None

    def _lacks(self, event: str) -> bool:
        """Whether the text is to come: the event is not held, or its text is missing though nobody erased it."""
        part = queries.private_part(self._db, event)
        if part is None:
            return log.held(self._db, event) is None
        return part[2] is None and not queries.is_erased(self._db, event)

    def _wants(self, disc: Disc) -> bool:
        """Whoever no longer handles the case does not ask for its texts again."""
        row = case_queries.case_now(self._db, disc.subject)
        return row is None or row.owner == disc.to or disc.reason in disc.hashes

    def _has_asked(self, kept: Kept) -> bool:
        """Whether this disc was asked for, or a later one brings the same: then that one is asked for.

        Bounded: two disks with one key would else take the answers from each other for ever.
        """
        me, disc = self._replica.signer.public, kept.disc
        later = [one.disc for one in queries.discs_of(self._db, disc.subject) if one.n > kept.n and one.disc.key == me]
        asks = [one for one in queries.asks_of(self._db, disc.subject) if one.key == me]
        covered = {event for one in later if one.to == disc.to for event in one.hashes}
        asked = len(asks) >= MAX_ASKS or any(one.disc == kept.event for one in asks)
        return asked or set(disc.hashes) <= covered

    def _give(self, subject: str, held: Texts, discs: list[Kept]) -> Iterator[Deed]:
        """What the unit that handles the case, or is addressed, has not been given from here yet."""
        given = {(event, kept.disc.to) for kept in discs if kept.unit == self._me.unit for event in kept.disc.hashes}
        case = fold_of(self._replica, subject) if subject not in held else None
        if case is not None:
            for reason, to, hashes in due(case, held.keys(), given, self._serves):
                yield from self._sealed_to(to, None, subject, reason, {one: held[one] for one in hashes})
            return
        stored = log.load(self._db, subject)
        if stored is not None and stored.event.header.kind in TO_THEIR_UNIT:
            to = stored.event.header.unit
            if not self._serves(to) and (subject, to) not in given:
                yield from self._sealed_to(to, None, subject, subject, {subject: held[subject]})

    def _answer(self, subject: str, held: Texts, discs: list[Kept]) -> Iterator[Deed]:
        """Each ask is answered once, by who wrote the disc, to the key of whoever serves the unit now."""
        by_event = {kept.event: kept for kept in discs}
        for ask in queries.asks_of(self._db, subject):
            kept = by_event.get(ask.disc)
            if kept is None or kept.unit != self._me.unit or not self._may_ask(ask, kept.disc):
                continue
            hashes = [one for one in kept.disc.hashes if one in held]
            answered = any(
                one.disc.key == ask.key and one.disc.to == kept.disc.to and set(hashes) <= set(one.disc.hashes)
                for one in discs
                if one.unit == self._me.unit and one.n > ask.n
            )
            if hashes and not answered:
                texts = {one: held[one] for one in hashes}
                yield from self._sealed_to(kept.disc.to, ask.key, subject, kept.disc.reason, texts)

    def _may_ask(self, ask: Asked, disc: Disc) -> bool:
        found = directory.unit_of(self._db, ask.node)
        return (
            found is not None
            and found[0] == self._host(disc.to)
            and not directory.is_revoked(self._db, ask.node)
            and key_of(self._db, ask.node) == ask.key
        )

    def _sealed_to(self, to: str, key: bytes | None, subject: str, reason: str, texts: Texts) -> Iterator[Deed]:
        key = key or self._key_of_host(to)
        if key is None:  # its certificate is still to come: `certified` looks again
            return
        for batch in batches(texts):
            disc = Disc(subject, reason, to, key, tuple(sorted(batch)))
            yield Deed(DISC, SCHEMAS[DISC], disc.payload(), b64(seal(key, pack(batch), self._replica.env.random_bytes)))

    def _key_of_host(self, unit: str) -> bytes | None:
        host = self._host(unit)
        node = directory.newest_node(self._db, host) if host else None
        return key_of(self._db, node) if node else None

    def _serves(self, unit: str) -> bool:
        return self._host(unit) == self._me.unit

    def _host(self, unit: str) -> str | None:
        tree, certified = directory.tree_of(self._replica), directory.certified_units(self._db)
        return directory.host_of(tree, certified, unit, business_day(self._replica.env.now_ms()))
