"""Instants and business days. An instant is UTC in unix milliseconds; a business day is a day in Asia/Shanghai.

Nothing here reads a clock: the caller reads it once and hands it in.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

from schemas.errors import Invalid

# A fixed offset: China has kept no summer time since 1991, and an office PC may have no tzdata.
SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
MAX_INTEGER: Final = 2**53  # integers in payloads stay below this

_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
# A forged or broken clock may say the year 287396; a date object ends at 9999, less the offset of the zone.
_LAST_MS: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _UNIX_EPOCH) // _MS - 1
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _moment(at_ms: int) -> datetime:
    return _UNIX_EPOCH + min(max(at_ms, 0), _LAST_MS) * _MS


def business_day(at_ms: int) -> date:
    """The day in Shanghai at an instant; an instant outside 1970–9999 gives the nearest day inside."""
    return _moment(at_ms).astimezone(SHANGHAI).date()


def at_time(day: date, clock: time) -> int:
    """The instant (unix ms) at which clocks in Shanghai show this time on this day."""
    return (datetime.combine(day, clock, tzinfo=SHANGHAI) - _UNIX_EPOCH) // _MS


def iso_instant(at_ms: int | None) -> str | None:
    """An instant as `2026-11-23T08:40:00.000Z`; None stays None. Outside 1970–9999 the nearest instant inside."""
    if at_ms is None:
        return None
    return _moment(at_ms).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def local_text(at_ms: int) -> str:
    """An instant as people in Shanghai write it: `2026-11-23 16:40:07`."""
    return _moment(at_ms).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def parse_instant(value: object, field: str) -> int:
    """Unix ms of an instant given as an integer in ms, or as RFC 3339 text with `Z` or an offset.

    Parts of a millisecond are cut off. Raises: Invalid("bad_instant") for anything else: a text without a zone,
    an instant before 1970, a bool, an integer of 2^53 or more.
    """
    at_ms = _read_rfc3339(value) if isinstance(value, str) else value
    if isinstance(at_ms, bool) or not isinstance(at_ms, int) or not 0 <= at_ms < MAX_INTEGER:
        raise Invalid("bad_instant", field=field, value=value)
    return at_ms


def _read_rfc3339(text: str) -> int | None:
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone in "Zz" else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
    except ValueError:  # the 30th of February, an hour 24, an offset of 99 hours
        return None
    return (moment - _UNIX_EPOCH) // _MS + int((fraction or "0").ljust(3, "0")[:3])


def latest_business_day(own_ms: int, *others_ms: int | None) -> date:
    """The business day by the latest of the clocks: the own one, and those known from others (None: unknown)."""
    return business_day(max(own_ms, *(at_ms for at_ms in others_ms if at_ms is not None), 0))


def is_future(day: date, own_ms: int, *others_ms: int | None) -> bool:
    """Whether a business date lies in the future: after tomorrow by the latest of the clocks.

    A device with a dead battery shows 1970: the newest mark held and the parent's last clock keep it working.
    """
    return day - latest_business_day(own_ms, *others_ms) > timedelta(days=1)
