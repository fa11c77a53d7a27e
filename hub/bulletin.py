"""通报: the bulletin of a unit and period as a document, made from the rollup of one instant."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final, TypedDict

from node.figures import rollup
from node.figures.asof import present
from schemas import bulletin
from schemas.bulletin_blocks import Block
from schemas.clock import SHANGHAI, business_day
from schemas.encoding import b64
from schemas.errors import Invalid, NotFound
from schemas.labels import label
from schemas.masking import is_masked, masked
from schemas.periods import FIRST_DAY, Period, cadence_of, parse_period, period_of, shifted
from schemas.strict_json import dumps
from sync.database import read
from sync.directory import tree_of
from sync.replica import Replica

MAX_NO: Final = 999
DIGEST_SHOWN: Final = 10
_LEAP_DAY: Final = 29


class Document(TypedDict):
    """A bulletin apart from how it looks. `no` of `year`; `corrects`: the event of the bulletin that it corrects."""

    language: str
    title: str
    unit: str
    name: str
    period: str
    year: int
    no: int
    corrects: str | None
    as_of: str
    position: int
    blocks: list[Block]


def draft(
    replica: Replica, unit: str, period: str, *, language: str, remarks: str = "", no: int = 1,
    corrects: str | None = None, title: str | None = None,
) -> Document:  # fmt: skip
    """The bulletin as the figures stand now. Raises NotFound and Invalid naming the field."""
    if len(remarks) > bulletin.MAX_REMARKS:
        raise Invalid("too_long", field="remarks", value=remarks, limit=bulletin.MAX_REMARKS)
    if not 1 <= no <= MAX_NO:
        raise Invalid("out_of_range", field="no", value=no, low=1, high=MAX_NO)
    now_ms = present(replica)
    with read(replica.db):
        sources, total = _sources(replica, unit, parse_period(period), now_ms, language)
    return {
        "language": language,
        "title": title or label(language, "bulletin.title"),
        "unit": unit,
        "name": sources.name,
        "period": sources.period.key,
        "year": sources.period.last.year,
        "no": no,
        "corrects": corrects,
        "as_of": str(total["as_of"]),
        "position": int(total["position"]),
        "blocks": bulletin.blocks(sources, remarks, language),
    }


def digest(document: Document) -> str:
    """What the bulletin says, in 43 characters: equal for equal figures and words, whenever it was made."""
    said = {name: document[name] for name in ("title", "unit", "period", "year", "no", "corrects", "blocks")}
    return b64(hashlib.sha256(dumps(said).encode("utf-8")).digest())


def _sources(
    replica: Replica, unit: str, period: Period, now_ms: int, language: str
) -> tuple[bulletin.Sources, dict[str, Any]]:
    today = business_day(now_ms)
    tree = tree_of(replica)
    named = tree.nearest(unit, min(period.last, today))
    if named is None:
        raise NotFound("unknown_unit", field="unit", value=unit)

    def ask(of: Period, by: str | None = None) -> dict[str, Any]:
        return rollup.answer(replica, unit, of.key, by=by, tree="then", now_ms=now_ms, language=language)

    def level(of: str) -> str | None:
        return tree.level(of)

    total = masked(ask(period), None, level)
    parts = {by: ask(period, by) for by in ("source_group", "category", "kind", "children")}
    # A breakdown with a small figure of a unit below township level is left out whole: several of them, side by side,
    # would give away what each of them masks. Units below a township are masked row by row, its own figures stay.
    kept = {by: _whole(document, masked(document, by, level), by) for by, document in parts.items()}
    sources = bulletin.Sources(
        name=named.name,
        period=period,
        total=total,
        source_groups=kept["source_group"],
        categories=kept["category"],
        kinds=kept["kind"],
        children=kept["children"],
        before=_earlier(before(period), lambda of: masked(ask(of), None, level)),
        year_before=_earlier(year_before(period), lambda of: masked(ask(of), None, level)),
        ended=period.last < today,
        withheld=any(parts[by]["rows"] and not kept[by] for by in parts),
    )
    return sources, total


def _whole(exact: dict[str, Any], shown: dict[str, Any], by: str) -> list[dict[str, Any]]:
    """The rows of a breakdown that may be printed."""
    if by == "children" and not any(is_masked(value) for value in shown["measures"].values()):
        rows: list[dict[str, Any]] = shown["rows"]
        return rows
    return exact["rows"] if shown == exact else []


def _earlier(period: Period | None, ask: Callable[[Period], dict[str, Any]]) -> tuple[Period, dict[str, Any]] | None:
    """A period to compare with; None where nothing was accepted in it: there was nothing yet to compare with."""
    if period is None:
        return None
    document = ask(period)
    return (period, document) if document["measures"]["accepted"] != 0 else None


def before(period: Period) -> Period | None:
    """The period before, of the same cadence or length (环比); None before the calendar of this system."""
    earlier = shifted(period, -1)
    return earlier if earlier.first >= FIRST_DAY else None


def year_before(period: Period) -> Period | None:
    """The same period a year earlier (同比); None where there is none, and for years, whose period before it is."""
    cadence = cadence_of(period)
    if cadence == "year" or period.first.year <= FIRST_DAY.year:
        return None
    if cadence is None:
        first, last = _same_day(period.first), _same_day(period.last)
        return Period(f"{first}..{last}", first, last)
    if cadence == "week":
        year, week, _ = period.first.isocalendar()
        monday = date.fromisocalendar(year - 1, 1, 1) + timedelta(weeks=week - 1)
        found = period_of("week", monday)
        return found if found.first.isocalendar().week == week else None
    return period_of(cadence, _same_day(period.first))


def _same_day(day: date) -> date:
    leap = (day.month, day.day) == (2, _LEAP_DAY)
    return day.replace(year=day.year - 1, day=_LEAP_DAY - 1 if leap else day.day)


def foot(document: Document) -> list[str]:
    """The lines at the end: as of when, and the number by which the content can be compared."""
    language = document["language"]
    lines = []
    if document["corrects"]:
        lines.append(label(language, "bulletin.corrects", event=document["corrects"]))
    at = instant_words(document["as_of"])
    lines.append(label(language, "bulletin.as_of", at=at, position=f"{document['position']:,}"))
    lines.append(label(language, "bulletin.digest", digest=digest(document)[:DIGEST_SHOWN]))
    return lines


def issue_words(document: Document) -> str:
    """2022 年第 4 期, with a word when it corrects an earlier one."""
    key = "bulletin.issue_corrected" if document["corrects"] else "bulletin.issue_no"
    return label(document["language"], key, year=document["year"], no=document["no"])


def instant_words(text: str) -> str:
    """An instant as documents print it: 2026-11-23 18:00, in Shanghai."""
    return datetime.fromisoformat(text).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
