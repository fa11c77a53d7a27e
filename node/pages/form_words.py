"""Forms on a page: what was typed as values, values as people read them, refusals beside their fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from node.pages.frame import typed
from node.pages.texts import number
from schemas.errors import GridError
from schemas.form_fields import FormField
from schemas.forms import Form
from schemas.labels import explain, label
from schemas.returns import broken_rules, read_values

PREFIX: Final = "v."  # of a field's name in the HTML form
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_SEPARATORS: Final = str.maketrans("", "", ",， ")


def typed_values(form: Form) -> dict[str, str]:
    """What was typed, by key; full-width digits are plain ones, separators of thousands are gone from numbers."""
    found = {}
    for field in form.fields:
        text = typed(PREFIX + field.key)
        found[field.key] = text.translate(_SEPARATORS) if field.is_number else text
    return found


def as_values(form: Form, texts: Mapping[str, str]) -> dict[str, object]:
    """Typed texts as the API takes them; an integer that is none stays a text, and is refused as such."""
    found: dict[str, object] = {}
    for field in form.fields:
        text = texts[field.key]
        if text:
            found[field.key] = int(text) if field.type == "integer" and _WHOLE.fullmatch(text) else text
    return found


def errors_of(form: Form, values: Mapping[str, object], lang: str) -> dict[str, str]:
    """Every refusal by the key of its field: all fields are looked at, then all rules, so that nobody corrects one by
    one.
    """
    read, wrong = read_values(form, values)
    found: dict[str, str] = {}
    for error in [*wrong, *broken_rules(form, read)]:
        key = (error.field or "").removeprefix("values.")
        found[key] = f"{found[key]} {said(form, error, lang)}" if key in found else said(form, error, lang)
    return found


def said(form: Form, error: GridError, lang: str) -> str:
    """A refusal as a sentence with the names that fields have on the form."""
    field = form.field((error.field or "").removeprefix("values."))
    if field is None:
        return explain(lang, error)
    name, told = field.label[lang], error.params
    if error.code == "sum_broken":
        values = {one: number(told[one]) for one in ("makes", "difference")}
        return label(lang, "page.form.sum_broken", name=name, said=number(error.value), **values)
    if error.code == "bound_broken":
        other = form.field(str(told["other"]))
        values = {one: number(told[one]) for one in ("limit", "difference")}
        above = other.label[lang] if other else str(told["other"])
        return label(lang, "page.form.bound_broken", name=name, said=number(error.value), other=above, **values)
    return explain(lang, type(error)(error.code, field=name, value=error.value, **told))


def rules_of(form: Form, lang: str) -> list[str]:
    """The rules in words: `参训总人次 = 人民调解员 + …`."""
    names = {one.key: one.label[lang] for one in form.fields}
    sums = [f"{names[rule.total]} = {' + '.join(names[part] for part in rule.parts)}" for rule in form.sums]
    return sums + [f"{names[rule.low]} ≤ {names[rule.high]}" for rule in form.bounds]


def questions(form: Form, texts: Mapping[str, Any], lang: str) -> list[dict[str, Any]]:
    """The fields as a template draws them: `{key, name, label, type, required, value, choices, max_length, hint}`."""
    return [
        {
            "key": one.key,
            "name": PREFIX + one.key,
            "label": one.label[lang],
            "type": one.type,
            "required": one.required,
            "value": texts.get(one.key, ""),
            "choices": [(code, words[lang]) for code, words in one.choices],
            "max_length": one.max_length,
            "hint": "" if one.required else label(lang, "page.form.optional"),
        }
        for one in form.fields
    ]


def shown_values(form: Form, values: Mapping[str, Any], lang: str) -> list[tuple[str, bool, str]]:
    """(label, whether it is a number, value as people read it) of each field; an empty one is a dash."""
    return [(one.label[lang], one.is_number, shown(one, values.get(one.key), lang)) for one in form.fields]


def shown(field: FormField, value: Any, lang: str) -> str:
    """A value as people read it."""
    if value is None:
        return "—"
    if field.type == "choice":
        return dict(field.choices)[value][lang]
    return number(value) if field.is_number else str(value)
