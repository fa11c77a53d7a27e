"""The own account: another password, where one is signed in, tokens; and what an administrator does with others'."""

from __future__ import annotations

from typing import Any

import pytest

from builders import CITY, E_GROUPS, E_VILLAGE, EAST, W_GROUPS, W_VILLAGE, WEST, City, Node
from node.migrations import NODE
from node.people import account_queries, accounts, accounts_admin, sessions
from node.people.accounts import CODE_LIFE_MS, LOCK_MS, MAX_FAILURES, Account
from node.people.accounts_admin import Listed
from node.people.sessions import Session, Token, device_word
from schemas.errors import GridError
from sync.database import MEMORY, open_database
from sync.migrations import SYNC

OLD, NEW = "old-password-1", "new-password-2"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0"


@pytest.fixture
def county() -> Node:
    """A county with a node of its own; li works there, boss administers it."""
    node = City().line(WEST)[0]
    for name, role, unit in (("li", "worker", W_GROUPS[0]), ("boss", "admin", None)):
        accounts.add(node.replica, name, role, unit)
        accounts.set_password(node.replica, name, OLD)
    return node


BOSS = Account("boss", "admin", WEST)


def told_by(act: Any, *args: Any, **more: Any) -> str | None:
    """The code of the refusal, or None."""
    try:
        act(*args, **more)
    except GridError as error:
        return error.code
    return None


def change(node: Node, old: str = OLD, new: str = NEW, *, session: str | None = None, end_tokens: bool = False) -> Any:
    return told_by(accounts.change_password, node.replica, "li", old, new, session=session, end_tokens=end_tokens)


def signs_in(node: Node, name: str, secret: str) -> str | None:
    return told_by(accounts.sign_in, node.replica, name, secret)


