"""审计: every administrative act and every reading is in the log with who, when and what, and the log only grows."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, desk_in
from flask.testing import FlaskClient
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from builders import CITY, E_TOWN, EAST, NOW_MS, W_TOWN, WEST, City, Node, told
from node.cases.private import uncover
from node.evidence import audit, audit_queries
from node.folder import DATABASE
from node.keeping import backups
from node.migrations import NODE
from node.people import accounts, accounts_admin, sessions
from node.people.accounts import Account
from schemas.audit import START, Entry, entry_hash
from schemas.encoding import unb64
from schemas.errors import Conflict, Forbidden, NotFound
from sync import enrol
from sync.database import MEMORY, open_database, write
from sync.erase import erase
from sync.migrations import SYNC
from sync.replica import Actor
from sync.verify import verify

BOSS = Account("boss", "admin", CITY)
CASE = {
    "unit": W_TOWN, "kind": "dispute", "category": "01", "source": "self_found", "complexity": "ordinary",
    "urgency": "yellow", "private": {"parties": [], "place": "村口", "narrative": "邻里争水"},
}  # fmt: skip
Row = tuple[str, str, str, str, str]


@pytest.fixture
def hub() -> Node:
    """A hub where `boss` acts."""
    node = City().hub
    node.user("boss", "admin")
    node.replica.actor = Actor("boss", "admin")
    return node


def log_of(node: Node, after: int = 0) -> list[Row]:
    """(account, act, unit, subject, purpose) of the entries behind a place."""
    return [
        (one.account, one.act, one.unit, one.subject, one.purpose)
        for one, _ in audit_queries.entries(node.db, after)
    ]  # fmt: skip


def held(node: Node) -> int:
    return audit.count(node.replica)


# ---- refusals


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET account = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE n = 1", "INSERT OR REPLACE INTO"
     " audit SELECT n, at, 'x', role, act, unit, subject, purpose, hash FROM audit WHERE n = 1"],
)  # fmt: skip
def test_no_entry_can_be_changed_or_removed(hub: Node, statement: str) -> None:
    hub.db.execute("PRAGMA recursive_triggers = ON")
    before = hub.db.execute("SELECT * FROM audit").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        hub.db.conn.execute(statement)
    assert hub.db.execute("SELECT * FROM audit").fetchall() == before


def test_what_is_refused_leaves_no_entry(hub: Node) -> None:
    before = held(hub)
    with pytest.raises(Conflict):
        accounts.add(hub.replica, "boss", "admin", None)
    with pytest.raises(NotFound):
        enrol.invite(hub.replica, "999999000000")
    with pytest.raises(Conflict):
        accounts_admin.disable(hub.replica, BOSS, "boss")
    with pytest.raises(NotFound):
        enrol.revoke(hub.replica, WEST)
    with pytest.raises(Forbidden):
        enrol.revoke(hub.replica, CITY)
    assert held(hub) == before


@pytest.mark.parametrize("query", ["about=orders", "before=-1", "before=x", f"before={'9' * 16}"])
def test_a_filter_that_nobody_knows_is_refused(hub: Node, query: str) -> None:
    assert hub.browser().get(f"/audit?{query}", headers=hub.user("asks", "admin")).status_code == 422


def test_an_export_in_another_format_is_refused_and_not_logged(hub: Node) -> None:
    headers = hub.user("asks", "admin")
    before = held(hub)
    assert hub.browser().get("/audit/export?format=pdf", headers=headers).status_code == 422
    assert held(hub) == before


# ---- what is logged


def test_acts_on_accounts_say_who_did_what_to_whom(hub: Node) -> None:
    after = held(hub)
    accounts.add(hub.replica, "li", "worker", EAST)
    accounts_admin.renew_code(hub.replica, BOSS, "li")
    accounts_admin.disable(hub.replica, BOSS, "li")
    accounts_admin.enable(hub.replica, BOSS, "li")
    sessions.new_token(hub.replica, "li")
    sessions.end_token(hub.replica, "li", sessions.tokens_of(hub.replica, "li")[0].id)
    assert log_of(hub, after) == [
        ("boss", "user_added", EAST, "li", "worker"),
        ("boss", "user_code", EAST, "li", ""),
        ("boss", "user_disabled", EAST, "li", ""),
        ("boss", "user_enabled", EAST, "li", ""),
        ("boss", "token_made", EAST, "li", ""),
        ("boss", "token_ended", EAST, "li", ""),
    ]


def test_signing_in_and_a_password_of_ones_own_are_nobodys_business(hub: Node) -> None:
    accounts.add(hub.replica, "li", "worker", None)
    before = held(hub)
    accounts.set_password(hub.replica, "li", "a-password-1")
    accounts.sign_in(hub.replica, "li", "a-password-1")
    accounts.close_session(hub.replica, accounts.open_session(hub.replica, "li"))
    assert held(hub) == before


def test_acts_on_nodes_and_publishing_are_logged() -> None:
    city = City()
    hub = city.hub
    hub.replica.actor = Actor("boss", "admin")
    after = held(hub)
    east = city.join(hub, EAST)
    hub.publish({"type": "unit", "act": "rename", "unit": W_TOWN, "date": "2026-11-01", "name": "新西镇"})
    (event,) = hub.db.execute("SELECT head FROM node_state").fetchone()
    enrol.revoke(hub.replica, EAST)
    node = east.replica.identity.node
    assert log_of(hub, after) == [
        ("boss", "node_invited", EAST, "", ""),
        ("boss", "node_enrolled", EAST, node, ""),
        ("boss", "published", W_TOWN, event, f"rename {W_TOWN} 2026-11-01"),
        ("boss", "node_revoked", EAST, node, ""),
    ]


def test_a_reading_and_an_erasure_name_the_case_the_unit_and_the_purpose(hub: Node) -> None:
    headers = hub.user("mei", "mediator", W_TOWN)
    browser = hub.browser()
    case = told(browser.post("/api/v1/cases", json=CASE, headers=headers))
    after = held(hub)
    assert browser.get(f"/api/v1/cases/{case['id']}?purpose=回访", headers=headers).status_code == 200
    hub.replica.actor = Actor("boss", "admin")
    erase(hub.replica, [case["event"]], "当事人请求")
    assert log_of(hub, after) == [
        ("mei", "private_read", W_TOWN, case["id"], "回访"),
        ("boss", "erased", W_TOWN, case["event"], "当事人请求"),
    ]


def test_uncovering_is_logged_once(hub: Node) -> None:
    hub.db.execute("UPDATE node_state SET covered = 1")
    after = held(hub)
    assert uncover(hub.replica, "急用") is True
    assert uncover(hub.replica, "急用") is False
    assert log_of(hub, after) == [("boss", "uncovered", CITY, "", "急用")]


def test_a_settings_file_is_noted_when_it_changed_only(hub: Node) -> None:
    after = held(hub)
    for digest in ("a", "a", "b", "a"):
        audit.note_settings(hub.replica, digest)
    assert [row[3] for row in log_of(hub, after)] == ["a", "b", "a"]


# ---- the chain


def test_verify_names_an_entry_that_was_altered_behind_the_triggers(hub: Node) -> None:
    assert verify(hub.replica).problems == []
    hub.db.execute("DROP TRIGGER audit_UPDATE")
    hub.db.execute("UPDATE audit SET account = 'nobody' WHERE n = 1")
    assert [(one.code, one.text) for one in verify(hub.replica).problems] == [
        ("bad_audit", "audit: entry 1 (user_added) was altered")
    ]


def test_verify_misses_entries_cut_off_at_the_end(hub: Node) -> None:
    last = held(hub)
    hub.db.execute("DROP TRIGGER audit_DELETE")
    hub.db.execute("DELETE FROM audit WHERE n = ?", [last])
    assert [one.text for one in verify(hub.replica).problems] == [f"audit: entries {last} to {last} are missing"]


# ---- page and export


def reader(node: Node, unit: str | None = None) -> tuple[FlaskClient, dict[str, str]]:
    return node.browser(), node.user(f"reads-{unit}", "admin", unit)


def test_the_page_shows_who_did_what_and_that_the_chain_holds(hub: Node) -> None:
    accounts.add(hub.replica, "li", "worker", EAST)
    browser, headers = reader(hub)
    page = browser.get("/audit", headers=headers).text
    assert "校验通过" in page
    assert "添加用户" in page
    assert "/users/one?name=li" in page
    assert page.index("reads-None") < page.index(">li<")  # newest first
    assert ">li<" not in browser.get("/audit?about=nodes", headers=headers).text
    assert ">li<" in browser.get("/audit?account=boss", headers=headers).text


def test_the_page_says_so_when_the_chain_is_broken(hub: Node) -> None:
    hub.db.execute("DROP TRIGGER audit_UPDATE")
    hub.db.execute("UPDATE audit SET account = 'nobody' WHERE n = 1")
    browser, headers = reader(hub)
    assert "校验不通过" in browser.get("/audit", headers=headers).text


def test_a_page_holds_a_hundred_and_leads_on_to_the_rest(hub: Node) -> None:
    with write(hub.db, "audit", hub.env):
        for number in range(150):
            audit.note(hub.replica, "user_added", subject=f"u{number}")
    browser, headers = reader(hub)
    first = browser.get("/audit", headers=headers).text
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    rest = browser.get(following, headers=headers).text
    seen = [number for number in range(150) if f">u{number}<" in first]
    others = [number for number in range(150) if f">u{number}<" in rest]
    assert sorted(others + seen) == list(range(150))
    assert set(seen) & set(others) == set()


def test_an_administrator_of_a_unit_below_sees_the_own_subtree_only(hub: Node) -> None:
    accounts.add(hub.replica, "in-the-east", "worker", E_TOWN)
    accounts.add(hub.replica, "in-the-west", "worker", W_TOWN)
    browser, headers = reader(hub, EAST)
    page = browser.get("/audit", headers=headers).text
    assert ("in-the-east" in page, "in-the-west" in page) == (True, False)
    rows = browser.get("/audit/export?format=json", headers=headers).get_json()["entries"]
    assert {row["unit"] for row in rows} == {EAST, E_TOWN}


def test_an_exported_log_can_be_worked_out_again_by_anybody(hub: Node) -> None:
    accounts.add(hub.replica, "li", "worker", EAST)
    browser, headers = reader(hub)
    document = json.loads(browser.get("/audit/export?format=json", headers=headers).text)
    assert (document["unit"], document["rule"]) == (CITY, "grid/audit/1")
    before = START
    for row in document["entries"]:
        named = [row[name] for name in Entry._fields]
        named[1] = row["at_ms"]
        assert unb64(row["prev"], 32) == before
        before = entry_hash(before, Entry(*named))
        assert unb64(row["hash"], 32) == before
    last = document["entries"][-1]
    assert (last["act"], last["account"], last["purpose"]) == ("audit_exported", "reads-None", "json")
    assert len(document["entries"]) == held(hub)


def test_an_exported_table_runs_no_formula(hub: Node) -> None:
    with write(hub.db, "audit", hub.env):
        audit.note(hub.replica, "published", subject="=1+1", purpose="@x")
    browser, headers = reader(hub)
    reply = browser.get("/audit/export?format=csv", headers=headers)
    rows = list(csv.reader(io.StringIO(reply.get_data().decode("utf-8-sig"))))
    assert ["'=1+1", "'@x"] in [row[6:8] for row in rows]
    assert rows[0][:5] == ["序号", "时间", "谁", "角色", "做了什么"]


# ---- earlier versions, restores


def before_the_log() -> Migrations:
    """The migrations that a database had before there was this log."""
    older = Migrations("node")
    for migration in NODE._migrations:
        if migration.name == "audit":
            break
        older._migrations.append(migration)
    return older


def test_readings_of_an_earlier_version_become_the_first_entries() -> None:
    db: Database = open_database(MEMORY, SYNC, before_the_log())
    rows = [(NOW_MS, "li", "mediator", "case-1", "回访"), (NOW_MS + 1, "-", "admin", "*", "急用")]
    for row in rows:
        db.execute("INSERT INTO reading (at, account, role, case_id, purpose) VALUES (?, ?, ?, ?, ?)", row)
    db.execute(
        "INSERT INTO node_state (id, node, unit, level, city, root_node, up_log)"
        " VALUES (1, 'n', ?, 'city', ?, 'r', 'u')",
        [CITY, CITY],
    )
    NODE.apply(db)
    assert [tuple(entry) for entry, _ in audit_queries.entries(db)] == [
        (1, NOW_MS, "li", "mediator", "private_read", CITY, "case-1", "回访"),
        (2, NOW_MS + 1, "-", "admin", "uncovered", CITY, "", "急用"),
    ]
    assert audit.problems(db) == []
    db.conn.close()


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A hub and a county on disk."""
    return desk_in(tmp_path, capsys, monkeypatch).ready()


