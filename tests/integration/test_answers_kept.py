"""Answers by idempotency key outlive clocks that go wrong, at the top too, which has no parent to ask for the time."""

from __future__ import annotations

import pytest

from builders import DAY_MS, E_GROUPS, EAST, W_GROUPS, City


@pytest.mark.parametrize("days", [3653, -3653])
def test_the_same_key_gets_the_same_answer_though_the_clock_was_off_by_ten_years_meanwhile(days: int) -> None:
    city = City()
    county = city.join(city.hub, EAST)
    city.settle()
    browser, headers = city.hub.browser(), city.hub.user("w", "worker")

    def check(group: str, key: str) -> tuple[int, object]:
        body = {"unit": group, "date": "2026-11-20", "result": "zero"}
        answer = browser.post("/api/v1/checks", json=body, headers={**headers, "Idempotency-Key": key})
        return answer.status_code, answer.json

    first = check(W_GROUPS[0], "a")
    city.hub.env.clock_error_ms = days * DAY_MS
    county.check(E_GROUPS[0])
    city.settle()  # the hub marks it by the clock that it has
    assert check(W_GROUPS[1], "b")[0] == 201
    city.hub.env.clock_error_ms = 0
    kept = {row[0] for row in city.hub.db.execute("SELECT key FROM answer").fetchall()}
    assert (first[0], kept) == (201, {"a", "b"})
