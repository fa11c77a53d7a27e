"""Returns 报表 (`ret`): a form filled by a unit for a period; its values, its rules, and when it is owed (2-domain)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Final

from schemas.amending import R, Standing, standing_of
from schemas.cadence import Calendar, due_at, grace_end
from schemas.clock import at_time
from schemas.confirmations import Owed
from schemas.duties import duty_state
from schemas.errors import Invalid
from schemas.form_fields import DECIMAL, PLACES, FormField, decimals
from schemas.forms import BoundRule, Form, Forms, SumRule
from schemas.periods import Period, parse_day, period_of, stated_period
from schemas.strict_json import Json

STATES: Final = ("not_due", "due", "sent", "late", "excused", "returned", "missing")
MAX_GIVEN: Final = 200  # values of one return, known ones or not
SCALE: Final = 10**PLACES
_HASH: Final = 43
_TWO_YEARS: Final = 732
Value = int | str


@dataclass(frozen=True, slots=True)
class Given:
    """A return as it stands in the log; whether its values fit is asked of its form."""

    event: str
    unit: str
    form: str
    version: int
    period: Period
    values: Mapping[str, Json]
    amends: str | None
    recorded_ms: int


# ---- what is owed


def owed_on(forms: Forms, calendar: Calendar, form: str, level: str, day: date) -> Owed | None:
    """What a unit of a level owes for the period that ends on a day: by the version in force on it, with the deadlines
    of the profile in force; it may be filled from the period's last day on. None if it owes nothing then.
    """
    version = forms.on(form, day)
    if version is None or level not in version.levels:
        return None
    period = period_of(version.cadence, day)
    if period.last != day:
        return None
    profile = calendar.on(day)
    return Owed(period, at_time(day, time(0)), due_at(profile, level, period), grace_end(profile, level, period))


def owed_between(forms: Forms, calendar: Calendar, form: str, level: str, span: Period) -> Iterator[Owed]:
    """What units of a level owe for periods whose last day lies in a span, in order."""
    for day in span.each_day():
        owed = owed_on(forms, calendar, form, level, day)
        if owed is not None:
            yield owed


def last_owed(forms: Forms, calendar: Calendar, form: str, level: str, now_ms: int, today: date) -> Owed | None:
    """The newest period of a form that a unit of a level may fill by now; None if there was none in two years."""
    if not any(level in one.levels for one in forms.versions(form)):
        return None
    for back in range(_TWO_YEARS):
        owed = owed_on(forms, calendar, form, level, date.fromordinal(today.toordinal() - back))
        if owed is not None and owed.opens_ms <= now_ms:
            return owed
    return None


def state_unsent(owed: Owed, now_ms: int, *, excused: bool) -> str:
    """The state of what nobody filled yet, by the rule of duties: one of STATES."""
    return duty_state(now_ms, owed.opens_ms, owed.grace_ms, None, None, excused, returned=False)


# ---- values


def read_values(form: Form, given: Mapping[str, object]) -> tuple[dict[str, Value], list[Invalid]]:
    """(values in the order of the fields, what is wrong with each field). Integers stay integers, decimals become
    texts with all their places, an empty optional value is left out. Fields are named `values.KEY`.
    """
    values: dict[str, Value] = {}
    wrong = [
        Invalid("unknown_field", field=f"values.{key}", value=given[key]) for key in given if form.field(key) is None
    ]
    for field in form.fields:
        value = given.get(field.key)
        blank = value is None or (isinstance(value, str) and not value.strip())
        try:
            if not blank:
                values[field.key] = _value(field, value)
            elif field.required:
                raise Invalid("value_missing", field=f"values.{field.key}", value=value)
        except Invalid as error:
            wrong.append(error)
    return values, wrong


def broken_rules(form: Form, values: Mapping[str, Value]) -> list[Invalid]:
    """The rules that values break, each with its difference; a rule about a value that is not there is not asked."""
    broken: list[Invalid] = []
    for rule in form.sums:
        if all(key in values for key in (rule.total, *rule.parts)):
            said, makes = number(values[rule.total]), sum((number(values[part]) for part in rule.parts), Decimal(0))
            if said != makes:
                broken.append(_sum_broken(rule, said, makes))
    for bound in form.bounds:
        if bound.low in values and bound.high in values:
            low, high = number(values[bound.low]), number(values[bound.high])
            if low > high:
                broken.append(_bound_broken(bound, low, high))
    return broken


def require_values(form: Form, given: object) -> dict[str, Value]:
    """The values of a return. Raises Invalid for the first field or rule that they break."""
    if not isinstance(given, Mapping) or len(given) > MAX_GIVEN:
        raise Invalid("not_values", field="values", value=given, limit=MAX_GIVEN)
    values, wrong = read_values(form, given)
    for error in [*wrong, *broken_rules(form, values)]:
        raise error
    return values


def number(value: Value) -> Decimal:
    """A numeric value."""
    return Decimal(value)


def scaled(value: Value) -> int:
    """A numeric value as a whole number of 1/10,000: what tables add up, exactly."""
    return int(number(value) * SCALE)


def unscaled(amount: int, field: FormField) -> Value:
    """What `scaled` values add up to, as the field's type writes it."""
    exact = Decimal(amount) / SCALE
    if field.type == "integer" and exact == exact.to_integral_value():
        return int(exact)
    places = max(field.places, decimals(f"{exact.normalize():f}"))  # an earlier version may have had more
    return f"{exact:.{places}f}"


