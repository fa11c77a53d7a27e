"""Which child links an event goes down on. Filled when an event is stored, never filtered when read (3-sync, Store)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Final

from sqlite_utils import Database

from schemas.events import Event
from schemas.strict_json import dumps, loads
from schemas.units.tree import Tree
from sync import directory, erasure, inlog, log, owed, revocation
from sync.certificates import certificate
from sync.replica import Replica

# To every child: what the city publishes.
PUBLISHED: Final = frozenset({"dir", "cadence", "form", "campaign", "categories"})
# To the child that holds the unit in the header.
ADDRESSED: Final = frozenset({"refusal", "remind", "excuse", "return"})
# Of these it concerns all that is below the unit as well.
DOWNWARD: Final = frozenset({"excuse"})
CERTIFICATES: Final = frozenset({"cert", "rev"})
REPORTS: Final = frozenset({"chk", "cnf", "ret"})
ROUTED: Final = PUBLISHED | ADDRESSED | CERTIFICATES


def child_links(db: Database) -> list[tuple[str, str]]:
    """(link, child unit) of every child that was ever enrolled here."""
    return [(row[0], row[1]) for row in db.execute("SELECT link, unit FROM link WHERE side = 'child' ORDER BY link")]


def route(replica: Replica, tree: Tree, n: int, event: Event, today: Callable[[], date]) -> None:
    """Appends the event to the down log of each child that is to have it, its author's certificates before it."""
    if event.header.kind in REPORTS:
        _route_report(replica, tree, n, event, today)
    if event.header.kind not in ROUTED:
        return
    about = _about(event)
    for link, child in child_links(replica.db):
        if _goes_to(tree, event, child) or (about is not None and _is_known(replica.db, link, about)):
            put(replica, link, n, event)


def _about(event: Event) -> str | None:
    """The node that a certificate or a revocation speaks of."""
    stated = certificate(event) if event.header.kind == "cert" else None
    revoked = revocation.read(event) if event.header.kind == revocation.KIND else None
    return stated[0] if stated else revoked[0] if revoked else None


def _is_known(db: Database, link: str, node: str) -> bool:
    asked = "SELECT 1 FROM known_author WHERE link = ? AND node = ?"
    return db.execute(asked, [link, node]).fetchone() is not None


def _route_report(replica: Replica, tree: Tree, n: int, event: Event, today: Callable[[], date]) -> None:
    """A report comes up by itself; but one of a node that does not stand below the unit's parent today, having served
    the unit before one of the two moved, has to be sent down to where the unit is now, or will be.
    """
    author, unit = directory.unit_of(replica.db, event.node), event.header.unit
    for link, child in child_links(replica.db) if author else ():
        there = tree.below(unit, child, today()) or tree.below(unit, child, date.max)
        if author and there and not tree.below(author[0], child, today()):
            put(replica, link, n, event)


def route_to_units(replica: Replica, tree: Tree, addressed: Iterable[tuple[str, frozenset[str]]]) -> None:
    """Appends events to the down log of each child that serves, or ever had above it, one of the units.

    The link that an event came from is no exception: two disks of one unit share cases only so.
    """
    links = child_links(replica.db)
    for event_hash, units in addressed:
        wanted = [link for link, child in links if any(tree.ever_below(unit, child) for unit in units)]
        stored = log.load(replica.db, event_hash) if wanted else None
        for link in wanted:
            if stored is not None:
                put(replica, link, stored.n, stored.event)


def open_link(replica: Replica, tree: Tree, link: str, child: str) -> None:
    """Fills a new child's down log with everything held that it is to have, in the order of arrival."""
    _catch_up(replica, tree, link, child, [child])
    replica.db.execute("UPDATE link SET moved = ? WHERE link = ?", [dumps(sorted(_placed(tree, child))), link])


def reroute(replica: Replica, tree: Tree, today: date) -> None:
    """After a change of the tree: a link that now holds units which it did not hold before gets what they have to do
    with (3-sync, Store, 4).
    """
    for link, child in child_links(replica.db):
        placed = _placed(tree, child)
        (kept,) = replica.db.execute("SELECT moved FROM link WHERE link = ?", [link]).fetchone()
        before = loads(kept)
        known = {str(one) for one in before} if isinstance(before, list) else set()
        units = {one.partition(" ")[0] for one in known}
        new = {placed[one] for one in placed.keys() - known}
        new = {one for one in new if one not in units or any(tree.below(one, child, on) for on in (today, date.max))}
        if placed.keys() != known:
            _catch_up(replica, tree, link, child, sorted(new))
            replica.db.execute("UPDATE link SET moved = ? WHERE link = ?", [dumps(sorted(placed)), link])


def _placed(tree: Tree, child: str) -> dict[str, str]:
    """The moved units that are, or ever were, below a child, by name and day of the last move: one that comes back has
    a history from elsewhere.
    """
    below = [unit for unit in tree.moved if tree.ever_below(unit, child)]
    return {f"{unit} {tree.last_moved(unit)}": unit for unit in below}


