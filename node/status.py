"""How this node stands: queue, heads, refusals, forks, alarms. The document of `status` and of `GET /api/v1/sync`."""

from __future__ import annotations

from typing import Any, Final

from node.desk import silence
from node.keeping import keeping
from node.keeping.unprojected import unprojected
from schemas.clock import iso_instant
from schemas.labels import DEFAULT_LANGUAGE, has_label, label
from sync import chains, directory, log
from sync.database import read
from sync.heads import is_awaited
from sync.replica import Replica

UNMARKED_ALARM_MS: Final = 3 * 86_400_000
MAX_LISTED: Final = 500
# A refusal that somebody's mark has overtaken stays listed, but no longer counts against "sent".
# It may be known twice, from the reply of the parent and from its signed refusal: then it is listed once.
_REFUSED: Final = (
    "SELECT x.hash, x.code, x.refuser, MIN(x.at), e.unit, e.kind, MAX(x.here) FROM ("
    "SELECT r.hash, r.code, COALESCE(c.unit, r.by) AS refuser, r.at, CASE WHEN r.by = :me THEN 1 ELSE 0 END AS here"
    " FROM refused r LEFT JOIN node_cert c ON c.node = r.by"
    " UNION ALL SELECT f.hash, f.code, f.by, f.at, 0 FROM refusal f WHERE f.by <> :unit AND f.code <> 'lost'"
    " UNION ALL SELECT f.hash, f.code, f.by, f.at, 0 FROM refusal f WHERE f.code = 'lost'"
    " AND f.hash NOT IN (SELECT hash FROM event)) x"
    " LEFT JOIN event e ON e.hash = x.hash GROUP BY x.hash, x.code, x.refuser, e.unit, e.kind"
    " ORDER BY 4 DESC, 1 LIMIT :limit"
)

_FOLLOWER: Final = "SELECT seq - 1, received_at FROM event WHERE prev = ? ORDER BY received_at LIMIT 1"


def status(replica: Replica, language: str = DEFAULT_LANGUAGE) -> dict[str, Any]:
    """The status document of 4-interfaces."""
    with read(replica.db):
        me = replica.identity
        link = _link(replica)
        return {
            "node": me.node,
            "unit": me.unit,
            "level": me.level,
            "parent": me.parent,
            "queue": queue(replica),
            "last_success_at": iso_instant(link["last_seen_at"]) if link else None,
            "heads": heads(replica),
            "refused": refused(replica),
            "forks": forks(replica),
            "alarms": alarms(replica, language),
        }


def sync_state(replica: Replica, language: str = DEFAULT_LANGUAGE) -> dict[str, Any]:
    """The document of `GET /api/v1/sync`: the status, the cursors and the clocks."""
    document = status(replica, language)
    with read(replica.db):
        link = _link(replica)
        up = log.up_tip(replica.db)
        document["have"] = link["hint"] if link else None
        document["logged"] = up[0]
        document["clock_offset_ms"] = link["offset_ms"] if link else None
        document["problem"] = link["problem"] if link else None
        document["set_aside"] = set_aside(replica)
        document["unprojected"] = unprojected(replica)
        document["children"] = children(replica)
    return document


def queue(replica: Replica) -> int:
    """Entries of the up log that the parent has not taken in, as far as is known."""
    link = _link(replica)
    return max(0, log.up_tip(replica.db)[0] - link["hint"]) if link else 0


def heads(replica: Replica) -> list[list[Any]]:
    """[chain, seq, hash, marked by the city] of every own chain."""
    me = replica.identity
    rows = replica.db.execute(
        "SELECT chain, top, tips, behind_since FROM chain WHERE node = ? ORDER BY chain", [me.node]
    ).fetchall()
    return [[chain, top, tips.split(",")[0], me.is_top or behind is None] for chain, top, tips, behind in rows]


def refused(replica: Replica) -> list[dict[str, Any]]:
    """Lines that were set aside here or above, newest first: by which unit, with which code."""
    me = replica.identity
    told = replica.db.execute(_REFUSED, {"me": me.node, "unit": me.unit, "limit": MAX_LISTED}).fetchall()
    # The reply and the refusal event say the same: one row for each line and level, at its earliest word.
    rows = {(row[0], row[2]): row for row in told}.values()
    return [
        {
            "event": row[0],
            "code": row[1],
            "by": row[2],
            "at": iso_instant(row[3]),
            "unit": row[4],
            "kind": row[5],
            "here": bool(row[6]),
            "held": row[4] is not None,
        }
        for row in rows
    ]


def set_aside(replica: Replica) -> list[dict[str, Any]]:
    """Events that are stored and forwarded, but have no effect now, with their standing."""
    rows = replica.db.execute(
        "SELECT hash, standing, kind, unit, received_at FROM event WHERE standing <> 'ok' ORDER BY n DESC LIMIT ?",
        [MAX_LISTED],
    )
    return [
        {"event": row[0], "standing": row[1], "kind": row[2], "unit": row[3], "at": iso_instant(row[4])} for row in rows
    ]


