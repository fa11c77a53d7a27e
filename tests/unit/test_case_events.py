from __future__ import annotations

import pytest
from case_stories import CASE, DAY, REGISTRATION

from schemas.cases.actions import readable
from schemas.cases.events import CaseEvent, case_payload, read_case_event
from schemas.errors import Invalid

HASH = "A" * 42 + "-"
OTHER = "B" * 43


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"case": CASE.upper()}, "bad_case", "case"),
        ({"case": None}, "bad_case", "case"),
        ({"action": "Note"}, "bad_code", "action"),
        ({"action": None}, "bad_code", "action"),
        ({"after": None}, "bad_event", "after"),
        ({"after": HASH + "\n"}, "bad_event", "after"),
        ({"offer": 5}, "bad_event", "offer"),
        ({"term": -1}, "out_of_range", "term"),
        ({"term": True}, "out_of_range", "term"),
        ({"term": None}, "out_of_range", "term"),
        ({"term": "1"}, "out_of_range", "term"),
    ],
)
def test_an_event_without_what_every_act_has_is_refused(change: dict[str, object], code: str, field: str) -> None:
    payload = {**case_payload(CASE, {"action": "take"}, HASH, 1, OTHER), **change}
    with pytest.raises(Invalid) as caught:
        read_case_event("h", "v1", 1, DAY, 5, payload)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_what_is_written_is_read_again() -> None:
    public = {"action": "hand_up", "to_unit": "v1", "reason_code": "urgent"}
    payload = case_payload(CASE, public, HASH, 2, OTHER)
    assert payload == {
        "case": CASE,
        "action": "hand_up",
        "term": 2,
        "after": HASH,
        "to_unit": "v1",
        "reason_code": "urgent",
    }
    fields = {"to_unit": "v1", "reason_code": "urgent"}
    expected = CaseEvent("h", HASH, CASE, "hand_up", "g1", 0, DAY, 5, 2, None, fields)
    assert read_case_event("h", "g1", 0, DAY, 5, payload) == expected
    taken = case_payload(CASE, {"action": "take"}, HASH, 3, OTHER)
    assert read_case_event("h", "v1", 1, DAY, 5, taken).offer == OTHER


def test_a_stored_code_of_a_later_list_is_readable_and_a_fact_that_decides_is_not() -> None:
    assert readable("assign", {"body": "grid_worker_2030"})
    assert readable("register", {**REGISTRATION, "category": "hubei-2030"})
    assert not readable("register", {**REGISTRATION, "source": "satellite"})
    assert not readable("agree", {})
    assert not readable("agree", {"performed_at_once": True, "performance_due": "2026-12-01"})
