"""Accounts of one node: one-time codes, passwords, locks, sessions, tokens. Nothing of them is kept in clear."""

from __future__ import annotations

from typing import Any

import pytest

from builders import CITY, DAY_MS, EAST, W_GROUPS, WEST, City, Node
from node.people import accounts, accounts_admin
from node.people.accounts import CODE_LIFE_MS, LOCK_MS, MAX_FAILURES, MAX_PASSWORD, MIN_PASSWORD, SESSION_LIFE_MS
from node.people.accounts_admin import Listed
from schemas.errors import GridError

PASSWORD = "正确的口令 1234"


@pytest.fixture
def county() -> Node:
    """A county with a node of its own."""
    city = City()
    return city.line(WEST)[0]


def code_of(node: Node, *args: Any) -> str:
    """The code of the refusal of a new account; asserts that none was added."""
    before = node.count("account")
    with pytest.raises(GridError) as raised:
        accounts.add(node.replica, *args)
    assert node.count("account") == before
    return raised.value.code


@pytest.mark.parametrize("name", ["", " ", "a b", "a" * 41, "a/b", "<b>", "a\n", "\u202ea"])
def test_a_name_that_cannot_be_a_name_is_refused(county: Node, name: str) -> None:
    assert code_of(county, name, "worker", None) == "bad_name"


@pytest.mark.parametrize("role", ["", "root", "Worker", "analyst"])
def test_a_role_that_is_none_here_is_refused(county: Node, role: str) -> None:
    assert code_of(county, "a", role, None) == "bad_role"


def test_a_unit_that_is_unknown_or_not_below_is_refused(county: Node) -> None:
    assert code_of(county, "a", "worker", "429999999999") == "unknown_unit"
    assert code_of(county, "a", "worker", EAST) == "unit_out_of_scope"
    assert code_of(county, "a", "worker", CITY) == "unit_out_of_scope"


def test_a_name_is_taken_once(county: Node) -> None:
    accounts.add(county.replica, "李网格", "worker", W_GROUPS[0])
    assert code_of(county, "李网格", "reviewer", None) == "name_taken"


def test_an_analyst_works_at_the_hub_only() -> None:
    hub = City().hub
    assert accounts.add(hub.replica, "a", "analyst", None)


def signed_in(node: Node, name: str, secret: str) -> accounts.SignIn | str:
    """The outcome of a sign-in, or the code of the refusal."""
    try:
        return accounts.sign_in(node.replica, name, secret)
    except GridError as error:
        return error.code


def test_the_one_time_code_signs_in_until_a_password_is_chosen(county: Node) -> None:
    code = accounts.add(county.replica, "li", "worker", W_GROUPS[0])
    for spelling in (code, code.lower(), code.replace("-", " ")):
        done = signed_in(county, "li", spelling)
        assert isinstance(done, accounts.SignIn)
        assert done.must_set_password
    accounts.set_password(county.replica, "li", PASSWORD)
    assert signed_in(county, "li", code) == "sign_in_wrong"
    done = signed_in(county, "li", PASSWORD)
    assert done == accounts.SignIn(accounts.Account("li", "worker", W_GROUPS[0]), ticket=None)


def test_a_one_time_code_ends_after_seven_days(county: Node) -> None:
    code = accounts.add(county.replica, "li", "worker", None)
    county.env.clock.forward(CODE_LIFE_MS + 1)
    assert signed_in(county, "li", code) == "sign_in_wrong"


@pytest.mark.parametrize("password", ["", "a" * (MIN_PASSWORD - 1), "a" * (MAX_PASSWORD + 1)])
def test_a_password_too_short_or_too_long_changes_nothing(county: Node, password: str) -> None:
    code = accounts.add(county.replica, "li", "worker", None)
    with pytest.raises(GridError, match="bad_password"):
        accounts.set_password(county.replica, "li", password)
    assert isinstance(signed_in(county, "li", code), accounts.SignIn)


def test_wrong_names_and_wrong_passwords_are_told_alike(county: Node) -> None:
    accounts.add(county.replica, "li", "worker", None)
    assert signed_in(county, "li", "nonsense") == signed_in(county, "nobody", "nonsense") == "sign_in_wrong"
    assert signed_in(county, "", "") == "sign_in_wrong"


