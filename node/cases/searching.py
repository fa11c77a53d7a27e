"""Finding cases by a word of their private text: place, narrative, agreement. Only where that text may be read, and
never a person: names and phone numbers of the parties are taken out of every text before it is looked through, so that
asking for one finds nothing and tells nothing (guard rails 1 and 2; decision 0013).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from node.access import PRIVATE
from node.cases import list_queries, private_queries
from node.cases.documents import item
from node.cases.list_queries import Filter
from node.cases.private import PARTICULARS, held_object
from node.evidence import audit
from node.people.accounts import Account
from node.scope import hosts, in_scope
from schemas.cases.fields import words
from schemas.errors import Conflict, Forbidden, Invalid
from sync.database import read, write
from sync.heads import is_covered
from sync.replica import Replica

MIN_CHARS: Final = 2
MAX_CHARS: Final = 20
MAX_PURPOSE: Final = 100
MAX_LOOKED: Final = 2_000  # cases, the newest first
MAX_FOUND: Final = 50
_NUMBERS: Final = re.compile(r"[0-9０-９][0-9０-９ -]{3,}[0-9０-９Xx]")  # phones, identity cards, accounts
_GONE: Final = "\n"  # in the place of what was taken out: no word reaches over it
_SEARCHED: Final = tuple(name for name in PARTICULARS if name != "parties")


def search(replica: Replica, account: Account, text: object, purpose: object) -> dict[str, Any]:
    """`{items, looked, more}`: the cases that the user's unit handles and whose private text has the word, the newest
    first, as lists show them; how many cases were looked through, and whether there were older ones still.

    Each case found is a reading, logged with the purpose before anything is shown. Raises Forbidden for a role that may
    not read private text, Conflict while a restored database catches up, Invalid for a word or purpose out of bounds,
    or when more than MAX_FOUND cases have it.
    """
    wanted = _word(text)
    stated = str(words(MAX_PURPOSE)(purpose, "purpose"))
    if account.role not in PRIVATE:
        raise Forbidden("role_not_allowed", field="role", value=account.role)
    if is_covered(replica.db):
        raise Conflict("search_covered", field="text", value=wanted)
    with read(replica.db):
        rows = list_queries.cases(replica.db, Filter(scope=account.unit), None, MAX_LOOKED + 1)
        mine = [row for row in rows[:MAX_LOOKED] if in_scope(replica, account, row.owner) and hosts(replica, row.owner)]
        texts = {row.case_id: list(_texts(replica, row.case_id)) for row in mine}
    people = _people(one for held in texts.values() for one in held)
    found = [row for row in mine if any(wanted in text for text in _without(texts[row.case_id], people))]
    if len(found) > MAX_FOUND:
        raise Invalid("search_too_many", field="text", value=wanted, limit=MAX_FOUND)
    with write(replica.db, "reading", replica.env):
        for row in found:
            audit.note(replica, "private_read", unit=row.owner, subject=row.case_id, purpose=stated)
    now = replica.env.now_ms()
    return {"items": [item(row, now) for row in found], "looked": len(mine), "more": len(rows) > MAX_LOOKED}


def _word(value: object) -> str:
    text = _folded(str(words(MAX_CHARS)(value, "text")))
    if len(text) < MIN_CHARS:
        raise Invalid("search_too_short", field="text", value=text, limit=MIN_CHARS)
    return text


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _texts(replica: Replica, case_id: str) -> Iterator[dict[str, Any]]:
    """The private parts of a case that are held."""
    for _event, text in private_queries.private_texts(replica.db, case_id):
        if text is not None:
            yield held_object(text)


def _people(texts: Iterable[dict[str, Any]]) -> list[str]:
    """Every name and phone number of a party, the longest first."""
    found: set[str] = set()
    for stated in texts:
        parties = stated.get("parties")
        for party in parties if isinstance(parties, list) else []:
            if isinstance(party, dict):
                found |= {_folded(said) for name in ("name", "phone") if isinstance(said := party.get(name), str)}
    return sorted((one for one in found if len(one) >= MIN_CHARS), key=len, reverse=True)


def _without(texts: Iterable[dict[str, Any]], people: Iterable[str]) -> Iterator[str]:
    """What may be looked through of private parts: without people and long numbers."""
    named = list(people)
    for stated in texts:
        for name in _SEARCHED:
            said = stated.get(name)
            if isinstance(said, str):
                text = _NUMBERS.sub(_GONE, _folded(said))
                for one in named:
                    text = text.replace(one, _GONE)
                yield text
