"""The log of administrative acts and of readings of private text: what an entry says, and how each is chained to the
one before it. It stays at its node. It never says when somebody signs in or works: that is nobody's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from schemas.strict_json import dumps

_DOMAIN: Final = b"grid/audit/1\n"
START: Final = bytes(32)  # stands before the first entry
# What is logged, by what it is about.
ACTS: Final = {
    "users": (
        "user_added",
        "user_code",
        "user_disabled",
        "user_enabled",
        "token_made",
        "token_ended",
        "phone_code",
        "device_ended",
    ),
    "nodes": (
        "node_invited",
        "node_enrolled",
        "node_revoked",
        "node_readmitted",
        "key_renewed",
        "ca_made",
        "ca_issued",
    ),
    "private": ("private_read", "erased", "uncovered"),
    "publishing": ("published", "bulletin_issued", "map"),
    "keeping": ("backed_up", "backup_failed", "restored", "settings_changed", "audit_exported"),
}
ACT_NAMES: Final = tuple(name for names in ACTS.values() for name in names)
MAX_WORDS: Final = 500


class Entry(NamedTuple):
    """One act: its place from 1 on, the instant (unix ms), who in which role, what, of which unit, about what (an
    account, a node, a case, an event), and what for or with which outcome.
    """

    n: int
    at: int
    account: str
    role: str
    act: str
    unit: str
    subject: str
    purpose: str


def entry_hash(before: bytes, entry: Entry) -> bytes:
    """SHA-256 over the hash before and the eight fields as a JSON array without blanks."""
    return hashlib.sha256(_DOMAIN + before + dumps(list(entry)).encode("utf-8")).digest()


def broken(entries: Iterable[tuple[Entry, bytes]], last_given: int) -> Iterator[str]:
    """What is wrong with a log, an English line each: entries that are altered or missing, at its end too.
    `last_given` is the greatest place that was ever given out.
    """
    before, expected = START, 1
    for entry, kept in entries:
        if entry.n != expected:
            yield f"audit: entries {expected} to {entry.n - 1} are missing"
        elif entry_hash(before, entry) != kept:
            yield f"audit: entry {entry.n} ({entry.act}) was altered"
        before, expected = kept, entry.n + 1
    if last_given >= expected:
        yield f"audit: entries {expected} to {last_given} are missing"
