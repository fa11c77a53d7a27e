"""What a node does for itself: copies in its folder and elsewhere, a damaged database mended, a ballast."""

from __future__ import annotations

import errno
import shutil
import threading
from pathlib import Path

import pytest
from desk import Desk, assert_refused, desk_in, image

from builders import E_GROUPS, WEST
from node.config import read_config
from node.folder import CONFIG, DATABASE, NODE_KEY
from node.home import Home
from node.keeping import ballast, copies, upkeep
from node.keeping.keeping import HOUR_MS, Copies
from node.keeping.repair import repair
from node.keeping.upkeep import Upkeep, look_after
from node.status import alarms
from schemas.errors import Invalid
from sync.env import DISK_RESERVE_BYTES, SystemEnv

HEADER = 100  # bytes of a database's first page that say what it is


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A hub and a county."""
    return desk_in(tmp_path, capsys, monkeypatch).ready()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The device's clock, to be moved."""
    clock = Clock(SystemEnv.now_ms)
    monkeypatch.setattr(SystemEnv, "now_ms", lambda env: clock.now_ms(env))
    return clock


class Clock:
    """The device's clock and by how much it was moved."""

    def __init__(self, real: object) -> None:
        self._real, self.moved_ms = real, 0

    def now_ms(self, env: SystemEnv) -> int:
        """Unix ms."""
        return int(self._real(env)) + self.moved_ms  # type: ignore[operator]


def second_place(folder: Path, place: Path, keep: int = 2) -> None:
    """Names a second place in config.toml."""
    text = (folder / CONFIG).read_text(encoding="utf-8")
    text = text.replace("keep = 3", f"keep = {keep}").replace('# second = "/mnt/backup/grid"', f'second = "{place}"')
    (folder / CONFIG).write_text(text, encoding="utf-8")


def kept(place: Path) -> list[str]:
    """The names of what stands in a place."""
    return sorted(path.name for path in place.iterdir()) if place.is_dir() else []


def codes(home: Home) -> list[str]:
    """The alarms of a node."""
    return [one["code"] for one in alarms(home.replica(), "en")]


def spoilt(folder: Path) -> None:
    """Writes over the database's first bytes, and drops what is beside it."""
    with (folder / DATABASE).open("r+b") as file:
        file.write(b"x" * HEADER)
    for side in ("-wal", "-shm"):
        (folder / (DATABASE + side)).unlink(missing_ok=True)


@pytest.mark.parametrize("wrong", ["keep = 0", "keep = true", 'keep = "3"', "keep = 3\nsecond = 1"])
def test_a_setting_of_copies_that_cannot_be_is_refused(desk: Desk, wrong: str) -> None:
    text = (desk.county / CONFIG).read_text(encoding="utf-8")
    (desk.county / CONFIG).write_text(text.replace("keep = 3", wrong), encoding="utf-8")
    assert_refused(desk.at_county("status"))


def test_a_fresh_config_says_how_copies_are_kept(desk: Desk) -> None:
    assert read_config(desk.county).copies == Copies(keep=3, every_h=24, second=None)


def test_a_copy_a_day_is_kept_in_the_folder_and_in_the_second_place_and_older_ones_go(
    desk: Desk, clock: Clock, tmp_path: Path
) -> None:
    place = tmp_path / "stick"
    place.mkdir()
    (place / "holiday").mkdir()
    second_place(desk.county, place)
    assert desk.at_county("backup", desk.county / "backups" / "before the move").code == 0
    home = Home(desk.county)
    for hours in (0, 1, 23, 25, 49, 60, 74):
        clock.moved_ms = hours * HOUR_MS
        assert copies.keep_up(home)
    names = kept(desk.county / "backups")
    assert [name[:6] for name in names] == ["000003", "000004", "before"]
    assert kept(place) == [*(f"{WEST}-{name}" for name in names[:2]), "holiday"]
    assert desk.at_county("restore", place / f"{WEST}-{names[1]}").code == 0