# ---- another password


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("nonsense", NEW, "old_password_wrong"),
        ("", NEW, "old_password_wrong"),
        (OLD, OLD, "password_same"),
        (OLD, "short", "bad_password"),
        (OLD, "x" * 129, "bad_password"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(county: Node, old: str, new: str, code: str) -> None:
    session, token = accounts.open_session(county.replica, "li"), accounts.new_token(county.replica, "li")
    assert change(county, old, new, end_tokens=True) == code
    assert signs_in(county, "li", OLD) is None
    assert accounts.by_session(county.replica, session) is not None
    assert accounts.by_token(county.replica, token) is not None


def test_guesses_at_the_old_password_lock_the_account_as_guesses_at_sign_in_do(county: Node) -> None:
    for _ in range(MAX_FAILURES // 2):
        assert change(county, "guess") == "old_password_wrong"
        assert signs_in(county, "li", "guess") == "sign_in_wrong"
    assert change(county) == signs_in(county, "li", OLD) == "sign_in_locked"
    county.env.clock.forward(LOCK_MS)
    assert change(county) is None


def test_who_never_chose_a_password_has_none_to_change(county: Node) -> None:
    code = accounts.add(county.replica, "wu", "worker", None)
    refused = told_by(accounts.change_password, county.replica, "wu", code, NEW, session=None, end_tokens=False)
    assert refused == "old_password_wrong"
    refused = told_by(accounts.change_password, county.replica, "nobody", OLD, NEW, session=None, end_tokens=False)
    assert refused == "sign_in_needed"


def test_a_password_replaced_while_the_old_one_was_checked_stays_replaced(
    county: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = accounts._fits

    def meanwhile(hashed: str, secret: str) -> bool:
        accounts_admin.renew_code(county.replica, BOSS, "li")
        return check(hashed, secret)

    monkeypatch.setattr(accounts, "_fits", meanwhile)
    assert change(county) == "old_password_wrong"
    monkeypatch.undo()
    assert signs_in(county, "li", NEW) == signs_in(county, "li", OLD) == "sign_in_wrong"


@pytest.mark.parametrize("end_tokens", [False, True])
def test_after_a_change_only_this_session_goes_on_and_tokens_unless_they_shall_end(
    county: Node, end_tokens: bool
) -> None:
    replica = county.replica
    this, other, boss = (accounts.open_session(replica, name) for name in ("li", "li", "boss"))
    token = accounts.new_token(replica, "li")
    assert change(county, session=this, end_tokens=end_tokens) is None
    held = [accounts.by_session(replica, secret) is not None for secret in (this, other, boss)]
    assert held == [True, False, True]
    assert (accounts.by_token(replica, token) is None) is end_tokens
    assert signs_in(county, "li", OLD) == "sign_in_wrong"
    assert signs_in(county, "li", NEW) is None


# ---- the first password


def test_a_ticket_sets_one_password_and_ends_with_its_code(county: Node) -> None:
    replica = county.replica
    first = accounts.sign_in(replica, "wu", accounts.add(replica, "wu", "worker", None)).ticket
    assert first is not None
    second = accounts.sign_in(replica, "wu", accounts_admin.renew_code(replica, BOSS, "wu")).ticket
    assert second is not None
    assert told_by(accounts.choose_password, replica, "wu", first, NEW) == "sign_in_needed"
    assert told_by(accounts.choose_password, replica, "wu", second, "short") == "bad_password"
    assert told_by(accounts.choose_password, replica, "wu", second, NEW) is None
    assert told_by(accounts.choose_password, replica, "wu", second, OLD) == "sign_in_needed"
    assert signs_in(county, "wu", NEW) is None


def test_a_ticket_ends_when_its_code_runs_out_or_the_account_is_disabled(county: Node) -> None:
    replica = county.replica
    tickets = {
        name: accounts.sign_in(replica, name, accounts.add(replica, name, "worker", None)) for name in ("a", "b")
    }
    accounts_admin.disable(replica, BOSS, "a")
    assert told_by(accounts.choose_password, replica, "a", tickets["a"].ticket, NEW) == "sign_in_needed"
    county.env.clock.forward(CODE_LIFE_MS + 1)
    assert told_by(accounts.choose_password, replica, "b", tickets["b"].ticket, NEW) == "sign_in_needed"


# ---- sessions and tokens


def test_the_open_sessions_are_listed_newest_first_and_end_one_by_one(county: Node) -> None:
    replica, start = county.replica, county.env.now_ms()
    old = accounts.open_session(replica, "li", "Edge · Windows")
    county.env.clock.forward(1000)
    new = accounts.open_session(replica, "li")
    boss = accounts.open_session(replica, "boss")
    listed = sessions.sessions_of(replica, "li", old)
    assert listed == [
        Session(listed[0].id, "", start + 1000, current=False),
        Session(listed[1].id, "Edge · Windows", start, current=True),
    ]
    (of_boss,) = sessions.sessions_of(replica, "boss", None)
    for handle in (of_boss.id, "", "nonsense"):
        assert told_by(sessions.end_session, replica, "li", handle) == "session_gone"
    sessions.end_session(replica, "li", listed[0].id)
    assert told_by(sessions.end_session, replica, "li", listed[0].id) == "session_gone"
    assert accounts.by_session(replica, new) is None
    assert sessions.sessions_of(replica, "li", old) == listed[1:]
    assert accounts.by_session(replica, boss) is not None


def test_everywhere_means_every_session_but_the_one_that_is_named(county: Node) -> None:
    replica = county.replica
    mine = [accounts.open_session(replica, "li") for _ in range(3)]
    boss = accounts.open_session(replica, "boss")
    sessions.end_sessions(replica, "li", mine[1])
    assert [accounts.by_session(replica, one) is not None for one in (*mine, boss)] == [False, True, False, True]
    sessions.end_sessions(replica, "li")
    assert [accounts.by_session(replica, one) is not None for one in (*mine, boss)] == [False] * 3 + [True]


def test_a_session_past_its_life_is_not_listed(county: Node) -> None:
    accounts.open_session(county.replica, "li")
    county.env.clock.forward(sessions.SESSION_LIFE_MS + 1)
    assert sessions.sessions_of(county.replica, "li", None) == []


def test_a_token_is_revoked_by_its_owner_alone(county: Node) -> None:
    replica, now = county.replica, county.env.now_ms()
    first, second = (accounts.new_token(replica, "li") for _ in range(2))
    listed = sessions.tokens_of(replica, "li")
    assert listed == [Token(one.id, now) for one in listed]
    assert len(listed) == 2
    assert told_by(sessions.end_token, replica, "boss", listed[0].id) == "token_gone"
    sessions.end_token(replica, "li", listed[0].id)
    assert told_by(sessions.end_token, replica, "li", listed[0].id) == "token_gone"
    assert sum(accounts.by_token(replica, token) is not None for token in (first, second)) == 1
    assert sessions.tokens_of(replica, "li") == listed[1:]


@pytest.mark.parametrize(
    ("user_agent", "word"),
    [
        ("", ""),
        ("curl/8.0", ""),
        (EDGE, "Edge · Windows"),
        (EDGE.removesuffix(" Edg/120.0"), "Chrome · Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox · Linux"),
        (
            "Mozilla/5.0 (Linux; Android 13; V2) Chrome/111.0 Mobile Safari/537.36 MicroMessenger/8.0",
            "WeChat · Android",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "IE · Windows"),
        ("<script>Windows", "Windows"),
    ],
)
def test_a_device_is_told_in_words_of_our_own(user_agent: str, word: str) -> None:
    assert device_word(user_agent) == word


# ---- an administrator and others


ACTS = (accounts_admin.renew_code, accounts_admin.disable, accounts_admin.enable)


@pytest.mark.parametrize("act", ACTS)
def test_an_administrator_acts_on_nobody_beyond_the_own_unit_and_not_on_oneself(county: Node, act: Any) -> None:
    replica = county.replica
    accounts.add(replica, "chief", "admin", W_VILLAGE)
    chief = Account("chief", "admin", W_VILLAGE)
    before = [county.db.execute(f"SELECT * FROM {table}").fetchall() for table in ("account", "session", "token")]
    assert told_by(act, replica, chief, "boss") == "unit_out_of_scope"
    assert told_by(act, replica, chief, "nobody") == "unknown_account"
    assert told_by(act, replica, chief, "chief") == "own_account"
    assert told_by(accounts_admin.managed, replica, chief, "boss") == "unit_out_of_scope"
    after = [county.db.execute(f"SELECT * FROM {table}").fetchall() for table in ("account", "session", "token")]
    assert before == after
    assert told_by(act, replica, chief, "li") is None


def test_a_new_code_takes_the_place_of_a_forgotten_password_and_lifts_the_lock(county: Node) -> None:
    replica = county.replica
    session, token = accounts.open_session(replica, "li"), accounts.new_token(replica, "li")
    for _ in range(MAX_FAILURES):
        signs_in(county, "li", "nonsense")
    code = accounts_admin.renew_code(replica, BOSS, "li")
    assert accounts.by_session(replica, session) is None
    assert accounts.by_token(replica, token) is not None
    assert signs_in(county, "li", OLD) == "sign_in_wrong"
    assert accounts.sign_in(replica, "li", code).must_set_password
    assert accounts_admin.managed(replica, BOSS, "li").state == "new"


def test_a_disabled_account_does_nothing_and_only_who_knows_the_password_is_told(county: Node) -> None:
    replica = county.replica
    session, token = accounts.open_session(replica, "li"), accounts.new_token(replica, "li")
    accounts_admin.disable(replica, BOSS, "li")
    assert signs_in(county, "li", "nonsense") == "sign_in_wrong"
    assert signs_in(county, "li", OLD) == "account_disabled"
    assert accounts.by_session(replica, session) is None
    assert accounts.by_token(replica, token) is None
    assert (county.count("session"), county.count("token")) == (0, 0)
    assert told_by(accounts.new_token, replica, "li") == "account_disabled"
    assert told_by(accounts_admin.renew_code, replica, BOSS, "li") == "account_disabled"
    late = accounts.open_session(replica, "li")  # the password was checked a moment before
    assert accounts.by_session(replica, late) is None
    assert code_of_name(county, "li") == "name_taken"


def code_of_name(node: Node, name: str) -> str | None:
    return told_by(accounts.add, node.replica, name, "worker", None)


def test_an_account_that_is_enabled_again_has_its_old_password_and_no_old_session(county: Node) -> None:
    replica = county.replica
    session = accounts.open_session(replica, "li")
    accounts_admin.disable(replica, BOSS, "li")
    at = county.env.now_ms()
    county.env.clock.forward(1000)
    accounts_admin.disable(replica, BOSS, "li")
    stored = account_queries.by_name(county.db, "li")
    assert stored is not None
    assert stored.disabled_at == at
    accounts_admin.enable(replica, BOSS, "li")
    assert accounts.by_session(replica, session) is None
    assert signs_in(county, "li", OLD) is None


def test_the_last_administrator_who_can_sign_in_stays(county: Node) -> None:
    replica = county.replica
    accounts.add(replica, "second", "admin", None)  # never signed in: no way back in for the node
    accounts.add(replica, "chief", "admin", W_VILLAGE)
    accounts.set_password(replica, "chief", OLD)  # administers the village only
    second = Account("second", "admin", WEST)
    assert told_by(accounts_admin.disable, replica, second, "boss") == "last_admin"
    assert told_by(accounts_admin.disable, replica, second, "chief") is None
    accounts.set_password(replica, "second", OLD)
    assert told_by(accounts_admin.disable, replica, second, "boss") is None
    assert told_by(accounts_admin.disable, replica, BOSS, "second") == "last_admin"  # at the same moment


def test_the_list_says_how_each_account_stands(county: Node) -> None:
    replica, now = county.replica, county.env.now_ms()
    accounts.add(replica, "wu", "viewer", W_VILLAGE)
    accounts_admin.disable(replica, BOSS, "li")
    li = Listed(Account("li", "worker", W_GROUPS[0]), "disabled", now, None)
    wu = Listed(Account("wu", "viewer", W_VILLAGE), "new", now, None)
    boss = Listed(BOSS, "active", now, None)
    assert accounts_admin.listed(replica, W_VILLAGE) == [li, wu]
    assert accounts_admin.listed(replica, WEST) == accounts_admin.listed(replica) == [boss, li, wu]
    assert accounts_admin.listed(replica, EAST) == []


def test_the_api_tells_active_as_it_is(county: Node) -> None:
    boss = {"Authorization": f"Bearer {accounts.new_token(county.replica, 'boss')}"}
    accounts.add(county.replica, "wu", "viewer", W_VILLAGE)
    accounts_admin.disable(county.replica, BOSS, "li")
    items = county.browser().get("/api/v1/users", headers=boss).get_json()["items"]
    assert items == [
        {"name": "boss", "role": "admin", "unit": WEST, "active": True},
        {"name": "li", "role": "worker", "unit": W_GROUPS[0], "active": False},
        {"name": "wu", "role": "viewer", "unit": W_VILLAGE, "active": False},
    ]


def test_what_a_disabled_account_entered_stays(county: Node) -> None:
    accounts.add(county.replica, "worker", "worker", None)
    event = county.check(W_GROUPS[0])
    accounts_admin.disable(county.replica, BOSS, "worker")
    assert county.count("check_report", f"event = '{event}'") == 1


@pytest.mark.parametrize("unit", [CITY, EAST, E_VILLAGE, E_GROUPS[0]])
def test_an_account_elsewhere_in_the_tree_is_out_of_reach(unit: str) -> None:
    hub = City().hub
    accounts.add(hub.replica, "far", "worker", unit)
    assert told_by(accounts_admin.disable, hub.replica, Account("west", "admin", WEST), "far") == "unit_out_of_scope"


def test_a_node_of_before_keeps_its_accounts_and_sessions() -> None:
    old = open_database(MEMORY, SYNC)
    NODE.apply(old, stop_before="accounts")
    old.execute("INSERT INTO account (name, role, unit, created_at) VALUES ('li', 'worker', '1', 5)")
    old.execute("INSERT INTO session (hash, account, created_at, expires_at) VALUES (x'00', 'li', 5, 9)")
    NODE.apply(old)
    assert account_queries.session_account(old, b"\0", 9) == Account("li", "worker", "1")
    assert account_queries.sessions(old, "li", 9) == [(b"\0", "", 5)]
