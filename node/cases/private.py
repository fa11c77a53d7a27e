"""The private part of a case: parties, place, narrative, agreement, words. Only the unit that handles it reads it, and
every reading is logged before anything is shown.
"""

from __future__ import annotations

from typing import Any, Final

from node.access import PRIVATE
from node.cases import disclosure_queries
from node.cases import private_queries as queries
from node.cases.disclosing import DAY_MS
from node.evidence import audit, audit_queries
from node.people.accounts import Account
from node.scope import hosts, in_scope
from schemas.cases.fold import Case
from schemas.cases.lists import PARTY_ROLES
from schemas.clock import business_day, iso_instant
from schemas.errors import GridError, Invalid
from schemas.roles import RECORDS
from schemas.strict_json import Json, loads
from sync import heads
from sync.database import write
from sync.erase import MAX_GROUND_CHARS
from sync.heads import is_covered
from sync.replica import Replica

PARTICULARS: Final = ("parties", "place", "narrative", "agreement")
WORDS: Final = ("reason", "text", "reply")
READINGS_SHOWN: Final = 50


def may_read(replica: Replica, account: Account, case: Case) -> bool:
    """Whether this node may hold the private part and the user may read it: a role of casework, in whose subtree the
    unit that handles the case now stands, served by this node. Nobody, while a restored database catches up.
    """
    if is_covered(replica.db):
        return False
    return account.role in PRIVATE and in_scope(replica, account, case.owner) and hosts(replica, case.owner)


def read_private(replica: Replica, account: Account, case: Case, purpose: str) -> dict[str, Any] | None:
    """The private part, or None for those who may not read it. The reading is committed to the log first.

    `words` has the words of each act by event; `not_held` lists the events whose private text is not here.
    """
    if not may_read(replica, account, case):
        return None
    _log(replica, case, purpose)
    return _gathered(replica, case)


def read_words(replica: Replica, account: Account, case: Case, purpose: str) -> dict[str, dict[str, Any]]:
    """The words of `words_held`; a reading too, if there are any."""
    words = words_held(replica, account, case)
    if words:
        _log(replica, case, purpose)
    return words


def words_held(replica: Replica, account: Account, case: Case) -> dict[str, dict[str, Any]]:
    """For those who may not read the private part: by event, the words addressed to units in their own subtree, as far
    as this node serves these units and holds the words. These are the answers to their supervisions, for the roles of
    casework, and why an offer of theirs was sent back, for whoever may offer a case: a worker too.
    """
    if account.role not in RECORDS or is_covered(replica.db):
        return {}

    def ours(unit: str) -> bool:
        return in_scope(replica, account, unit) and hosts(replica, unit)

    offered_by = {act.hash: act.unit for act in case.effective}
    mine = {
        act.hash
        for act in case.effective
        if act.action == "send_back" and act.offer is not None and ours(offered_by.get(act.offer, ""))
    }
    if account.role in PRIVATE:
        mine |= {answer for one in case.supervisions if ours(one.unit) for answer in one.answers}
    return {event: said for event, said in _gathered(replica, case)["words"].items() if event in mine}


def _log(replica: Replica, case: Case, purpose: str) -> None:
    with write(replica.db, "reading", replica.env):
        audit.note(replica, "private_read", unit=case.owner, subject=case.id, purpose=purpose)


def _gathered(replica: Replica, case: Case) -> dict[str, Any]:
    texts = queries.private_texts(replica.db, case.id)
    found: dict[str, Any] = {"parties": [], "place": "", "narrative": "", "agreement": "", "words": {}, "not_held": []}
    for event, text in texts:
        if text is None:
            found["not_held"].append(event)
    held = {event: held_object(text) for event, text in texts if text is not None}
    for act in case.effective:  # what was said last holds
        stated = held.get(act.hash, {})
        found.update({name: stated[name] for name in PARTICULARS if stated.get(name)})
    found["words"] = {
        event: words for event, stated in held.items() if (words := {n: stated[n] for n in WORDS if stated.get(n)})
    }
    return found


def uncover(replica: Replica, ground: str) -> bool:
    """Shows private texts of a restored database before it has caught up with its parent; written into the log of
    administrative acts. Returns whether they were covered. Raises Invalid without a ground.
    """
    reason = ground.strip()
    if not 0 < len(reason) <= MAX_GROUND_CHARS:
        raise Invalid("erase_ground", field="--ground", value=reason[:60], limit=MAX_GROUND_CHARS)
    with write(replica.db, "reading", replica.env):
        was = is_covered(replica.db)
        if was:
            audit.note(replica, "uncovered", purpose=reason)
            heads.uncover(replica.db)
    return was


def outline(replica: Replica, case: Case) -> dict[str, Any]:
    """What may be said of the private part before it is opened: how much there is, no word of it."""
    found = _gathered(replica, case)
    roles = [party.get("role") for party in found["parties"] if isinstance(party, dict)]
    return {
        "parties": [role if role in PARTY_ROLES else "other" for role in roles],
        "place": bool(found["place"]),
        "narrative": len(found["narrative"]),
        "agreement": len(found["agreement"]),
        "words": len(found["words"]),
        "not_held": len(found["not_held"]),
    }


def own_copy(replica: Replica, case: Case, keep_days: int) -> dict[str, Any] | None:
    """What is left here of texts that somebody else handles now: how many are `held`, the day from which they are no
    more (`until`; None while they have not been got there), how many are `gone` already. None where nothing was given.
    """
    unit = replica.identity.unit
    held, got_at = disclosure_queries.own_copy(replica.db, case.id, unit)
    gone = disclosure_queries.copies_dropped(replica.db, case.id, unit, replica.env.now_ms() - keep_days * DAY_MS)
    if (not held and not gone) or hosts(replica, case.owner):
        return None
    until = business_day(got_at + keep_days * DAY_MS) if got_at is not None and held else None
    return {"held": held, "until": until, "gone": gone, "days": keep_days}


def readings(replica: Replica, case_id: str) -> dict[str, Any]:
    """How often the private part was read here, and the latest readings: who, in which role, when, what for."""
    return {
        "count": audit_queries.count_about(replica.db, "private_read", case_id),
        "latest": [
            {"account": one.account, "role": one.role, "at": iso_instant(one.at), "purpose": one.purpose}
            for one in audit_queries.about(replica.db, "private_read", case_id, READINGS_SHOWN)
        ],
    }


def held_object(text: str) -> dict[str, Json]:
    """A private text as the object that it is; empty where it is none."""
    try:
        value = loads(text)
    except GridError:  # went bad on this disk: `verify` names it, and it counts as nothing here
        return {}
    return value if isinstance(value, dict) else {}
