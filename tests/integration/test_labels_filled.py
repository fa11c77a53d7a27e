"""Every blank of every text is filled in wherever the text is used, and every family of built keys is complete."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Final

import pytest
from jinja2 import Environment, nodes

from node.cases.figure_queries import FILTERS
from node.cases.forms import widgets
from node.cases.review_queries import LISTS as REVIEW_LISTS
from node.cases.supervision_queries import STATES as SUPERVISION_STATES
from node.console.terminal import USAGE
from node.desk.todo import CHIPS, OTHER_KINDS
from node.evidence.proof import CHECKS, OUTCOMES
from node.figures.arrivals import EVERYWHERE as ARRIVING_EVERYWHERE
from node.figures.arrivals import KINDS as ARRIVING
from node.figures.exports import ASKED
from node.figures.record_files import COLUMNS as RECORD_COLUMNS
from node.pages.audit import COLUMNS as AUDIT_COLUMNS
from node.pages.evidence_words import FIELDS
from node.pages.figures import ABOUT
from node.pages.reports import PARTS as REPORT_PARTS
from node.people.accounts_admin import STATES as ACCOUNT_STATES
from node.reports.form_rollup import MEASURES as FORM_MEASURES
from schemas import errors
from schemas.audit import ACT_NAMES
from schemas.audit import ACTS as AUDIT_ACTS
from schemas.cases.lists import (
    ADVICE,
    AMOUNT_BANDS,
    BODIES,
    COMPLEXITIES,
    DECLINE_REASONS,
    GROUPS_OF_SOURCES,
    KINDS,
    PARTY_ROLES,
    REASONS,
    REFER_TO,
    RESULTS,
    SCALES,
    SOURCES,
    URGENCIES,
)
from schemas.cases.measures import CASE_MEASURES, CASE_RATES
from schemas.cases.review import PARTS as REVIEW_PARTS
from schemas.cases.steps import WHYS
from schemas.cases.table import ACTIONS, CONFIRMATIONS
from schemas.cases.table import STATES as CASE_STATES
from schemas.cases.todo import KINDS as CASE_TODO_KINDS
from schemas.checks import DEPTHS, DIRECTIONS, REGULAR
from schemas.comparison import KINDS as COMPARED_WITH
from schemas.confirmations import CONFIRMATION_MEASURES
from schemas.duties import STATES
from schemas.errors import GridError
from schemas.excuses import REASON_CODES
from schemas.labels import LANGUAGES, catalogue, has_label
from schemas.measures import CHECK_MEASURES, CHECK_RATES, RATES
from schemas.periods import CADENCES
from schemas.quality import CRITERIA
from schemas.returns import STATES as FORM_STATES
from schemas.roles import ROLES
from schemas.units.acts import ACTS as ACTS_ON_UNITS
from schemas.units.acts import KINDS as UNIT_KINDS
from schemas.units.tree import LEVELS
from sync.manifest import REFUSED_CODES

ROOT: Final = Path(__file__).resolve().parents[2]
CODE: Final = sorted(path for folder in ("schemas", "sync", "node", "hub") for path in (ROOT / folder).rglob("*.py"))
TEMPLATES: Final = sorted(path for room in ("node", "hub") for path in (ROOT / room / "templates").rglob("*.html"))
ERRORS: Final = {name for name, made in vars(errors).items() if isinstance(made, type) and issubclass(made, GridError)}
STATUSES: Final = sorted({made.status for made in GridError.__subclasses__()})
STANDINGS: Final = ("late_key", "bad_scope", "pending")
# Keys that code builds from a value: the prefix, and every value that may stand behind it.
FAMILIES: Final[dict[str, tuple[object, ...]]] = {
    "audit.act.": ACT_NAMES,
    "audit.about.": tuple(AUDIT_ACTS),
    "audit.column.": AUDIT_COLUMNS,
    "definition.": (
        *CHECK_MEASURES,
        *CASE_MEASURES,
        *RATES,
        *CASE_RATES,
        *(f"{name}.{part}" for name in (*RATES, *CASE_RATES) for part in ("numerator", "denominator")),
    ),
    "column.": RECORD_COLUMNS,
    "table.": ("figure", "definition", "numerator", "denominator"),
    "table.note.": (*ASKED, *FILTERS),
    "arrived.": (*ARRIVING, *ARRIVING_EVERYWHERE, "amended"),
    "compare.": tuple(f"{kind}{end}" for kind in COMPARED_WITH for end in ("", "_change")),
    "duty.": STATES,
    "page.own_ca.": tuple(f"{system}{step}" for system in ("android", "harmony", "ios") for step in ("", ".1", ".4")),
    "form_measure.": FORM_MEASURES,
    "form_state.": FORM_STATES,
    "role.": ROLES,
    "role_does.": ROLES,
    "level.": LEVELS,
    "level_short.": LEVELS[1:],
    "state.": CASE_STATES,
    "action.": tuple(ACTIONS),
    "page.act.does.": tuple(name for name in ACTIONS if name != "register"),
    "page.act.field.": tuple({one.name for name in ACTIONS if name != "register" for one in widgets(name, date.min)}),
    "excuse_reason.": REASON_CODES,
    "supervision.": SUPERVISION_STATES,
    "page.supervisions.side_": ("given", "received"),
    "page.supervisions.other_": ("given", "received"),
    "page.todo.chip.": ("all", *CHIPS),
    "page.todo.n_": ("red", "orange", "yellow", "rest"),
    "page.todo.tag.": ("follow_up", "close", "void"),
    "page.todo.why.": (*CASE_TODO_KINDS, *OTHER_KINDS),
    "page.todo.title.": OTHER_KINDS,
    "page.todo.act.": OTHER_KINDS,
    "page.excuses.when.": ("now", "ahead", "over"),
    "decline_reason.": DECLINE_REASONS,
    "urgency.": URGENCIES,
    "complexity.": COMPLEXITIES,
    "scale.": SCALES,
    "amount_band.": AMOUNT_BANDS,
    "source.": SOURCES,
    "source_group.": GROUPS_OF_SOURCES,
    "case_kind.": KINDS,
    "confirmation.": CONFIRMATIONS,
    "role_in_case.": PARTY_ROLES,
    "reason_code.": REASONS,
    "body.": BODIES,
    "advice.": ADVICE,
    "result.": RESULTS,
    "refer_to.": REFER_TO,
    "void.": WHYS,
    "signal.": ("yellow", "orange", "red"),
    "page.case.": ("place", "narrative", "agreement"),
    "page.case_form.": ("source", "urgency", "complexity", "scale", "amount_band", "name", "phone"),
    "page.cases.limit.": ("overdue", "orange", "yellow", "soon"),
    "measure.": (*CHECK_MEASURES, *CONFIRMATION_MEASURES, *CASE_MEASURES),
    "quality.": tuple(CRITERIA),
    "quality.list.": tuple(REVIEW_LISTS),
    "quality.part.": REVIEW_PARTS,
    "page.report.part.": tuple(REPORT_PARTS),
    "rate.": (*CHECK_RATES, *CASE_RATES),
    "refused.": tuple(REFUSED_CODES),
    "standing.": STANDINGS,
    "page.sync.kind.": (*STANDINGS, "refused", "refused_by", "fork", "set_aside"),
    "status.": tuple(STATUSES),
    "page.rollup.about.": tuple(ABOUT),
    "bulletin.h.": ("overall", "sources", "results", "categories", "checks", "units", "remarks", "proof"),
    "bulletin.change.": ("more", "less", "same"),
    "bulletin.against.": ("before", "year_before", "masked"),
    "bulletin.measure.": ("accepted", "mediated", "agreed", "not_agreed", "performed", "confirmed"),
    "period.": (*CADENCES, "months", "span.days", "span.months", "span.years", "week.days", "week.months"),
    "period.quarter.": (1, 2, 3, 4),
    "period.half-year.": (1, 2),
    "period.half-month.": (1, 2),
    "unit_act.": (*ACTS_ON_UNITS, "open_below"),
    "unit_act_hint.": ACTS_ON_UNITS,
    "unit_kind.": UNIT_KINDS,
    "page.directory.to.": ("move", "merge"),
    "regime_kind.": ("cadence", "campaign", "form", "categories", "unit"),
    "regime_field.": ("cadences", "due_day", "due_time", "daily_grace", "grace_days"),
    "cadence.": CADENCES,
    "page.rollup.by.": tuple({name for dimensions in ABOUT.values() for name in dimensions}),
    "page.rollup.tree.": ("then", "now"),
    "evidence.": (*CHECKS, *OUTCOMES, "root"),
    "evidence_header.": ("line", "hash", *FIELDS, "signature"),
    "evidence_part.": ("per", "sealed"),
    "evidence_code.": (*DEPTHS, *DIRECTIONS, REGULAR, "yes", "no"),
    "page.calendar.": ("q1", "q2", "q3", "q4"),
    "page.sync.": ("ok", "silent", "new", "ended"),
    "page.node.done.": ("revoked", "readmitted"),
    "demo.place.": ("hub", *LEVELS[:4]),
    "demo.login.": ("level", "unit", "url", "accounts", "password"),
    "page.found.": ("disputes", "hazards", "places_visited"),
    "phone.urgency.": URGENCIES,
    "phone.urgency_why.": URGENCIES,
    "phone.take_in.": ("taken", "held", "refused"),
    "language.": LANGUAGES,
    "usage.": tuple(name for name, _ in USAGE),
    "page.users.state.": ACCOUNT_STATES,
}
# Families whose keys are looked up with `has_label` first, or are all named in one place.
OPTIONAL: Final = (
    "problem.",
    "alarm.",
    "evidence_field.",
    "category.",
    "kind.",
    "way_out.",
    "error.",
    "doctor.",
    "preset.",
)


def blanks(key: str) -> set[str]:
    """What a text leaves to be filled in, in any language."""
    return {name for lang in LANGUAGES for _, name, _, _ in Formatter().parse(catalogue(lang).get(key, "")) if name}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """(name of what is called, the call) of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            yield name, node