def forks(replica: Replica) -> list[dict[str, Any]]:
    """Chains with more than one branch."""
    rows = replica.db.execute(
        "SELECT chain, node, tips FROM chain WHERE forked = 1 ORDER BY chain LIMIT ?", [MAX_LISTED]
    )
    return [{"chain": row[0], "node": row[1], "tips": row[2].split(",")} for row in rows]


def children(replica: Replica) -> list[dict[str, Any]]:
    """The child nodes with what was received from each."""
    rows = replica.db.execute(
        "SELECT l.unit, l.node, l.last_seen_at, l.received, l.offset_ms,"
        " (SELECT COUNT(*) FROM refused r WHERE r.link = l.link AND r.line IS NOT NULL)"
        " FROM link l WHERE l.side = 'child' ORDER BY l.unit"
    )
    return [
        {
            "unit": row[0], "node": row[1], "last_seen_at": iso_instant(row[2]), "received": row[3],
            "clock_offset_ms": row[4], "refused": row[5],
        }
        for row in rows
    ]  # fmt: skip


def problem_words(code: str, language: str) -> str:
    """Why the last exchange with the parent failed."""
    key = f"problem.{code}"
    return label(language, key if has_label(language, key) else "problem.other", code=code)


def alarms(replica: Replica, language: str) -> list[dict[str, Any]]:
    """What somebody has to look at, each with its code, text and since when."""
    now = replica.env.now_ms()
    found = []
    link = _link(replica)
    if link and link["problem"]:
        since = iso_instant(link["problem_since"])
        text = problem_words(link["problem"], language)
        found.append({"code": link["problem"], "text": text, "since": since})
    row = replica.db.execute("SELECT MIN(behind_since) FROM chain WHERE node = ?", [replica.identity.node]).fetchone()
    if row[0] is not None and now - row[0] > UNMARKED_ALARM_MS:
        days = (now - row[0]) // 86_400_000
        found.append(
            {"code": "not_marked", "text": label(language, "alarm.not_marked", days=days), "since": iso_instant(row[0])}
        )
    found += _of_disks(replica, language) + _withheld(replica, now, language)
    found += _silence(replica, language) + keeping.alarms(replica, language)
    return found


def _silence(replica: Replica, language: str) -> list[dict[str, Any]]:
    """Offers that nobody takes, supervisions that nobody answers, nodes below that are not heard of."""
    found = []
    for code, one in (("offer_silent", silence.offers(replica)), ("supervision_silent", silence.supervisions(replica))):
        if one.count:
            text = label(language, f"alarm.{code}", n=one.count, days=one.days)
            found.append({"code": code, "text": text, "since": iso_instant(one.since)})
    for unit, seen in silence.children(replica)[1]:
        text = label(language, "alarm.child_silent", unit=unit, days=(replica.env.now_ms() - seen) // 86_400_000)
        found.append({"code": "child_silent", "text": text, "since": iso_instant(seen)})
    return found


def _of_disks(replica: Replica, language: str) -> list[dict[str, Any]]:
    """This disk went back in time, or another one signs with its key."""
    found = []
    if is_awaited(replica.db):
        found.append({"code": "restored_copy", "text": label(language, "alarm.restored_copy"), "since": None})
    own = replica.db.execute(
        "SELECT chain FROM chain WHERE node = ? AND forked = 1 ORDER BY chain LIMIT ?",
        [replica.identity.node, MAX_LISTED],
    ).fetchall()
    if own:
        text = label(language, "alarm.forked")
        found.append({"code": "forked", "text": text, "since": None})
    return found


def _withheld(replica: Replica, now: int, language: str) -> list[dict[str, Any]]:
    """Chains from below of which something is missing for days, though what follows it has come."""
    db, found = replica.db, []
    rows = db.execute(
        "SELECT node, top, gaps FROM chain WHERE gaps <> '' AND side = 'below' ORDER BY chain LIMIT ?", [MAX_LISTED]
    )
    for node, top, gaps in rows.fetchall():
        missing = [gap for gap in gaps.split(",") if not chains.is_told(db, gap)]
        after = [db.execute(_FOLLOWER, [gap]).fetchone() for gap in missing]
        seq, since = min(filter(None, after), default=(0, now))
        if since < now - UNMARKED_ALARM_MS:
            unit = (directory.unit_of(db, node) or (node,))[0]
            text = label(language, "alarm.withheld", unit=unit, top=top, seq=seq)
            found.append({"code": "withheld", "text": text, "since": iso_instant(since)})
    return found


def _link(replica: Replica) -> dict[str, Any] | None:
    row = replica.db.execute(
        "SELECT hint, last_seen_at, offset_ms, problem, problem_since, failures FROM link WHERE link = ?",
        [replica.link_up],
    ).fetchone()
    names = ("hint", "last_seen_at", "offset_ms", "problem", "problem_since", "failures")
    return dict(zip(names, row, strict=True)) if row else None
