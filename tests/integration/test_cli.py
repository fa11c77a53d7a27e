"""The commands: exit codes, one JSON document on stdout with --json, one line on stderr and nothing changed on 2."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, Main, assert_refused, desk_in, image

from builders import CITY, E_GROUPS, EAST, W_GROUPS, WEST
from hub.cli import main as hub_main
from node.cli import main as node_main
from node.home import Home
from schemas.errors import DiskFull


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Nothing laid out yet."""
    return desk_in(tmp_path, capsys, monkeypatch)


def test_a_folder_without_a_node_is_refused_by_every_command(desk: Desk) -> None:
    commands = [
        ["status"], ["verify"], ["rebuild"], ["doctor"], ["sync", "--once"], ["invite", WEST], ["token", "a"],
        ["user", "add", "a", "--role", "worker"], ["check", "--unit", W_GROUPS[0], "--date", "2026-11-20", "--zero"],
    ]  # fmt: skip
    for command in commands:
        assert_refused(desk.at_county(*command))
    assert not desk.county.exists()


def test_what_is_wrong_with_a_check_is_told_and_nothing_is_stored(desk: Desk) -> None:
    desk.ready()
    before = image(desk.county)
    future = (desk.today + timedelta(days=2)).isoformat()
    day = ["--date", desk.today.isoformat()]
    unit = ["--unit", W_GROUPS[0]]
    for wrong in (
        [*unit, *day], [*unit, *day, "--zero", "--disputes", 1], [*unit, *day, "--disputes", 0],
        [*unit, *day, "--disputes", -1], [*unit, *day, "--disputes", "１"], [*unit, *day, "--hazards", "1.0"],
        [*unit, *day, "--hazards", 1000], [*unit, "--date", future, "--zero"], [*unit, "--date", "today", "--zero"],
        [*unit, "--date", "２０２６-11-20", "--zero"], ["--unit", "429999999999", *day, "--zero"],
        ["--unit", E_GROUPS[0], *day, "--zero"], [*day, "--zero"], [*unit, "--zero"],
    ):  # fmt: skip
        assert_refused(desk.at_county("check", *wrong))
    assert image(desk.county) == before


def test_a_check_is_entered_sent_and_counted(desk: Desk) -> None:
    desk.ready()
    day = desk.today.isoformat()
    said = desk.at_county("check", "--unit", W_GROUPS[0], "--date", day, "--disputes", 1, "--hazards", 2, "--json")
    assert (said.code, set(said.document)) == (0, {"id", "event", "state", "amends"})
    zero = desk.at_county("check", "--unit", W_GROUPS[1], "--date", day, "--zero")
    assert (zero.code, "零报告" in zero.out) == (0, True)
    synced = desk.at_county("sync", "--once", "--json")
    assert synced.code == 0
    assert set(synced.document) >= {"pushed", "pulled", "refused", "have", "ok"}
    assert (synced.document["pushed"], synced.document["refused"], synced.document["ok"]) == (2, [], True)
    assert synced.document["have"][0] == 3
    again = desk.at_county("sync", "--once", "--json").document
    assert (again["pushed"], again["pulled"]) == (0, 0)
    figures = desk.at_hub("rollup", "--unit", CITY, "--period", day, "--format", "json").document
    assert (figures["measures"]["checks_found"], figures["measures"]["checks_zero"]) == (1, 1)
    status = desk.at_county("status", "--json").document
    assert set(status) >= {
        "node", "unit", "level", "parent", "queue", "last_success_at", "heads", "refused", "forks", "alarms",
    }  # fmt: skip
    assert (status["queue"], status["parent"], status["heads"][0][3]) == (0, CITY, True)


def test_a_sync_that_fails_is_exit_1_with_its_document(desk: Desk) -> None:
    desk.ready()
    desk.network.hosts.clear()
    said = desk.at_county("sync", "--once", "--json")
    assert (said.code, said.document["ok"], said.document["problem"]) == (1, False, "unreachable")
    alarms = desk.at_county("status", "--json").document["alarms"]
    assert [alarm["code"] for alarm in alarms] == ["unreachable"]
    assert desk.at_county("doctor").code == 1
    assert_refused(desk.at_hub("sync", "--once"))