def on_disk(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / DATABASE)) as conn:
        db = Database(conn, execute_plugins=False)
        assert audit.problems(db) == []
        return [(entry.act, entry.subject, entry.purpose) for entry, _ in audit_queries.entries(db)]


def test_a_restore_keeps_the_entries_written_since_the_backup(desk: Desk, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert desk.at_county("backup", kept).code == 0
    assert desk.at_county("user", "add", "later", "--role", "worker").code == 0
    before = on_disk(desk.county)
    assert [row[0] for row in before[-2:]] == ["backed_up", "user_added"]
    assert desk.at_county("restore", kept).code == 0
    assert on_disk(desk.county) == [*before, ("restored", str(kept), "log: 2 carried over")]


def test_a_restore_over_a_log_that_went_another_way_says_so(desk: Desk, tmp_path: Path) -> None:
    early, late = tmp_path / "early", tmp_path / "late"
    assert desk.at_county("backup", early).code == 0
    assert desk.at_county("user", "add", "one", "--role", "worker").code == 0
    assert desk.at_county("backup", late).code == 0
    (desk.county / DATABASE).unlink()  # the log of what follows does not hold what `late` holds
    assert backups.put_back(early, desk.county, NOW_MS).node
    assert desk.at_county("user", "add", "two", "--role", "worker").code == 0
    assert desk.at_county("user", "add", "three", "--role", "worker").code == 0
    assert desk.at_county("restore", late).code == 0
    assert on_disk(desk.county)[-1] == ("restored", str(late), "log: not carried over")


def test_the_terminal_is_named_by_the_user_of_the_machine(desk: Desk) -> None:
    assert desk.at_county("user", "add", "one", "--role", "worker").code == 0
    with closing(sqlite3.connect(desk.county / DATABASE)) as conn:
        (account, role) = conn.execute("SELECT account, role FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    assert account.startswith("@")
    assert len(account) > 1
    assert role == "admin"
