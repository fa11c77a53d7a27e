"""What a form for an act asks for, by its row in the transition table, and which act comes first. No Flask, no SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from schemas.cases.lists import ADVICE, BODIES, DECLINE_REASONS, REASONS, REFER_TO, RESULTS
from schemas.cases.table import ACTIONS

MAIN: Final[Mapping[str, str]] = {
    "registered": "accept", "accepted": "mediate", "assigned": "mediate", "mediating": "agree", "agreed": "follow_up",
    "reneged": "remediate", "performed": "close", "not_agreed": "close", "terminated": "close",
}  # fmt: skip
# What ends a case, or takes it from somebody: asked twice, and shown so.
GRAVE: Final = frozenset({"decline", "terminate", "refer", "close", "seize"})
_CODES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "reason_code": (REASONS, "reason_code."),
    "body": (BODIES, "body."),
    "advice": (ADVICE, "advice."),
    "result": (RESULTS, "result."),
    "to": (REFER_TO, "refer_to."),
}
_DAYS_AHEAD: Final[Mapping[str, int]] = {"performance_due": 30, "due": 3, "until": 7}
_PRIVATE_TEXTS: Final = ("agreement", "narrative")
_HIDDEN: Final = ("supervision",)  # an answer without it answers all that it follows


@dataclass(frozen=True, slots=True)
class Widget:
    """One question of a form. `kind` is words, codes, day, unit or flag; `options` are (value, label key)."""

    name: str
    kind: str
    needed: bool
    options: tuple[tuple[str, str], ...] = ()
    value: str = ""


def widgets(action: str, day: date) -> list[Widget]:
    """The questions of an act's form, in the order of its fields; dates are filled in as they mostly are."""
    found: list[Widget] = []
    for field in ACTIONS[action].fields:
        name, needed = field.name, field.needed
        if name in _HIDDEN:
            continue
        if name == "private":
            found.append(Widget("agreement" if action == "agree" else "narrative", "words", needed=False))
        elif name == "reason" and not field.private:
            found.append(_codes(name, (DECLINE_REASONS, "decline_reason."), needed=needed))
        elif name in _CODES:
            found.append(_codes(name, _CODES[name], needed=needed))
        elif name == "to_unit":
            found.append(Widget(name, "unit", needed))
        elif name == "performed_at_once":
            found.append(Widget(name, "flag", needed))
        elif name in ("performance_due", "next_date", "due", "until"):
            ahead = _DAYS_AHEAD.get(name)
            value = "" if ahead is None else (day + timedelta(days=ahead)).isoformat()
            found.append(Widget(name, "day", needed, value=value))
        else:
            found.append(Widget(name, "words", needed))
    return found


def _codes(name: str, listed: tuple[tuple[str, ...], str], *, needed: bool) -> Widget:
    codes, prefix = listed
    return Widget(name, "codes", needed, tuple((code, f"{prefix}{code}") for code in codes), codes[0])


def body_of(action: str, typed: Mapping[str, str]) -> dict[str, object]:
    """The act's fields as the API takes them, from what was typed; what was left empty is left out."""
    body: dict[str, object] = {}
    for widget in widgets(action, date.min):
        text = typed.get(widget.name, "")
        if widget.name in _PRIVATE_TEXTS:
            if text:
                body["private"] = {widget.name: text}
        elif widget.kind == "flag":
            body[widget.name] = bool(text)
        elif text:
            body[widget.name] = text
    if body.get("performed_at_once"):
        body.pop("performance_due", None)
    if body.get("result") in ("performed", "reneged"):
        body.pop("next_date", None)
    return body


def ordered(state: str, allowed: Sequence[str]) -> list[str]:
    """The acts as buttons: the main one of the state first, grave ones last."""
    main = MAIN.get(state)
    return sorted(allowed, key=lambda one: (one != main, one in GRAVE, list(ACTIONS).index(one)))