def test_a_clock_that_fell_back_makes_one_copy_and_not_one_a_minute(desk: Desk, clock: Clock) -> None:
    home = Home(desk.county)
    clock.moved_ms = 1000 * HOUR_MS
    assert copies.keep_up(home)
    clock.moved_ms = 0
    assert [copies.keep_up(home) for _ in range(3)] == [True] * 3
    assert [name[:6] for name in kept(desk.county / "backups")] == ["000001", "000002"]


def test_a_second_place_that_is_not_there_is_an_alarm_told_once_until_it_is_back(
    desk: Desk, clock: Clock, tmp_path: Path
) -> None:
    place = tmp_path / "stick"
    second_place(desk.county, place)
    home = Home(desk.county)
    assert [copies.keep_up(home) for _ in range(3)] == [False] * 3
    assert not place.exists()
    assert len(kept(desk.county / "backups")) == 1
    assert codes(home) == ["backup_failed"]
    told = home.replica().db.execute("SELECT COUNT(*) FROM audit WHERE act = 'backup_failed'").fetchone()
    assert told == (1,)
    examined = desk.at_county("doctor", "--json")
    assert [one["code"] for one in examined.document["checks"] if not one["ok"]] == ["backup"]
    place.mkdir()
    assert copies.keep_up(home)
    assert codes(home) == []
    assert len(kept(place)) == 1


def test_days_without_a_copy_are_an_alarm_and_a_backup_by_hand_ends_it(
    desk: Desk, clock: Clock, tmp_path: Path
) -> None:
    home = Home(desk.county)
    clock.moved_ms = 72 * HOUR_MS
    assert codes(home) == []
    clock.moved_ms = 74 * HOUR_MS
    assert codes(home) == ["backup_old"]
    assert desk.at_county("backup", tmp_path / "by hand").code == 0
    assert codes(home) == []


def test_no_copy_is_made_that_would_fill_the_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemEnv, "free_bytes", lambda _: 2 * DISK_RESERVE_BYTES)
    home = Home(desk.county)
    assert not copies.keep_up(home)
    assert kept(desk.county / "backups") == []
    assert codes(home) == ["backup_failed"]
    monkeypatch.setattr(SystemEnv, "free_bytes", lambda _: DISK_RESERVE_BYTES - 1)
    assert codes(home) == ["disk_low", "backup_failed"]


def test_a_damaged_database_is_set_aside_and_the_newest_sound_copy_takes_its_place(
    desk: Desk, clock: Clock, tmp_path: Path
) -> None:
    check = ("check", "--unit", WEST, "--zero", "--date")
    first = desk.at_county(*check, "2026-11-02", "--json").document["id"]
    for hours in (0, 25, 50):
        clock.moved_ms = hours * HOUR_MS
        assert copies.keep_up(Home(desk.county))
    newest = desk.county / "backups" / kept(desk.county / "backups")[-1]
    spoilt(newest)
    later = desk.at_county(*check, "2026-11-03", "--json").document["id"]
    assert desk.at_county("sync", "--once").code == 0
    spoilt(desk.county)
    said = desk.at_county("status")
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    repaired = repair(Home(desk.county))
    assert repaired is not None
    assert repaired.source.name == kept(desk.county / "backups")[-2]
    assert (repaired.copied.kept or tmp_path).is_dir()
    assert repair(Home(desk.county)) is None
    assert desk.at_county("sync", "--once").code == 0
    held = {row[0] for row in Home(desk.county).replica().db.execute("SELECT hash FROM event WHERE kind = 'chk'")}
    assert held == {first, later}
    assert desk.at_county("verify").code == 0


def test_without_a_sound_copy_a_damaged_database_stays_as_it_is_and_serve_says_the_way_out(desk: Desk) -> None:
    spoilt(desk.county)
    content = (desk.county / DATABASE).read_bytes()
    other = desk.county / "backups" / "000001-20261101T000000Z"
    shutil.copytree(desk.hub, other, ignore=shutil.ignore_patterns("*.lock"))  # another node's
    said = desk.at_county("serve", "--bind", "127.0.0.1:1")
    assert (said.code, said.out) == (1, "")
    assert "--replace" in said.err
    assert (desk.county / DATABASE).read_bytes() == content


