"""`renew` at the terminal: refused without a trace, or a new key beside the earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk, assert_refused, desk_in, image

from builders import W_GROUPS
from node.folder import NODE_KEY


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A hub and a county that have exchanged."""
    return desk_in(tmp_path, capsys, monkeypatch).ready()


def keys(folder: Path) -> set[str]:
    return {path.name for path in (folder / "keys").iterdir()}


def test_a_hub_is_not_renewed_without_its_own_root_key_and_nothing_is_left_behind(desk: Desk) -> None:
    strange = desk.folder / "strange.key"
    strange.write_text("A" * 43 + "\n", encoding="ascii")
    before = image(desk.hub)
    for arguments in ([], ["--recover", desk.folder / "none.key"], ["--recover", desk.units], ["--recover", strange]):
        assert_refused(desk.at_hub("renew", *arguments))
    assert image(desk.hub) == before


def test_a_county_that_was_renewed_a_moment_ago_is_told_to_sync_first(desk: Desk) -> None:
    assert desk.at_county("renew").code == 0
    before = image(desk.county)
    assert_refused(desk.at_county("renew"))
    assert image(desk.county) == before
    assert desk.at_county("sync", "--once").code == 0
    assert desk.at_county("renew").code == 0


def test_hub_and_county_go_on_with_new_keys_and_the_first_keys_stay(desk: Desk) -> None:
    day = desk.today.isoformat()
    first = {name: (folder / NODE_KEY).read_bytes() for name, folder in (("hub", desk.hub), ("county", desk.county))}
    hub = desk.at_hub("renew", "--recover", desk.hub / "root-recovery.key", "--json").document
    county = desk.at_county("renew", "--json").document
    assert desk.at_county("check", "--unit", W_GROUPS[0], "--date", day, "--zero").code == 0
    assert desk.at_county("sync", "--once").code == 0
    assert (desk.hub / NODE_KEY).read_bytes() == first["hub"]
    assert (desk.county / NODE_KEY).read_bytes() == first["county"]
    for folder, said, at in ((desk.hub, hub, desk.at_hub), (desk.county, county, desk.at_county)):
        assert keys(folder) == {"node.key", "secret.key", f"{said['node']}.key"}
        assert at("status", "--json").document["node"] == said["node"] != said["succeeds"]
        assert at("verify").code == 0
        assert at("doctor").code == 0


def test_a_backup_of_a_renewed_node_works_on_a_new_disk_and_an_older_one_comes_back_to_the_new_key(desk: Desk) -> None:
    older, newer = desk.folder / "older", desk.folder / "newer"
    assert desk.at_county("backup", older).code == 0
    renewed = desk.at_county("renew", "--json").document["node"]
    assert desk.at_county("sync", "--once").code == 0
    assert desk.at_county("backup", newer).code == 0
    assert desk.at_county("restore", older).code == 0
    assert desk.at_county("sync", "--once").code == 0
    assert desk.at_county("status", "--json").document["node"] == renewed
    assert desk.at_county("verify").code == 0
    desk.county.rename(desk.folder / "gone")
    assert desk.at_county("restore", newer).code == 0
    assert desk.at_county("sync", "--once").code == 0
    assert desk.at_county("status", "--json").document["node"] == renewed