def test_eight_failures_lock_for_a_quarter_of_an_hour_even_for_the_right_password(county: Node) -> None:
    accounts.add(county.replica, "li", "worker", None)
    accounts.set_password(county.replica, "li", PASSWORD)
    for _ in range(MAX_FAILURES):
        assert signed_in(county, "li", "nonsense") == "sign_in_wrong"
    assert signed_in(county, "li", PASSWORD) == "sign_in_locked"
    county.env.clock.forward(LOCK_MS)
    assert isinstance(signed_in(county, "li", PASSWORD), accounts.SignIn)
    assert county.db.execute("SELECT failures, locked_until FROM account WHERE name = 'li'").fetchone() == (0, None)


def test_another_eight_failures_lock_again(county: Node) -> None:
    accounts.add(county.replica, "li", "worker", None)
    for _ in range(2):
        for _ in range(MAX_FAILURES):
            assert signed_in(county, "li", "nonsense") == "sign_in_wrong"
        assert signed_in(county, "li", "nonsense") == "sign_in_locked"
        county.env.clock.forward(LOCK_MS)


def test_a_session_ends_at_sign_out_after_its_life_and_when_the_password_changes(county: Node) -> None:
    replica = county.replica
    accounts.add(replica, "li", "worker", None)
    first, second, third = (accounts.open_session(replica, "li") for _ in range(3))
    assert accounts.by_session(replica, first) == accounts.Account("li", "worker", WEST)
    accounts.close_session(replica, first)
    assert accounts.by_session(replica, first) is None
    assert accounts.by_session(replica, second) is not None
    accounts.set_password(replica, "li", PASSWORD)
    assert accounts.by_session(replica, second) is None
    assert accounts.by_session(replica, third) is None
    fourth = accounts.open_session(replica, "li")
    county.env.clock.forward(SESSION_LIFE_MS + 1)
    assert accounts.by_session(replica, fourth) is None
    accounts.open_session(replica, "li")
    assert county.count("session") == 1


def test_a_token_works_before_the_first_sign_in_and_only_as_it_was_given(county: Node) -> None:
    accounts.add(county.replica, "li", "worker", W_GROUPS[0])
    token = accounts.new_token(county.replica, "li")
    assert accounts.by_token(county.replica, token) == accounts.Account("li", "worker", W_GROUPS[0])
    for wrong in ("", token[:-1], token + "A", token.lower(), "\udcff"):
        assert accounts.by_token(county.replica, wrong) is None
    with pytest.raises(GridError, match="unknown_account"):
        accounts.new_token(county.replica, "nobody")


def test_no_secret_stands_in_the_database(county: Node) -> None:
    code = accounts.add(county.replica, "li", "worker", None)
    accounts.set_password(county.replica, "li", PASSWORD)
    other = accounts.add(county.replica, "wu", "worker", None)
    token, session = accounts.new_token(county.replica, "li"), accounts.open_session(county.replica, "li")
    stored = repr([county.db.execute(f"SELECT * FROM {t}").fetchall() for t in ("account", "token", "session")])
    image = county.db.conn.serialize()
    for secret in (code, other, other.replace("-", ""), PASSWORD, token, session):
        assert secret not in stored
        assert secret.encode() not in image


def test_accounts_travel_to_no_other_node() -> None:
    city = City()
    county = city.line(WEST)[0]
    accounts.add(county.replica, "欧阳网格员", "worker", None)
    county.check(W_GROUPS[0])
    city.settle()
    city.clock.forward(DAY_MS)
    city.settle()
    assert city.hub.count("account") == 0
    assert "欧阳网格员".encode() not in city.hub.db.conn.serialize()


def test_the_list_names_everybody_by_name(county: Node) -> None:
    for name, role in (("wu", "viewer"), ("an", "worker")):
        accounts.add(county.replica, name, role, W_GROUPS[0])
    accounts.set_password(county.replica, "wu", PASSWORD)
    signed_in(county, "wu", PASSWORD)
    now = county.env.now_ms()
    assert accounts_admin.listed(county.replica) == [
        Listed(accounts.Account("an", "worker", W_GROUPS[0]), "new", now, None),
        Listed(accounts.Account("wu", "viewer", W_GROUPS[0]), "active", now, now),
    ]