def test_a_full_disk_is_named_and_no_older_copy_taken_in_the_place_of_the_newest(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, _target: Path) -> None:
        tried.append(source.parent.name[:6])
        raise OSError(errno.ENOSPC, "No space left on device")

    for hours in (0, 25):
        clock.moved_ms = hours * HOUR_MS
        assert copies.keep_up(Home(desk.county))
    spoilt(desk.county)
    tried: list[str] = []
    monkeypatch.setattr("node.keeping.backups.shutil.copyfile", full)
    with pytest.raises(Invalid) as raised:
        repair(Home(desk.county))
    assert (raised.value.code, tried) == ("folder_not_writable", ["000002"])


def test_the_second_place_is_asked_for_a_sound_copy_too(desk: Desk, tmp_path: Path) -> None:
    place = tmp_path / "stick"
    place.mkdir()
    second_place(desk.county, place)
    assert copies.keep_up(Home(desk.county))
    shutil.rmtree(desk.county / "backups")
    spoilt(desk.county)
    repaired = repair(Home(desk.county))
    assert repaired is not None
    assert repaired.source.parent == place


def test_the_ballast_is_taken_in_with_room_to_spare_and_given_up_before_something_is_entered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, file = Home(desk.county), desk.county / ballast.NAME
    assert look_after(home, print)
    assert file.stat().st_size == ballast.SIZE_BYTES
    assert file.stat().st_blocks * 512 >= ballast.SIZE_BYTES  # real room, no hole
    monkeypatch.setattr(SystemEnv, "free_bytes", lambda _: ballast.LOW_BYTES)
    home.make_room()
    assert file.exists()
    monkeypatch.setattr(SystemEnv, "free_bytes", lambda _: ballast.LOW_BYTES - 1)
    said = desk.at_county("check", "--unit", E_GROUPS[0], "--date", desk.today, "--zero")
    assert (said.code, file.exists()) == (2, False)  # the unit is another's: the room was made before
    monkeypatch.setattr(SystemEnv, "free_bytes", lambda _: ballast.SIZE_BYTES + 2 * DISK_RESERVE_BYTES - 1)
    ballast.take_in(desk.county, home.env.free_bytes())
    assert not file.exists()


def test_a_ballast_that_does_not_fit_after_all_leaves_nothing_behind(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ballast.os, "posix_fallocate", full)
    before, told = image(desk.county), list[str]()
    assert not look_after(Home(desk.county), told.append)
    assert "No space left" in told[0]
    assert image(desk.county) == before


def test_a_copy_that_an_erasure_crossed_is_not_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter((0, 1))
    monkeypatch.setattr("node.keeping.backups.erasure_queries.count", lambda _: next(counts))
    home = Home(desk.county)
    assert not copies.keep_up(home)
    assert kept(desk.county / "backups") == []
    assert codes(home) == ["backup_failed"]


def test_a_copy_in_the_making_that_loses_a_file_is_refused(desk: Desk, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert desk.at_county("backup", backup).code == 0
    (backup / NODE_KEY).unlink()
    with pytest.raises(Invalid):
        copies.copy_to(Home(desk.county).replica(), backup, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_stop_breaks_a_copy_off_that_takes_too_long_and_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    began, told = threading.Event(), []

    def copying(home: Home) -> bool:
        began.set()
        endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
        return home.replica().db.execute(endless).fetchone() is None

    monkeypatch.setattr(upkeep, "keep_up", copying)
    monkeypatch.setattr(upkeep, "FIRST_S", 0.0)
    monkeypatch.setattr(upkeep, "STOP_WAIT_S", 0.5)
    looking = Upkeep(Home(desk.county), told.append)
    looking.start()
    assert began.wait(60)
    looking.stop()
    assert told == ["upkeep: interrupted"]
    looking.stop()  # nothing is left to stop