def test_every_figure_format_is_written_and_a_wrong_question_refused(desk: Desk) -> None:
    desk.ready()
    city, november = ["--unit", CITY], ["--period", "2026-11"]
    for wrong in (
        ["--unit", "429999999999", *november], [*city, "--period", "2026-13"], [*city, *november, "--by", "colour"],
        [*city, *november, "--tree", "x"], [*city, *november, "--as-of", "yesterday"], [*city],
        [*city, *november, "--as-of", "2199-01-01T00:00:00Z"], [*city, *november, "--format", "pdf"],
        [*city, *november, "--format", "xlsx"], [*city, *november, "--format", "csv", "-o", desk.folder / "no" / "t"],
        [*city, *november, "-o", desk.folder],
    ):  # fmt: skip
        assert_refused(desk.at_hub("rollup", *wrong))
    asked = ["rollup", "--unit", CITY, "--period", "2026-11", "--by", "children"]
    table = desk.at_hub(*asked)
    assert (table.code, table.out.count("东县"), table.out.count("西县")) == (0, 1, 1)
    files = {}
    for kind in ("json", "csv", "xlsx", "table"):
        target = desk.folder / f"out.{kind}"
        assert desk.at_hub(*asked, "--format", kind, "-o", target).code == 0
        files[kind] = target.read_bytes()
        target.write_text("what stood there before, longer than any table" * 1000, encoding="utf-8")
        assert desk.at_hub(*asked, "--format", kind, "-o", target).err.count("\n") == (kind == "csv")
        assert len(target.read_bytes()) < len(files[kind]) + 100  # written anew, not over it
    assert files["csv"].startswith(b"\xef\xbb\xbf")
    assert files["xlsx"].startswith(b"PK")
    assert [row["key"] for row in json.loads(files["json"])["rows"]] == [EAST, WEST]
    file = desk.folder / "acts.json"
    recode = {"type": "unit", "act": "recode", "unit": WEST, "code": "421088000000", "date": "2026-01-01"}
    file.write_text(json.dumps([recode]), encoding="utf-8")
    assert desk.at_hub("publish", file).code == 0
    by_code = ["--unit", "421088000000", *november]
    assert desk.at_hub("rollup", *by_code, "--json").document["unit"] == WEST  # known by its new code, too
    assert "西县" in desk.at_hub("bulletin", *by_code).out
    then = date(2026, 1, 1)
    empty = desk.at_hub(*asked, "--as-of", f"{then}T00:00:00Z")
    assert empty.code == 2  # nothing was known of the unit then
    assert "2026-01-01T00:00:00.000Z" in empty.err


def test_users_tokens_and_codes_are_printed_alone_or_as_json(desk: Desk) -> None:
    desk.ready()
    before = image(desk.county)
    for wrong in (
        ["a b", "--role", "worker"],
        ["a", "--role", "king"],
        ["a", "--role", "worker", "--unit", EAST],
        ["a"],
    ):
        assert_refused(desk.at_county("user", "add", *wrong))
    assert_refused(desk.at_county("token", "nobody"))
    assert_refused(desk.at_county("invite", EAST))
    assert image(desk.county) == before
    code = desk.at_county("user", "add", "li", "--role", "worker").out
    assert code.count("\n") == 1
    assert_refused(desk.at_county("user", "add", "li", "--role", "worker"))
    document = desk.at_county("user", "add", "wu", "--role", "viewer", "--unit", W_GROUPS[0], "--json").document
    assert set(document) == {"name", "role", "unit", "code"}
    assert (document["name"], document["role"], document["unit"]) == ("wu", "viewer", W_GROUPS[0])
    token = desk.at_county("token", "li")
    assert (token.code, token.out.count("\n"), len(token.out.split())) == (0, 1, 1)
    assert set(desk.at_county("token", "li", "--json").document) == {"token"}
    invited = desk.at_county("invite", W_GROUPS[0][:12], "--json").document
    assert set(invited) == {"code", "expires_at", "parent", "unit"}
    assert (invited["parent"], invited["unit"]) == (WEST, W_GROUPS[0][:12])