def _plain(value: Decimal) -> Value:
    return int(value) if value == value.to_integral_value() else f"{value.normalize():f}"


def _sum_broken(rule: SumRule, said: Decimal, makes: Decimal) -> Invalid:
    return Invalid(
        "sum_broken", field=f"values.{rule.total}", value=_plain(said), rule=str(rule), makes=_plain(makes),
        difference=_plain(abs(said - makes)),
    )  # fmt: skip


def _bound_broken(rule: BoundRule, low: Decimal, high: Decimal) -> Invalid:
    return Invalid(
        "bound_broken", field=f"values.{rule.low}", value=_plain(low), rule=str(rule), limit=_plain(high),
        other=rule.high, difference=_plain(low - high),
    )  # fmt: skip


def _value(field: FormField, value: object) -> Value:
    where = f"values.{field.key}"
    if field.type == "integer":
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid("bad_integer_value", field=where, value=value)
        _require_range(field, Decimal(value), where)
        return value
    if field.type == "decimal":
        return _decimal(field, value, where)
    if not isinstance(value, str):
        raise Invalid("not_a_text", field=where, value=value)
    if field.type == "choice":
        if value not in {code for code, _ in field.choices}:
            allowed = ", ".join(code for code, _ in field.choices)
            raise Invalid("bad_choice_value", field=where, value=value, allowed=allowed)
        return value
    if field.type == "date":
        return parse_day(value, where).isoformat()
    text = value.strip()
    if len(text) > field.max_length:
        raise Invalid("too_long", field=where, value=text, limit=field.max_length)
    if not all(sign.isprintable() or sign == "\n" for sign in text):
        raise Invalid("bad_text_value", field=where, value=text)
    return text


def _decimal(field: FormField, value: object, where: str) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not DECIMAL.fullmatch(text) or decimals(text) > field.places:
        raise Invalid("bad_decimal_value", field=where, value=value, places=field.places)
    found = Decimal(text)
    _require_range(field, found, where)
    return f"{found if found else abs(found):.{field.places}f}"  # no -0.00


def _require_range(field: FormField, value: Decimal, where: str) -> None:
    if not field.low <= value <= field.high:
        raise Invalid("value_out_of_range", field=where, value=str(value), low=str(field.low), high=str(field.high))


# ---- the payload


def return_payload(form: Form, period: Period, values: Mapping[str, Value], amends: str | None) -> dict[str, object]:
    """The public payload `ret/1`."""
    payload: dict[str, object] = {
        "form": form.id,
        "version": form.version,
        "period": period.key,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "values": dict(values),
    }
    return payload if amends is None else payload | {"amends": amends}


def read_return(event: str, unit: str, day: date, recorded_ms: int, payload: Mapping[str, Json]) -> Given:
    """The return that a `ret` states, whatever its form says; `day` is its business date, the last day of the period.

    Raises: Invalid naming the field that breaks a rule.
    """
    period = stated_period(payload, day)
    form, version, values = payload.get("form"), payload.get("version"), payload.get("values")
    if not isinstance(form, str) or isinstance(version, bool) or not isinstance(version, int):
        raise Invalid("unknown_form", field="form", value=form)
    if not isinstance(values, dict) or len(values) > MAX_GIVEN:
        raise Invalid("not_values", field="values", value=values, limit=MAX_GIVEN)
    amends = payload.get("amends")
    if amends is not None and not (isinstance(amends, str) and len(amends) == _HASH):
        raise Invalid("bad_amends", field="amends", value=amends)
    return Given(event, unit, form, version, period, values, amends, recorded_ms)


def effective_return(held: Sequence[R]) -> Standing[R]:
    """The return that counts for one (form, unit, period): of several that nobody amended the one of the greater hash,
    as for confirmations. Raises: ValueError if there is none.
    """
    return standing_of(held, lambda one: one.event)
