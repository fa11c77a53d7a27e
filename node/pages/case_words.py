"""Cases in words: names of units, time left, coded facts, steps of the timeline, refusals by the names on the form.

An event may hold codes of a later list, or fields out of shape: such a value is shown as it is, and no page fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from node.figures.category_lists import lists_of, word_of
from node.guard import replica
from node.scope import today_of
from schemas.cases.lists import PARTY_ROLES
from schemas.cases.table import ACTIONS
from schemas.clock import SHANGHAI
from schemas.errors import GridError
from schemas.labels import explain, has_label, label
from sync.directory import tree_of
from sync.replica import Replica

# Public fields of an act that a timeline puts into words: (field, prefix of its label).
_SAID: Final = (
    ("urgency", "urgency."), ("complexity", "complexity."), ("scale", "scale."), ("amount_band", "amount_band."),
    ("body", "body."), ("advice", "advice."), ("result", "result."), ("to", "refer_to."),
    ("reason", "decline_reason."), ("reason_code", "reason_code."),
)  # fmt: skip
_DATES: Final = ("performance_due", "next_date", "due", "until")


def code_word(lang: str, prefix: str, code: str | None) -> str | None:
    """The word of a code; the code itself where the catalogue has none; None where there is no code."""
    if not code:
        return None
    return label(lang, f"{prefix}{code}") if has_label(lang, f"{prefix}{code}") else code


def category_word(lang: str, code: str) -> str:
    """The name of a category, as the city published it or the catalogue has it."""
    return word_of(lists_of(replica().db), code, lang)


def unit_name(node: Replica, unit: str) -> str:
    """The unit's name today; the id of one that nobody knows."""
    named = tree_of(node).nearest(unit, today_of(node))
    return named.name if named else unit


def time_left(node: Replica, deadline: str | None, lang: str) -> str | None:
    """How long is left to an instant, in days and hours, or by how much it has passed."""
    if deadline is None:
        return None
    left = int(datetime.fromisoformat(deadline).timestamp()) - node.env.now_ms() // 1000
    days, hours = divmod(abs(left) // 3600, 24)
    if days:
        return label(lang, "page.case.left" if left >= 0 else "page.case.over", days=days, hours=hours)
    if hours:
        return label(lang, "page.case.left_hours" if left >= 0 else "page.case.over_hours", hours=hours)
    return label(lang, "page.case.left_soon" if left >= 0 else "page.case.over_soon")


def shown(node: Replica, item: dict[str, Any], lang: str) -> dict[str, Any]:
    """A case's document with the words that pages print."""
    words = category_word(lang, item["category"])
    return {
        **item,
        "title": label(lang, "page.rollup.case", category=words, tail=item["id"][-6:].upper()),
        "category_name": words,
        "scale_name": code_word(lang, "scale.", item["scale"]),
        "amount_name": code_word(lang, "amount_band.", item["amount_band"]),
        "owner_name": unit_name(node, item["owner"]),
        "found_name": unit_name(node, item["found_by"]),
        "offered_name": unit_name(node, item["offered_to"]) if item["offered_to"] else None,
        "left": time_left(node, item["deadline_at"], lang),
        "href": f"/cases/{item['id']}",
    }


def limits(node: Replica, document: Mapping[str, Any], lang: str) -> list[dict[str, Any]]:
    """The limit of the level and the whole one, each with the time left; none of a case that is not open."""
    return [
        {"name": name, **one, "left": time_left(node, one["until"], lang)}
        for name, one in (document["limits"] or {}).items()
    ]


def parties(private: Mapping[str, Any], lang: str) -> list[dict[str, Any]]:
    """The parties of an opened private part; a role that is on no list counts as another one."""
    found = [one for one in private["parties"] if isinstance(one, dict)]
    roles = [one.get("role") if one.get("role") in PARTY_ROLES else "other" for one in found]
    return [{**one, "role_name": label(lang, f"role_in_case.{role}")} for one, role in zip(found, roles, strict=True)]


# ---- timeline


def step(node: Replica, one: dict[str, Any], lang: str) -> dict[str, Any]:
    """A step of the timeline with its coded facts in words, and how far it has come."""
    public, refused = one["public"], one["refused"]
    to, hops = public.get("to_unit"), one["sync"]
    return {
        **one,
        "unit_name": unit_name(node, one["unit"]),
        "to_name": unit_name(node, to) if isinstance(to, str) else None,
        "said": _said(one, lang),
        "known": one["action"] in ACTIONS,
        "arrived": hops[-1]["at"] is not None or len(hops) == 1,
        "reach": _reach(node, hops, lang),
        "refused_by": unit_name(node, refused["by"]) if refused else None,
    }


def _said(one: Mapping[str, Any], lang: str) -> list[str]:
    public = one["public"]
    category = public.get("category")
    said = [category_word(lang, category)] if isinstance(category, str) else []
    for name, prefix in _SAID:
        value = public.get(name)
        if isinstance(value, str):
            said.append(code_word(lang, prefix, value) or value)
    if public.get("performed_at_once") is True:
        said.append(label(lang, "page.act.field.performed_at_once"))
    dates = [(name, public.get(name)) for name in _DATES]
    said += [f"{label(lang, f'page.act.field.{name}')} {day}" for name, day in dates if isinstance(day, str)]
    recorded = datetime.fromisoformat(one["recorded_at"]).astimezone(SHANGHAI).date()
    if date.fromisoformat(one["date"]) != recorded:
        said.append(f"{label(lang, 'page.act.date')} {one['date']}")
    return said


def _reach(node: Replica, hops: list[dict[str, Any]], lang: str) -> str:
    """The highest level above the writer that has a step: the city; none as long as it waits here."""
    reached = [hop["unit"] for hop in hops[1:] if hop["at"] is not None]
    if not reached and len(hops) > 1:
        return label(lang, "path.queued")
    level = tree_of(node).level(reached[-1]) if reached else None
    return label(lang, "page.case.reached", level=label(lang, f"level_short.{level or 'city'}"))


# ---- refusals


def told(lang: str, error: GridError, names: Mapping[str, str]) -> str:
    """A refusal as a sentence with the name that its field has on the form; `names` are label keys by field."""
    name = error.field or ""
    key = names.get(name)
    word = label(lang, key) if key else name
    return explain(lang, type(error)(error.code, field=word, value=error.value, **error.params))
