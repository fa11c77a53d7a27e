"""The category lists that a node holds, as the city published them."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlite_utils import Database

from schemas.cases.lists import category_label
from schemas.category_lists import CategoryLists, stored_version, version_payload
from schemas.errors import GridError
from schemas.events import payload
from schemas.labels import has_label, label
from schemas.strict_json import dumps, loads
from sync.replica import Replica, Stored

CATEGORIES_KIND: Final = "categories"
CATEGORIES_SCHEMA: Final = "categories/1"


def lists_of(db: Database) -> CategoryLists:
    """Every version of every list; of one that was published twice the last holds."""
    rows = db.execute("SELECT payload FROM category_list ORDER BY name, version, no, event").fetchall()
    values = [loads(row[0]) for row in rows]
    return CategoryLists(stored_version(value) for value in values if isinstance(value, dict))


def next_number(db: Database) -> int:
    """The number of the next publication."""
    return int(db.execute("SELECT COUNT(*) + 1 FROM category_list").fetchone()[0])


def word_of(lists: CategoryLists, code: str, language: str) -> str:
    """The name of a category: as published, else of the catalogue, else the code itself."""
    published = lists.word(code, language)
    key = category_label(code)
    return published or (label(language, key) if has_label(language, key) else code)


def choices(db: Database, day: date, language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(kind, [(code, word)]) of the lists in force on a day: what a form offers."""
    lists = lists_of(db)
    return [
        (kind, [(code, word_of(lists, code, language)) for code in one.codes]) for kind, one in lists.on(day).items()
    ]


def define(replica: Replica, stored: Stored) -> None:
    """Takes a published version in. Raises GridError when it can't be read."""
    if stored.event.header.unit != replica.identity.city:
        return
    value = payload(stored.event)
    number, stated = value.get("no"), value.get("list")
    if isinstance(number, bool) or not isinstance(number, int) or not isinstance(stated, dict):
        raise GridError("unreadable", field="list", value=stored.event.hash, why="no number or no list")
    version = stored_version(stated)
    replica.db.execute(
        "INSERT INTO category_list (event, name, version, day, no, payload) VALUES (?, ?, ?, ?, ?, ?)",
        [
            stored.event.hash, version.listed.name, version.listed.version, version.since.isoformat(), number,
            dumps(version_payload(version)),
        ],
    )  # fmt: skip
