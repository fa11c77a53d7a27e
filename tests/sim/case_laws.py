"""What must be true of cases in a world at rest (design 3-sync, L9 and L11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sites import Site
from world import World


def cases_agree(world: World) -> Iterator[tuple[str, str]]:
    """L9: every act that was acknowledged is at the hub, and every node that has to do with a case shows it as the hub
    does; L11: no other node holds anything of it.
    """
    hub = world.hub
    kept = Counter(row[0] for row in hub.db.execute("SELECT case_id FROM case_event").fetchall())
    if kept != Counter(world.memory.case_acts.values()):
        yield hub.unit, f"acts by case at the hub {kept}, acknowledged {Counter(world.memory.case_acts.values())}"
    for row in hub.db.execute("SELECT * FROM case_now").fetchall():
        audience = {above for unit in row[-1].split(",") for above in world.above(unit)}
        for site in world.sites.values():
            if not site.is_founded:
                continue
            here = site.db.execute("SELECT * FROM case_now WHERE case_id = ?", [row[0]]).fetchone()
            if here != (row if site.unit in audience else None):
                yield site.unit, f"case {row[0]} shows as {here}, at the hub {row}"


def erased(world: World) -> Iterator[tuple[str, str]]:
    """L7: no database holds a private text of a record that was erased, nor waits to be scrubbed of it."""
    for site in world.sites.values():
        rows = site.db.execute(
            "SELECT e.hash FROM event e JOIN part p ON p.event = e.n WHERE p.name <> 'pub' AND p.text <> ''"
        )
        kept = {row[0] for row in rows.fetchall()} & world.memory.erased
        if kept:
            yield site.unit, f"still holds what was erased: {sorted(kept)}"


def introduced(world: World, site: Site) -> set[str]:
    """The units whose certificates came with cases: of those who acted on them, gave, asked for or acknowledged private
    texts (3-sync routes `ask` and `got` as case events), and of the levels above these.
    """
    acted = site.db.execute(
        "SELECT DISTINCT c.unit FROM node_cert c JOIN event e ON e.node = c.node"
        " WHERE e.kind IN ('case', 'disc', 'ask', 'got')"
    ).fetchall()
    return {above for (unit,) in acted for above in world.above(unit)}
