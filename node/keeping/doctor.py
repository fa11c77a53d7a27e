"""`doctor`: quick questions that tell whether a node is fit for work, each with the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.desk import silence
from node.folder import NODE_KEY, is_private
from node.home import Home
from node.keeping import keeping
from node.keeping.soundness import first_fault
from schemas.labels import label
from sync.env import DISK_RESERVE_BYTES, TransportError
from sync.server import HELLO_PATH

MAX_OFFSET_MS: Final = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One question and its answer."""

    code: str
    ok: bool
    text: str


def examine(home: Home, language: str) -> list[Finding]:
    """Database, disk, folder, key file, copies, parent, clock, unprojected events, silence."""
    replica = home.replica()
    db = replica.db
    fault = first_fault(db.conn)
    free = home.env.free_bytes()
    old = [one for one in keeping.alarms(replica, language) if one["code"] != "disk_low"]
    (unprojected,) = db.execute("SELECT COUNT(*) FROM unprojected").fetchone()
    found: list[tuple[str, bool, dict[str, object]]] = [
        ("database", fault is None, {"result": fault or "ok"}),
        ("disk", free > 2 * DISK_RESERVE_BYTES, {"free_mb": free // 1_048_576}),
        ("folder", is_private(home.folder), {"folder": home.folder}),
        ("key_file", is_private(home.folder / NODE_KEY), {"file": NODE_KEY}),
        ("backup", not old, {"why": " ".join(one["text"] for one in old)}),
        ("unprojected", unprojected == 0, {"count": unprojected}),
    ]
    if home.config.parent is not None:
        found.append(("parent", _answers(home), {"url": home.config.parent}))
        row = db.execute(
            "SELECT offset_ms FROM link WHERE side = 'parent' ORDER BY last_seen_at DESC LIMIT 1"
        ).fetchone()
        offset = row[0] if row and row[0] is not None else 0
        found.append(("clock", abs(offset) <= MAX_OFFSET_MS, {"seconds": round(offset / 1000)}))
    for name, silent in (
        ("offers", silence.offers(replica)),
        ("supervisions", silence.supervisions(replica)),
        ("children", silence.children(replica)[0]),
    ):
        found.append((name, not silent.count, {"count": silent.count, "days": silent.days}))
    return [
        Finding(code, ok, label(language, f"doctor.{code}.{'ok' if ok else 'wrong'}", **values))
        for code, ok, values in found
    ]


def _answers(home: Home) -> bool:
    try:
        reply = home.env.transport.request("GET", f"{home.config.parent}{HELLO_PATH}", {}, b"")
    except TransportError:
        return False
    return reply.status == 200
