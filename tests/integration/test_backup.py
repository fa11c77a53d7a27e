"""`backup` and `restore`: a sound copy or none, the right node's, and what came later is fetched back."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk, assert_refused, desk_in, image

from builders import WEST
from node.folder import DATABASE, SERVE_LOCK, locked
from node.keeping import backups


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A hub and a county."""
    return desk_in(tmp_path, capsys, monkeypatch).ready()


def checked(desk: Desk, day: str) -> str:
    """One check at the county."""
    return str(desk.at_county("check", "--unit", WEST, "--date", day, "--zero", "--json").document["id"])


def test_what_is_no_sound_backup_of_this_node_is_refused_and_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    good, other = tmp_path / "good", tmp_path / "other"
    assert desk.at_county("backup", str(good)).code == 0
    assert desk.at_hub("backup", str(other)).code == 0
    damaged, running = tmp_path / "damaged", tmp_path / "running"
    for folder in (damaged, running):
        assert desk.at_county("backup", str(folder)).code == 0
    before = image(desk.county)
    assert_refused(desk.at_county("backup", str(good)))  # holds something
    assert_refused(desk.at_county("restore", str(tmp_path / "nothing")))
    assert_refused(desk.at_county("restore", str(other)))
    content = (damaged / DATABASE).read_bytes()
    (damaged / DATABASE).write_bytes(content[: len(content) // 2])
    assert_refused(desk.at_county("restore", str(damaged)))
    with locked(desk.county / SERVE_LOCK):
        assert_refused(desk.at_county("restore", str(good)))
    (running / (DATABASE + "-wal")).write_bytes(b"records that are not in the database yet")
    assert_refused(desk.at_county("restore", str(running)))
    assert image(desk.county) == before


def test_a_disk_that_fills_up_during_a_restore_leaves_the_database_where_it_was(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tmp_path / "good"
    assert desk.at_county("backup", str(good)).code == 0
    before = image(desk.county)

    def full(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:1000])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups.shutil, "copyfile", full)
    assert_refused(desk.at_county("restore", str(good)))
    assert image(desk.county) == before


def test_a_restored_node_knows_it_and_fetches_back_what_came_later(desk: Desk, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = checked(desk, "2026-11-19")
    said = desk.at_county("backup", str(kept), "--json").document
    assert (said["path"], said["events"] > 0, (kept / "head").exists()) == (str(kept), True, False)
    later = checked(desk, "2026-11-20")
    assert desk.at_county("sync", "--once").code == 0
    restored = desk.at_county("restore", str(kept), "--json").document
    assert (restored["events"], Path(restored["kept"]).is_dir()) == (said["events"], True)
    alarms = desk.at_county("status", "--json").document["alarms"]
    assert "restored_copy" in [one["code"] for one in alarms]
    assert desk.at_county("sync", "--once").code == 0
    status = desk.at_county("status", "--json").document
    assert (status["alarms"], status["forks"]) == ([], [])
    assert {one[2] for one in status["heads"]} == {later}
    assert desk.at_county("verify", "--json").document["ok"] is True
    assert first != later


def test_a_new_disk_starts_from_the_backup_alone(desk: Desk, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    checked(desk, "2026-11-19")
    assert desk.at_county("backup", str(kept)).code == 0
    later = checked(desk, "2026-11-20")
    assert desk.at_county("sync", "--once").code == 0
    desk.county = tmp_path / "new-disk"
    assert desk.at_county("restore", str(kept)).code == 0
    assert desk.at_county("sync", "--once").code == 0
    assert {one[2] for one in desk.at_county("status", "--json").document["heads"]} == {later}
    assert checked(desk, "2026-11-21") != later
    assert desk.at_county("sync", "--once").code == 0
    assert desk.at_county("verify").code == 0
