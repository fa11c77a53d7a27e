"""The records behind a cell as a file: all of them, of one state of the database, a page read at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any, Final

from node.figures.category_lists import lists_of, word_of
from node.figures.exports import notes
from node.figures.rollup_records import records
from node.figures.sheets import Cell, Sheet, csv_file, xlsx_file
from node.link_queries import events_held
from schemas.clock import business_day, iso_instant
from schemas.labels import has_label, label
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

PAGE: Final = 5_000  # records; each page of what is owed looks at the whole of the day on which it begins
_CASE: Final = ("date", "unit", "name", "id", "kind", "category", "source", "level", "urgency", "state", "event")
_CHECK: Final = ("date", "unit", "name", "result", "event")
COLUMNS: Final = tuple(dict.fromkeys((*_CASE, *_CHECK)))
_WORDS: Final = {
    "kind": "case_kind.", "source": "source.", "level": "level.", "urgency": "urgency.", "state": "state.",
    "result": "duty.",
}  # fmt: skip


def record_file(replica: Replica, asked: dict[str, Any], kind: str, language: str, now_ms: int) -> IO[bytes]:
    """The records that `rollup_records.records` lists for the same question, as csv or xlsx, from its beginning."""
    with read(replica.db):
        rows = _rows(replica, asked, language, now_ms)
        if kind == "csv":
            return csv_file(rows)
        sheets = [
            Sheet(label(language, "table.records"), rows),
            Sheet(label(language, "table.notes"), _notes({**asked, **known(replica, now_ms)}, language)),
        ]
        return xlsx_file(sheets, now_ms)


def known(replica: Replica, now_ms: int) -> dict[str, Any]:
    """As of when a list is: {as_of, position}."""
    return {"as_of": iso_instant(now_ms), "position": events_held(replica.db)}


def _rows(replica: Replica, asked: dict[str, Any], language: str, now_ms: int) -> Iterator[list[Cell]]:
    columns = _columns(replica, asked, now_ms)
    yield [label(language, f"column.{name}") for name in columns]
    read_cell = _reader(replica, language, now_ms)
    after: str | None = None
    while True:
        page = records(replica, **asked, now_ms=now_ms, after=after, limit=PAGE)
        for item in page["items"]:
            yield [read_cell(item, name) for name in columns]
        after = page["next"]
        if after is None:
            return


def _columns(replica: Replica, asked: dict[str, Any], now_ms: int) -> tuple[str, ...]:
    first = records(replica, **asked, now_ms=now_ms, after=None, limit=1)["items"]
    return _CASE if first and "id" in first[0] else _CHECK


def _reader(replica: Replica, language: str, now_ms: int) -> Callable[[dict[str, Any], str], Cell]:
    tree, lists, today = tree_of(replica), lists_of(replica.db), business_day(now_ms)

    def cell(item: dict[str, Any], name: str) -> Cell:
        if name == "name":
            named = tree.nearest(item["unit"], today)
            return named.name if named else ""
        value = item[name]
        if name == "category":
            return word_of(lists, str(value), language)
        key = f"{_WORDS[name]}{value}" if name in _WORDS else ""
        return label(language, key) if key and has_label(language, key) else value

    return cell


def _notes(asked: dict[str, Any], language: str) -> list[list[Cell]]:
    rows = notes(asked, language)
    rows += [[label(language, f"table.note.{name}"), key] for name, key in asked["filters"].items()]
    measure = asked["measure"]
    return [*rows, [label(language, f"measure.{measure}"), label(language, f"definition.{measure}")]]
