"""Header and public facts of an event in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from node.daily.campaigns import campaign_name
from node.evidence.proof_queries import Raw
from node.guard import language
from schemas.campaigns import campaign_of
from schemas.cases.lists import category_label
from schemas.clock import business_day, local_text
from schemas.errors import GridError
from schemas.events import FIELD_COUNT, PUBLIC, Part
from schemas.labels import has_label, label
from schemas.strict_json import loads
from sync.directory import tree_of
from sync.replica import Replica

FIELDS: Final = ("version", "chain", "seq", "prev", "kind", "unit", "bdate", "rtime", "ctx", "schema", "phash")
# Which words stand for the codes of a public field.
CODES: Final[Mapping[str, str]] = {
    "action": "action.", "kind": "case_kind.", "source": "source.", "complexity": "complexity.",
    "urgency": "urgency.", "scale": "scale.", "amount_band": "amount_band.", "body": "body.", "advice": "advice.",
    "reason_code": "reason_code.", "occasion": "evidence_code.", "depth": "evidence_code.",
    "direction": "evidence_code.",
}  # fmt: skip
MAX_FACTS: Final = 60
MAX_TEXT: Final = 300
_PAGE: Final = "document.blocks."


def header_rows(node: Replica, raw: Raw) -> list[dict[str, str]]:
    """The fields of the signed line: [{field, value, words}]; the whole line where its bytes went bad."""
    fields = raw.header.split("\t")
    if len(fields) != FIELD_COUNT:
        return [{"field": "line", "value": raw.header, "words": ""}]
    words = {
        "kind": _known(f"kind.{raw.kind}"),
        "unit": _unit(node, raw.unit),
        "rtime": _instant(fields[7]),
    }
    return [
        {"field": name, "value": value, "words": words.get(name, "")}
        for name, value in zip(FIELDS, fields, strict=True)
    ]


def facts(node: Replica, raw: Raw, parts: Sequence[Part]) -> list[dict[str, str]]:
    """The public part in words, a row for each value: [{field, value}]; what has no word stands as it is."""
    text = next((part.text for part in parts if part.name == PUBLIC), None)
    if text is None:
        return []
    try:
        value = loads(text)
    except GridError:
        return [{"field": PUBLIC, "value": text[:MAX_TEXT]}]
    rows: list[dict[str, str]] = []
    for name, found in _flat("", value):
        if len(rows) >= MAX_FACTS:
            break
        if name.startswith(_PAGE):  # a bulletin's own page shows it whole
            continue
        rows.append({"field": _known(f"evidence_field.{name}") or name, "value": _said(node, raw.kind, name, found)})
    return rows


def _flat(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    """(path, plain value) of everything inside, `acts.1.unit` for the first of a list."""
    if isinstance(value, dict | list):
        named = value.items() if isinstance(value, dict) else enumerate(value, 1)
        for name, inner in named:
            yield from _flat(f"{prefix}{'.' if prefix else ''}{name}", inner)
    else:
        yield prefix, value


def _said(node: Replica, kind: str, name: str, value: object) -> str:
    if isinstance(value, bool):
        return label(language(), "evidence_code.yes" if value else "evidence_code.no")
    text = str(value)
    if name == "result":
        return _known(f"duty.{text}" if kind == "chk" else f"result.{text}") or text
    if name == "category":
        return _known(category_label(text)) or text
    if name in ("to_unit", "unit"):
        return f"{_unit(node, text)} {text}".strip()
    if name == "occasion" and campaign_of(text):
        return f"{campaign_name(node.db, text)} {text}"
    if name == "recorded_at":
        return _instant(text) or text
    known = _known(CODES[name] + text) if name in CODES else ""
    return known or text[:MAX_TEXT]


def _known(key: str) -> str:
    return label(language(), key) if has_label(language(), key) else ""


def _unit(node: Replica, unit: str) -> str:
    named = tree_of(node).nearest(unit, business_day(node.env.now_ms()))
    return named.name if named else ""


def _instant(text: str) -> str:
    """Unix ms as day and time in Shanghai; empty for anything else."""
    return local_text(int(text)) if text.isascii() and text.isdigit() else ""
