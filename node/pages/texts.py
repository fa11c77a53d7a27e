"""Numbers, days and times as people read them, in the reader's language: the filters of every template."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from node.guard import language, replica
from schemas.campaigns import Campaign
from schemas.clock import SHANGHAI, business_day
from schemas.labels import DEFAULT_LANGUAGE
from schemas.masking import Masked
from schemas.periods import Period

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(value: object) -> str:
    """A count with thousands separators, a masked one as it is printed; what is no number stays as it is."""
    if isinstance(value, Masked):
        return value.text
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def day_text(value: date | str | None) -> str:
    """11月23日 星期一 / Mon 23 Nov."""
    if value is None:
        return ""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    if language() == DEFAULT_LANGUAGE:
        return f"{day.month}月{day.day}日 星期{'一二三四五六日'[day.weekday()]}"
    return f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def days_text(span: Period | Campaign) -> str:
    """11月1日 星期日 — 11月30日 星期一; of one day that day."""
    days = day_text(span.first), day_text(span.last)
    return days[0] if span.first == span.last else " — ".join(days)


def time_text(at_ms: int | str | None) -> str:
    """HH:MM in Shanghai today, MM-DD HH:MM on another day; takes unix ms or an instant's text."""
    if at_ms is None:
        return ""
    if isinstance(at_ms, str):
        at_ms = int(datetime.fromisoformat(at_ms).timestamp() * 1000)
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(SHANGHAI)
    same_day = moment.date() == business_day(replica().env.now_ms())
    return moment.strftime("%H:%M" if same_day else "%m-%d %H:%M")
