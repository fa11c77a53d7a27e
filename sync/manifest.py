"""The first lines of an exchange: what each side says of its logs. Shapes as in 3-sync; unknown fields are ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.encoding import DIGEST_BYTES, b64, unb64
from schemas.errors import BadRequest
from schemas.events import CHAIN
from schemas.strict_json import Json
from sync.log import Point
from sync.marks import MAX_CHAINS_ASKED
from sync.owed import MAX_WANTED

VERSION: Final = 1
SPOKEN: Final = (VERSION,)  # what this program can speak; both sides use the highest that they share
MAX_COUNT: Final = 2**53
REFUSED_CODES: Final = frozenset({"bad_sig", "unreadable", "too_big"})
MAX_LADDER: Final = 64
MAX_URL: Final = 200
DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}")
URL: Final = re.compile(r"https?://[!-~]+")


@dataclass(frozen=True, slots=True)
class Request:
    """What a child says: its up log's id, the range that it sends, its end, and where its in-log from us stands."""

    log: str
    start: Point
    end: Point
    head: Point
    down_log: str
    down: Point
    own: tuple[str, int, str]
    want: tuple[str, ...]
    marks: tuple[str, ...]
    certs: int
    back: int
    now: int
    url: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a parent says: where its in-log stands now, what it set aside, marks, and the range that it sends down."""

    have: Point
    refused: tuple[tuple[int, str, str], ...]
    marks: tuple[Json, ...]
    lost: int
    down_log: str | None
    down_to: Point | None  # None: the child's in-log is not one of ours
    more: bool
    next_s: int
    now: int


def shared_version(offered: Json) -> int | None:
    """The highest version that both speak, of those that a hello lists; None when there is none, or no list."""
    known = offered if isinstance(offered, list) else []
    return max((one for one in SPOKEN if any(one == other and other is not True for other in known)), default=None)


def point_json(point: Point) -> list[object]:
    """[n, acc] as it travels."""
    return [point[0], b64(point[1])]


def read_request(value: Mapping[str, Json]) -> Request:
    """A child's manifest. Raises BadRequest naming the field; `v` decides first."""
    require_version(value)
    down = _list(value, "down", 3)
    marks = value.get("marks", [])
    if not isinstance(marks, list) or len(marks) > MAX_CHAINS_ASKED or not all(_is_chain(one) for one in marks):
        raise _bad("marks", marks)
    return Request(
        log=_log_id(value.get("log"), "log"),
        start=_point(value.get("from"), "from"),
        end=_point(value.get("to"), "to"),
        head=_point(value.get("head"), "head"),
        down_log=_log_id(down[0], "down"),
        down=_point(down[1:], "down"),
        own=_own(value.get("own")),
        want=_want(value.get("want", [])),
        marks=tuple(str(one) for one in marks),
        certs=_count(value.get("certs", 0), "certs"),
        back=_count(value.get("back", 0), "back"),
        now=_count(value.get("now"), "now"),
        url=_url(value.get("url")),
    )


def require_version(value: Mapping[str, Json]) -> None:
    """Raises BadRequest `version`, which travels as 426, unless `v` is a version that is spoken here."""
    version = value.get("v")
    if isinstance(version, bool) or version not in SPOKEN:
        raise BadRequest("version", field="v", value=version, allowed=", ".join(map(str, SPOKEN)))


def read_answer(value: Mapping[str, Json]) -> Answer:
    """A parent's manifest. Raises BadRequest naming the field."""
    down = value.get("down")
    if down is not None and not isinstance(down, dict):
        raise _bad("down", down)
    rebase = down is None or bool(down.get("rebase"))
    marks = value.get("marks", [])
    if not isinstance(marks, list):
        raise _bad("marks", marks)
    return Answer(
        have=_point(value.get("have"), "have"),
        refused=read_refused(value.get("refused", [])),
        marks=tuple(marks),
        lost=_count(value.get("lost", 0), "lost"),
        down_log=None if rebase or down is None else _log_id(down.get("log"), "down"),
        down_to=None if rebase or down is None else _point(down.get("to"), "down"),
        more=bool(down.get("more")) if isinstance(down, dict) else False,
        next_s=_count(value.get("next", 0), "next"),
        now=_count(value.get("now"), "now"),
    )


def read_refused(value: Json) -> tuple[tuple[int, str, str], ...]:
    """[[n, hash, code]…]."""
    if not isinstance(value, list):
        raise _bad("refused", value)
    rows = []
    for item in value:
        match item:
            case [int(n), str(event_hash), str(code)]:
                rows.append((n, event_hash, code))
            case _:
                raise _bad("refused", item)
    return tuple(rows)


def read_have(value: Mapping[str, Json]) -> tuple[Point, tuple[tuple[int, str, str], ...]]:
    """The body of a 409."""
    return _point(value.get("have"), "have"), read_refused(value.get("refused", []))


def read_ladders(value: Json) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """The body of a rebase: points of the child's up log and of its in-log from us. Raises BadRequest."""
    if not isinstance(value, dict):
        raise _bad("manifest", value)
    require_version(value)
    return _ladder(value, "up"), _ladder(value, "down")


def read_rebased(value: Json) -> tuple[Point, Point]:
    """The answer to a rebase: the highest point known, of each ladder."""
    if not isinstance(value, dict):
        raise _bad("manifest", value)
    return _point(value.get("up"), "up"), _point(value.get("down"), "down")


def _ladder(value: Mapping[str, Json], field: str) -> tuple[Point, ...]:
    points = value.get(field)
    if not isinstance(points, list) or not 1 <= len(points) <= MAX_LADDER:
        raise _bad(field, points)
    return tuple(_point(one, field) for one in points)


def _own(value: Json) -> tuple[str, int, str]:
    match value:
        case [str(chain), seq, str(head)]:
            return chain, _count(seq, "own"), head
        case None:
            return "", 0, ""
        case _:
            raise _bad("own", value)


def _want(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_WANTED:
        raise _bad("want", value)
    wanted = []
    for one in value:
        if not isinstance(one, str) or not DIGEST.fullmatch(one):
            raise _bad("want", one)
        wanted.append(one)
    return tuple(wanted)


def _url(value: Json) -> str | None:
    """The address at which the child itself serves, if it says one that could be one."""
    return value if isinstance(value, str) and len(value) <= MAX_URL and URL.fullmatch(value) else None


def _bad(field: str, value: object) -> BadRequest:
    return BadRequest("manifest", field=field, value=value)


def _list(value: Mapping[str, Json], field: str, length: int) -> list[Json]:
    found = value.get(field)
    if not isinstance(found, list) or len(found) != length:
        raise _bad(field, found)
    return found


def _count(value: Json, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_COUNT:
        raise _bad(field, value)
    return value


def _point(value: Json, field: str) -> Point:
    match value:
        case [n, str(acc)]:
            try:
                return _count(n, field), unb64(acc, DIGEST_BYTES)
            except ValueError as error:
                raise _bad(field, value) from error
        case _:
            raise _bad(field, value)


def _log_id(value: Json, field: str) -> str:
    if not isinstance(value, str) or not 8 <= len(value) <= 32 or not value.isalnum() or not value.isascii():
        raise _bad(field, value)
    return value


def _is_chain(value: Json) -> bool:
    return isinstance(value, str) and CHAIN.fullmatch(value) is not None