def test_a_publication_is_taken_whole_or_not_at_all(desk: Desk) -> None:
    desk.ready()
    good = {"type": "unit", "act": "rename", "unit": EAST, "date": "2026-01-01", "name": "新东县"}
    before = image(desk.hub)
    file = desk.folder / "acts.json"
    wrong: list[Any] = [
        [], {}, [good, {**good, "unit": "429999999999"}], [good, {"type": "law"}], [good, 7],
        [{**good, "colour": "red"}], [{**good, "date": "2026-1-1"}],
        [good, {"type": "cadence", "date": "2026-01-01", "profile": {"name": "x"}}],
        [good, {"type": "cadence", "date": "2026-01-01", "profile": "thick"}],
        [good, {"type": "cadence", "date": "2026-01-01", "profile": "dense", "grace_days": 3}],
    ]  # fmt: skip
    for entries in wrong:
        file.write_text(json.dumps(entries), encoding="utf-8")
        assert_refused(desk.at_hub("publish", file))
    file.write_bytes(b"[")
    assert_refused(desk.at_hub("publish", file))
    assert_refused(desk.at_hub("publish", desk.folder / "none.json"))
    assert image(desk.hub) == before
    file.write_text(json.dumps([good, {**good, "unit": WEST, "name": "新西县"}]), encoding="utf-8")
    said = desk.at_hub("publish", file, "--json")
    assert (said.code, said.document["unit"]) == (0, 2)
    file.write_text(json.dumps([{"type": "cadence", "date": "2026-11-01", "profile": "dense"}]), encoding="utf-8")
    assert desk.at_hub("publish", file).code == 0
    week = desk.at_hub("rollup", "--unit", W_GROUPS[0][:12], "--period", "2026-W48", "--json").document
    assert week["measures"]["confirmations_due"] == 1  # villages owe each week now


def test_a_publication_that_leaves_groups_without_duties_is_told_with_the_day_and_the_way_back(desk: Desk) -> None:
    desk.ready()
    file = desk.folder / "cadences.json"
    daily = {"type": "cadence", "date": "2026-12-01", "profile": "dense"}
    cadences = {"group": "week", "village": "week", "township": "month", "county": "month", "city": "quarter"}
    rare = {"type": "cadence", "date": "2027-01-01", "profile": {"name": "rare", "cadences": cadences}}
    file.write_text(json.dumps([daily, rare]), encoding="utf-8")
    said = desk.at_hub("publish", file, "--json")
    assert (said.code, said.document["cadence"]) == (0, 2)
    assert (said.err.count("2027-01-01"), said.err.count("2026-12-01")) == (1, 0)
    file.write_text(json.dumps([{**daily, "date": "2027-01-01"}]), encoding="utf-8")
    assert desk.at_hub("publish", file).err == ""
    january = ["--unit", CITY, "--period", "2027-01-01", "--json"]
    assert desk.at_hub("rollup", *january).document["measures"]["checks_due"] > 0  # the later one of a day counts


def test_verify_rebuild_and_doctor_say_that_all_is_well(desk: Desk) -> None:
    desk.ready()
    desk.at_county("check", "--unit", W_GROUPS[0], "--date", desk.today, "--zero")
    before = image(desk.county)
    verified = desk.at_county("verify", "--json").document
    assert set(verified) >= {"ok", "events", "chains", "tallies", "forks", "set_aside", "problems"}
    assert (verified["ok"], verified["problems"]) == (True, [])
    assert desk.at_county("rebuild", "--json").code == 0
    assert image(desk.county) == before
    examined = desk.at_county("doctor", "--json")
    wrong = [check for check in examined.document["checks"] if not check["ok"]]
    assert (examined.code, wrong) == (0, [])


def test_a_report_of_damage_is_given_though_the_disk_has_no_room_to_ask_for_another_copy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise DiskFull("disk_full")

    desk.ready()
    monkeypatch.setattr("node.keeping.mending.ask_below", full)
    home = Home(desk.county)
    home.replica().db.execute("UPDATE event SET header = header || 'x' WHERE n = 1")
    home.close()
    said = desk.at_county("verify", "--json")
    assert (said.code, said.document["ok"], said.err.count("\n")) == (1, False, 1)


def test_the_terminal_s_language_is_chinese_unless_it_says_english(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    english = desk.at_county("status").err
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    chinese = desk.at_county("status").err
    assert (english.isascii(), chinese.isascii()) == (True, False)


@pytest.mark.parametrize("program", [hub_main, node_main])
def test_no_command_or_an_unknown_one_is_exit_2(desk: Desk, program: Main) -> None:
    for arguments in ([], ["fly"], ["status"], ["check", "--data"]):
        assert_refused(desk.run(program, *arguments))
    assert desk.run(program, "--help").code == 0
