"""制度: what the city has published besides the directory, and which of its children have applied it since when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from node.projections import calendar_of
from schemas.cadence import Profile, profile_payload
from schemas.clock import business_day
from schemas.errors import GridError
from schemas.events import payload
from schemas.labels import DEFAULT_LANGUAGE
from schemas.strict_json import Json
from schemas.units.acts import LEVELS
from sync import applied, log
from sync.applied import Applied
from sync.replica import Replica

KINDS: Final = ("cadence", "campaign", "form", "categories")
_INSIDE: Final = {"cadence": "profile", "campaign": "campaign", "form": "form", "categories": "list"}
MAX_LISTED: Final = 200


class Published(NamedTuple):
    """One publication: its event, from which day it holds, what it says, whether a later one took its place, and what
    each child has of it.
    """

    event: str
    kind: str
    day: str
    title: str
    said: list[tuple[str, str]]
    replaced: bool
    having: list[Applied]


def published(replica: Replica, language: str = DEFAULT_LANGUAGE) -> list[Published]:
    """The last publications of each kind, the newest first; titles and questions of forms in a language."""
    found: list[Published] = []
    newest: set[tuple[str, str]] = set()
    where = f"e.kind IN ({','.join('?' * len(KINDS))}) AND e.kind NOT IN ('chk', 'case') AND e.standing = 'ok'"
    for stored in reversed(list(log.events(replica.db, where, KINDS))):
        header = stored.event.header
        if header.unit != replica.identity.city:
            continue
        try:
            inside = payload(stored.event).get(_INSIDE[header.kind])
        except GridError:  # listed as not understood on the page of sync
            continue
        said = inside if isinstance(inside, dict) else {}
        key = (header.kind, _key(header.kind, said, header.bdate))
        found.append(Published(
            stored.event.hash, header.kind, header.bdate, _title(said, language),
            list(_flat(said, language)), key in newest, applied.of(replica.db, stored.event.hash),
        ))  # fmt: skip
        newest.add(key)
    return sorted(found, key=lambda one: KINDS.index(one.kind))[:MAX_LISTED]


def _title(said: dict[str, Json], language: str) -> str:
    """What people call a publication: a form's title with its version, else a name."""
    title = said.get("title")
    if isinstance(title, dict):
        return f"{title.get(language)} v{said.get('version')}"
    return str(said.get("name") or said.get("id") or "")


def _flat(said: dict[str, Json], language: str, before: str = "") -> Iterator[tuple[str, str]]:
    """Every field with its value as a text: (`cadences.group`, `day`)."""
    for name, value in said.items():
        if isinstance(value, dict):
            yield from _flat(value, language, f"{before}{name}.")
        elif isinstance(value, list):
            yield f"{before}{name}", "、".join(one if isinstance(one, str) else _inside(one, language) for one in value)
        elif value is not None:
            yield f"{before}{name}", str(value)


def _inside(value: Json, language: str) -> str:
    """A part of a list: a question of a form by its key and its words, anything else field by field."""
    if not isinstance(value, dict):
        return str(value)
    if isinstance(words := value.get("label"), dict):
        return f"{value.get('key')} {words.get(language)}"
    return " ".join(f"{name}={text}" for name, text in _flat(value, language))


def _key(kind: str, said: dict[str, Json], day: str) -> str:
    """What a later publication takes the place of: a cadence of the same day, the same campaign, form or list."""
    return day if kind == "cadence" else str(said.get("id") or said.get("name"))


def in_force(replica: Replica) -> Profile:
    """The cadence profile of today."""
    return calendar_of(replica.db).on(business_day(replica.env.now_ms()))


def compared(old: Profile, new: Profile) -> list[dict[str, Any]]:
    """What another profile changes: [{key, level | None, old, new}]."""
    before, after = profile_payload(old), profile_payload(new)
    found: list[dict[str, Any]] = []
    for key in ("cadences", "due_day"):
        for level in LEVELS:
            was, now = before[key][level], after[key][level]  # type: ignore[index]
            if was != now:
                found.append({"key": key, "level": level, "old": was, "new": now})
    for key in ("due_time", "daily_grace", "grace_days"):
        if before[key] != after[key]:
            found.append({"key": key, "level": None, "old": before[key], "new": after[key]})
    return found
