"""Periods in the words of people: 2026年11月上半月, 2026年第48周（11月23日—29日）; 1–15 November 2026, Q4 2026."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.periods import Period, cadence_of


def period_words(period: Period, words: Mapping[str, str]) -> str:
    """A period as people write it, by the catalogue `words` of their language."""
    cadence = cadence_of(period)
    if cadence is None:
        return _days(period, "span", words["period.months"], words)
    first, months = period.first, words["period.months"].split(" ")
    year, week, _ = first.isocalendar()
    return words[f"period.{cadence}"].format(
        year=year if cadence == "week" else first.year, month=months[first.month - 1], day=first.day, week=week,
        part=_part(cadence, period, words),
        days=_days(period, "week", words["page.calendar.months"], words) if cadence == "week" else "",
    )  # fmt: skip


def _part(cadence: str, period: Period, words: Mapping[str, str]) -> str:
    """What a quarter, half-year or half-month is called; a language without a word for it says the days."""
    first = period.first
    if cadence == "quarter":
        return words[f"period.quarter.{(first.month + 2) // 3}"]
    if cadence == "half-year":
        return words[f"period.half-year.{1 if first.month == 1 else 2}"]
    if cadence == "half-month":
        return words[f"period.half-month.{1 if first.day == 1 else 2}"] or f"{first.day}–{period.last.day}"
    return ""


def _days(period: Period, family: str, month_names: str, words: Mapping[str, str]) -> str:
    """From one day to another; what both have in common is said once."""
    first, last, months = period.first, period.last, month_names.split(" ")
    if first == last:
        form = "period.day"
    elif (first.year, first.month) == (last.year, last.month):
        form = f"period.{family}.days"
    elif first.year == last.year or family == "week":
        form = f"period.{family}.months"
    else:
        form = f"period.{family}.years"
    return words[form].format(
        year=first.year, month=months[first.month - 1], day=first.day,
        year2=last.year, month2=months[last.month - 1], day2=last.day,
    )  # fmt: skip
