"""Laying out a hub and a node: what is refused leaves nothing behind, what is cut short goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desk import HUB_URL, Desk, assert_refused, desk_in

from builders import CITY, E_GROUPS, EAST, W_GROUPS, WEST, answer, unit_list
from hub.cli import main as hub_main
from node.cli import main as node_main
from node.folder import PENDING_KEY
from node.home import Home


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Nothing laid out yet."""
    return desk_in(tmp_path, capsys, monkeypatch)


def test_a_hub_is_not_laid_out_over_something_or_from_a_wrong_list(desk: Desk) -> None:
    wrong = desk.folder / "wrong.csv"
    for text in ("", "code,name\n", "code,name,level,parent_code\n1,x,city,\n", unit_list() + unit_list()[35:]):
        wrong.write_text(text, encoding="utf-8")
        assert_refused(desk.at_hub("init", "--units", wrong))
    wrong.write_bytes(unit_list().encode("utf-16"))
    assert_refused(desk.at_hub("init", "--units", wrong))
    assert_refused(desk.at_hub("init", "--units", desk.folder / "none.csv"))
    assert_refused(desk.at_hub("init", "--units", desk.units, "--profile", "none"))
    assert_refused(desk.at_hub("init", "--units", desk.units, "--groups-per-village", "900"))
    assert_refused(desk.at_hub("init", "--units", desk.units, "--groups-per-village", "５"))
    assert_refused(desk.at_hub("init", "--units", desk.units, "--groups-per-village", "1"))  # groups are given
    assert not desk.hub.exists()
    desk.hub.mkdir()
    (desk.hub / "something").write_text("mine")
    assert_refused(desk.at_hub("init", "--units", desk.units))
    assert [path.name for path in desk.hub.iterdir()] == ["something"]
    assert_refused(desk.run(hub_main, "init", "--units", desk.units, "--data", desk.units))


def test_a_hub_is_laid_out_in_an_empty_folder_and_says_its_admin_s_code(desk: Desk) -> None:
    desk.hub.mkdir()
    said = desk.at_hub("init", "--units", desk.units, "--json")
    assert (said.code, said.err) == (0, "")
    assert set(said.document) == {"node", "unit", "level", "admin"}
    assert (said.document["unit"], said.document["level"]) == (CITY, "city")
    assert set(said.document["admin"]) == {"name", "code"}
    assert (desk.hub / "root-recovery.key").stat().st_mode & 0o077 == 0
    assert_refused(desk.at_hub("init", "--units", desk.units))


def test_groups_are_generated_by_number_and_the_seed_picks_names_only(desk: Desk) -> None:
    no_groups = "\n".join(line for line in unit_list().splitlines() if ",group," not in line) + "\n"
    desk.units.write_text(no_groups, encoding="utf-8")
    trees = []
    for seed in (1, 2):
        folder = desk.folder / f"hub{seed}"
        options = ["--groups-per-village", 3, "--seed", seed]
        assert desk.run(hub_main, "init", "--units", desk.units, *options, "--data", folder).code == 0
        home = Home(folder)
        rows = home.replica().db.execute("SELECT act FROM directory_act").fetchall()
        trees.append({(act["unit"], act["parent"]) for act in (json.loads(row[0]) for row in rows)})
        home.close()
    assert trees[0] == trees[1]
    assert {unit for unit, _ in trees[0]} >= {*E_GROUPS, *W_GROUPS}


def test_a_node_is_not_laid_out_with_a_wrong_code_and_leaves_nothing_behind(desk: Desk) -> None:
    assert desk.at_hub("init", "--units", desk.units).code == 0
    home = Home(desk.hub)
    desk.network.hosts["hub.test"] = lambda sent: answer(home.replica(), home.secret, sent)
    code = desk.at_hub("invite", WEST).out.strip()
    right = ["init", "--unit", WEST, "--parent", HUB_URL, "--code", code]
    for place, value in (
        (6, code[:-1] + ("A" if code[-1] != "A" else "B")),
        (6, "x"),
        (2, EAST),
        (4, "ftp://hub.test"),
    ):
        wrong = [*right[:place], value, *right[place + 1 :]]
        assert_refused(desk.at_county(*wrong))
        assert not desk.county.exists(), wrong
    desk.county.mkdir()
    (desk.county / "mine").write_text("x")
    assert_refused(desk.at_county(*right))
    (desk.county / "mine").unlink()
    assert desk.at_county(*right).code == 0
    assert not (desk.county / PENDING_KEY).exists()


def test_a_parent_out_of_reach_is_exit_1_and_the_same_command_goes_on(desk: Desk) -> None:
    assert desk.at_hub("init", "--units", desk.units).code == 0
    code = desk.at_hub("invite", WEST).out.strip()
    command = ["init", "--unit", WEST, "--parent", HUB_URL, "--code", code]
    said = desk.at_county(*command)
    assert (said.code, said.out) == (1, "")
    home = Home(desk.hub)
    desk.network.hosts["hub.test"] = lambda sent: answer(home.replica(), home.secret, sent)
    said = desk.at_county(*command, "--json")
    assert (said.code, said.document["unit"], said.document["level"]) == (0, WEST, "county")


def test_nobody_but_its_owner_gets_into_a_data_folder_and_doctor_tells_an_open_one(desk: Desk) -> None:
    desk.hub.mkdir(mode=0o755)
    desk.ready()
    for folder in (desk.hub, desk.county):
        assert folder.stat().st_mode & 0o077 == 0
    backup, restored = desk.folder / "backup", desk.folder / "restored"
    assert desk.at_county("backup", backup).code == 0
    assert desk.run(node_main, "restore", backup, "--data", restored).code == 0
    assert (backup.stat().st_mode | restored.stat().st_mode) & 0o077 == 0
    desk.hub.chmod(0o750)
    examined = desk.at_hub("doctor", "--json")
    wrong = [check["code"] for check in examined.document["checks"] if not check["ok"]]
    assert (examined.code, wrong) == (1, ["folder"])


def test_a_folder_that_cannot_be_closed_is_told_and_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    desk.hub.mkdir(mode=0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    said = desk.at_hub("init", "--units", desk.units)
    assert said.code == 0
    assert str(desk.hub) in said.err
