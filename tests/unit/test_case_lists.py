from __future__ import annotations

from schemas.cases import lists
from schemas.cases.actions import ACTIONS, CONFIRMATIONS, STATES
from schemas.cases.measures import CASE_MEASURES, CASE_RATES
from schemas.labels import LANGUAGES, has_label

PREFIXED = {
    "source": lists.SOURCES,
    "source_group": lists.GROUPS_OF_SOURCES,
    "case_kind": lists.KINDS,
    "complexity": lists.COMPLEXITIES,
    "urgency": lists.URGENCIES,
    "scale": lists.SCALES,
    "amount_band": lists.AMOUNT_BANDS,
    "body": lists.BODIES,
    "advice": lists.ADVICE,
    "refer_to": lists.REFER_TO,
    "decline_reason": lists.DECLINE_REASONS,
    "reason_code": lists.REASONS,
    "result": lists.RESULTS,
    "role_in_case": lists.PARTY_ROLES,
    "state": STATES,
    "action": (*ACTIONS, "ask", "got"),
    "confirmation": CONFIRMATIONS,
    "signal": lists.URGENCIES,
    "measure": CASE_MEASURES,
    "rate": tuple(CASE_RATES),
    # A part of what is settled can't be more than all of it.
    "rate_note": tuple(name for name in CASE_RATES if not name.startswith("settled_")),
}


def test_every_code_has_its_words_in_both_languages() -> None:
    keys = [f"{prefix}.{code}" for prefix, codes in PREFIXED.items() for code in codes]
    keys += [lists.category_label(code) for code in lists.CATEGORIES]
    assert [(key, language) for key in keys for language in LANGUAGES if not has_label(language, key)] == []


def test_the_province_s_list_has_fifteen_categories_and_no_code_stands_for_two() -> None:
    assert (lists.HUBEI_15.key, len(lists.HUBEI_15.codes)) == ("hubei-15/1", 15)
    assert len(set(lists.CATEGORIES)) == len(lists.CATEGORIES) == 22


def test_sources_are_grouped_as_the_bulletin_counts_them() -> None:
    assert dict(lists.SOURCE_GROUPS) == {
        "self_found": "self",
        "self_applied": "self",
        "court": "court",
        "petition": "petition",
        "police": "transfer",
        "prosecutor": "transfer",
        "department": "transfer",
        "hotline": "transfer",
        "other": "transfer",
    }


def test_the_default_reason_is_a_reason() -> None:
    assert lists.DEFAULT_REASON in lists.REASONS