def _catch_up(replica: Replica, tree: Tree, link: str, child: str, units: Iterable[str]) -> None:
    """Puts what is published, what is addressed to the child's subtree, and the history of these units onto a link."""
    kinds, hosts = sorted(ROUTED), directory.certified_units(replica.db)
    where = f"e.kind IN ({','.join('?' * len(kinds))}) AND e.kind NOT IN ('chk', 'case')"
    for stored in log.events(replica.db, where, kinds):
        if _goes_to(tree, stored.event, child):
            put(replica, link, stored.n, stored.event)
    for unit in units:
        for event_hash in list(replica.app.addressed_below(replica, unit)):
            _put_held(replica, link, event_hash)
        if unit == child:  # what an earlier node of the unit wrote, whether it counts or not
            for event_hash in log.written_for(replica.db, unit):
                if not inlog.came_over(replica.db, link, event_hash):
                    _put_held(replica, link, event_hash)
        brings_its_log = unit != child and unit in hosts  # but for what those above wrote for it before
        for event_hash in list(replica.app.history_below(replica, unit)):
            if brings_its_log and _is_written_below(replica.db, tree, event_hash, unit):
                continue
            # What the child itself sent up it need not read again.
            if not inlog.came_over(replica.db, link, event_hash):
                _put_held(replica, link, event_hash)


def _is_written_below(db: Database, tree: Tree, event_hash: str, unit: str) -> bool:
    asked = "SELECT c.unit FROM event e JOIN node_cert c ON c.node = e.node WHERE e.hash = ? ORDER BY c.event LIMIT 1"
    row = db.execute(asked, [event_hash]).fetchone()
    return row is not None and tree.ever_below(row[0], unit)


def _put_held(replica: Replica, link: str, event_hash: str) -> None:
    stored = log.load(replica.db, event_hash)
    if stored is not None:
        put(replica, link, stored.n, stored.event)


def put(replica: Replica, link: str, n: int, event: Event) -> None:
    """One event onto one link; a child can't judge it without its author's certificates, so they go first."""
    introduce(replica, link, event.node)
    log.append_down(replica.db, link, n, event.hash)
    for erasing in erasure.drop(replica, event.hash):
        stored = log.load(replica.db, erasing)
        if stored is not None:
            introduce(replica, link, stored.event.node)
            log.append_down(replica.db, link, stored.n, erasing)


def follow(replica: Replica, n: int, event: Event, hashes: Iterable[str]) -> None:
    """An erasure goes down wherever one of the events went, or came from; the city's own to each of its children too:
    they are its backup.
    """
    of_the_city = replica.identity.is_top and event.node == replica.identity.node
    for link, _child in child_links(replica.db):
        if of_the_city or any(_went_over(replica.db, link, event_hash) for event_hash in hashes):
            put(replica, link, n, event)


def _went_over(db: Database, link: str, event_hash: str) -> bool:
    asked = "SELECT 1 FROM downlog WHERE link = ? AND event = (SELECT n FROM event WHERE hash = ?) LIMIT 1"
    return inlog.came_over(db, link, event_hash) or db.execute(asked, [link, event_hash]).fetchone() is not None


def owe_below(replica: Replica, tree: Tree, event: Event, today: date) -> None:
    """An event that did not come up by its link, but past it or from our parent, is owed to the child below which its
    author stands: a level that lost it, and a lost writer's successor, have it from nowhere else. What the child sends
    of itself meanwhile is settled.
    """
    author = directory.unit_of(replica.db, event.node)
    for link, child in child_links(replica.db) if author else ():
        if author and tree.below(author[0], child, today) and not inlog.came_over(replica.db, link, event.hash):
            owed.note(replica.db, link, owed.ANY_LOG, [event.hash])


def _goes_to(tree: Tree, event: Event, child: str) -> bool:
    if event.header.kind in PUBLISHED:
        return True
    unit = event.header.unit
    return tree.ever_below(unit, child) or (event.header.kind in DOWNWARD and _shares(tree, unit, child))


def _shares(tree: Tree, unit: str, child: str) -> bool:
    """Whether the child's subtree holds, or ever held, a unit that ever was below this one."""
    if tree.ever_below(child, unit):
        return True
    return any(tree.ever_below(moved, unit) and tree.ever_below(moved, child) for moved in tree.moved)


def introduce(replica: Replica, link: str, node: str) -> None:
    """The certificates of an author, once per (link, author), issuers first, and what revokes it or them."""
    db, authors = replica.db, []
    trail: list[tuple[str, int]] = []
    seen: set[str] = set()
    while node not in seen and node != replica.identity.root_node:
        seen.add(node)
        row = db.execute(
            "SELECT c.event, e.n, c.issuer FROM node_cert c JOIN event e ON e.hash = c.event"
            " WHERE c.node = ? ORDER BY c.event LIMIT 1",
            [node],
        ).fetchone()
        if row is None or _is_known(db, link, node):
            break
        db.execute("INSERT INTO known_author (link, node) VALUES (?, ?)", [link, node])
        authors.append(node)
        trail.append((row[0], row[1]))
        node = row[2]
    for event_hash, n in reversed(trail):
        log.append_down(db, link, n, event_hash)
    for author in authors:
        for event_hash, n in revocation.events_about(db, author):
            log.append_down(db, link, n, event_hash)