def text_of(node: ast.expr | None) -> str | None:
    """A literal text, or None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def given(call: ast.Call) -> set[str] | None:
    """Names of the keywords; None when more come by `**`."""
    names = {keyword.arg for keyword in call.keywords}
    return None if None in names else {str(name) for name in names}


def test_every_error_that_is_raised_fills_the_blanks_of_its_text() -> None:
    unfilled, seen = [], set()
    for path in CODE:
        for name, call in calls(path):
            code = text_of(call.args[0]) if call.args else None
            if code is None or (name not in ERRORS and name != "refuse"):
                continue
            seen.add(code)
            filled = given(call)
            if filled is None:
                continue
            filled |= {"field", "value"} | ({"line"} if name == "refuse" else set())
            if blanks(f"error.{code}") - filled:
                unfilled.append((path.name, call.lineno, code, blanks(f"error.{code}") - filled))
    assert len(seen) > 60
    assert unfilled == []


def test_an_error_whose_text_names_the_field_or_value_is_given_them() -> None:
    missing = []
    for path in CODE:
        for name, call in calls(path):
            code = text_of(call.args[0]) if call.args else None
            filled = given(call)
            if name not in ERRORS or code is None or filled is None:
                continue
            lacking = (blanks(f"error.{code}") & {"field", "value"}) - filled
            if lacking:
                missing.append((path.name, call.lineno, code, lacking))
    assert missing == []


def test_every_label_in_code_fills_the_blanks_of_its_text() -> None:
    unfilled = []
    for path in CODE:
        for name, call in calls(path):
            key = text_of(call.args[1]) if name == "label" and len(call.args) > 1 else None
            filled = given(call)
            if key is not None and filled is not None and blanks(key) != filled:
                unfilled.append((path.name, call.lineno, key, blanks(key) ^ filled))
    assert unfilled == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_label_in_a_template_fills_the_blanks_of_its_text(path: Path) -> None:
    unfilled = []
    for call in (
        Environment(extensions=["jinja2.ext.do"], autoescape=True).parse(path.read_text("utf-8")).find_all(nodes.Call)
    ):
        if not isinstance(call.node, nodes.Name) or call.node.name != "t" or not call.args:
            continue
        key = call.args[0]
        if isinstance(key, nodes.Const):
            filled = {keyword.key for keyword in call.kwargs}
            if blanks(str(key.value)) != filled:
                unfilled.append((call.lineno, key.value, blanks(str(key.value)) ^ filled))
    assert unfilled == []


@pytest.mark.parametrize("prefix", sorted(FAMILIES))
def test_a_family_of_labels_is_complete(prefix: str) -> None:
    keys = [f"{prefix}{one}" for one in FAMILIES[prefix]]
    missing = [(language, key) for language in LANGUAGES for key in keys if not has_label(language, key)]
    assert missing == []


def test_every_built_key_belongs_to_a_family_that_is_checked() -> None:
    built = re.compile(r"""label\([^,]+,\s*f"([a-z_.]+\.)\{|\bt\("([a-z_.]+\.)"\s*~|key\s*=\s*f"([a-z_.]+\.)\{""")
    texts = [path.read_text("utf-8") for path in (*CODE, *TEMPLATES)]
    found = {next(filter(None, match)) for text in texts for match in built.findall(text)}
    assert "duty." in found
    assert found - FAMILIES.keys() - set(OPTIONAL) == set()
