"""The one-time code in a kept answer of `POST /users`: for who asked with that key, and worthless once it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from builders import DAY_MS, EAST, City, Node
from node.people import accounts, accounts_admin
from node.people.account_queries import Account
from schemas.errors import Unauthorised

USERS: Final = "/api/v1/users"
BODY: Final = {"name": "zhang", "role": "worker"}
BOSS: Final = Account("boss", "admin", EAST)


@pytest.fixture
def county() -> Node:
    """A county's node."""
    city = City()
    return city.join(city.hub, EAST)


def ask(node: Node, headers: dict[str, str], key: str = "k1", **change: Any) -> TestResponse:
    return node.browser().post(USERS, json=BODY | change, headers={**headers, "Idempotency-Key": key})


def lets_in(node: Node, code: str) -> bool:
    try:
        accounts.sign_in(node.replica, "zhang", code)
    except Unauthorised:
        return False
    return True


def use(node: Node) -> None:
    accounts.set_password(node.replica, "zhang", "correct horse")


def run_out(node: Node) -> None:
    node.env.clock_error_ms = 7 * DAY_MS + 1


def replace(node: Node) -> None:
    accounts_admin.renew_code(node.replica, BOSS, "zhang")


@pytest.mark.parametrize("end", [use, run_out, replace])
def test_a_code_in_a_kept_answer_signs_nobody_in_once_it_ended(county: Node, end: Callable[[Node], None]) -> None:
    headers = county.user("boss", "admin")
    first = ask(county, headers)
    code = first.get_json()["code"]
    assert (first.status_code, lets_in(county, code)) == (201, True)
    end(county)
    again = ask(county, headers)
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert not lets_in(county, code)
    assert county.count("account", "name = 'zhang'") == 1


def test_nobody_else_reads_a_kept_code_back(county: Node) -> None:
    headers = county.user("boss", "admin")
    code = ask(county, headers).get_json()["code"]
    refused = {
        409: [ask(county, county.user("other", "admin")), ask(county, headers, name="li")],
        403: [ask(county, county.user("reads", "reviewer"))],
        401: [ask(county, {}), ask(county, {"Authorization": "Bearer nobody"})],
    }
    accounts.set_password(county.replica, "other", "correct horse")  # who can sign in stays: somebody has to
    accounts_admin.disable(county.replica, Account("other", "admin", EAST), "boss")
    refused[401].append(ask(county, headers))
    for status, replies in refused.items():
        assert [reply.status_code for reply in replies] == [status] * len(replies)
        assert not any(code in reply.text for reply in replies)


def test_a_code_is_hashed_before_the_database_is_held(county: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    made, held = accounts.fresh_code, list[bool]()

    def fresh(replica: Any) -> tuple[str, str]:
        held.append(replica.db.conn.in_transaction)
        return made(replica)

    monkeypatch.setattr(accounts, "fresh_code", fresh)
    headers = county.user("boss", "admin")
    assert ask(county, headers).status_code == 201
    assert held == [False, False]
