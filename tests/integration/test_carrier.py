"""Files on a stick: past a level, twice, late, half, altered, for somebody else (3-sync, File)."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from desk import Desk, desk_in
from test_pages import post, signed_in
from test_recovery import hashes, sound

from builders import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST, WEST, City, Node
from node.status import heads, refused
from schemas.errors import DiskFull, Invalid
from sync import carrier, receipts


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Folders and an interpreter for commands."""
    return desk_in(tmp_path, capsys, monkeypatch)


def code_of(node: Node, content: bytes) -> str:
    """Why a file is refused; nothing is stored then."""
    before = node.count(), node.count("refused"), node.count("inlog")
    with pytest.raises(Invalid) as raised:
        carrier.take_in(node.replica, content)
    assert (node.count(), node.count("refused"), node.count("inlog")) == before
    return raised.value.code


@pytest.fixture
def city() -> City:
    """A hub, a county, a township and a village below it, all in step; one check at the village is not sent."""
    city = City()
    *_, village = city.line(EAST, E_TOWN, E_VILLAGE)
    village.check(E_GROUPS[0], "2026-11-20")
    return city


def file_of(node: Node, *, everything: bool = False) -> bytes:
    """The one file that a node exports."""
    (file,) = carrier.export(node.replica, everything=everything)
    assert file.name.startswith(f"{node.replica.identity.node}-")
    assert file.name.endswith(".gsync")
    return file.content


def test_a_file_that_is_not_whole_is_altered_or_is_none_is_refused_with_its_reason(city: City) -> None:
    town, village = city.nodes[2], city.nodes[3]
    good = file_of(village)
    lines = good.split(b"\n")
    assert code_of(town, b"") == "file_half"
    assert code_of(town, good[:-1]) == "file_half"
    assert code_of(town, b"\n".join(lines[:-2]) + b"\n") in ("file_half", "file_damaged", "carried_unreadable")
    assert code_of(town, b"\xff\xfe\n\n") == "carried_unreadable"
    assert code_of(town, b"PK\x03\x04" + good) in ("carried_unreadable", "file_damaged")
    for at in range(0, len(good) - 1, 97):
        assert code_of(town, good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]).startswith(("file_", "carried_"))
    swapped = [*lines[:-3], lines[-2], lines[-3], b""]
    assert code_of(town, b"\n".join(swapped)).startswith("file_")


def test_a_file_for_somebody_else_is_refused_with_its_reason(city: City) -> None:
    hub, east, town, village = city.nodes
    west = city.join(hub, WEST)
    good = file_of(village)
    assert code_of(village, good) == "file_own"
    assert code_of(west, good) == "file_not_below"
    town.check(E_TOWN, "2026-11-20")
    assert code_of(village, file_of(town)) == "file_not_below"
    assert code_of(City(seed=2).hub, good) == "file_other_city"
    with pytest.raises(Invalid, match="file_top"):
        carrier.export(hub.replica)
    assert east.count("event", "kind = 'chk'") == 0


def test_the_parent_takes_a_file_in_like_an_exchange_and_twice_does_nothing(city: City) -> None:
    town, village = city.nodes[2], city.nodes[3]
    content = file_of(village)
    first = carrier.take_in(town.replica, content)
    assert (first.unit, first.count, first.new, first.refused, first.moved) == (E_VILLAGE, 1, 1, 0, True)
    again = carrier.take_in(town.replica, content)
    assert (again.new, again.moved) == (0, False)
    requests = len(city.network.log)
    assert village.sync().pushed <= 1
    assert len(city.network.log) > requests
    city.settle()
    sound(city)


def test_the_receipt_moves_the_cursor_at_the_writer_and_shows_how_far_the_records_came(city: City) -> None:
    town, village = city.nodes[2], city.nodes[3]
    done = carrier.take_in(town.replica, file_of(village))
    receipt = receipts.receipt(town.replica, done.node, done.log, done.chains)
    with pytest.raises(Invalid, match="gack_for_other"):
        receipts.take_receipt(city.nodes[1].replica, receipt.content)
    with pytest.raises(Invalid, match="file_damaged"):
        receipts.take_receipt(village.replica, receipt.content.replace(b'"v":1', b'"v":2', 1))
    said = receipts.take_receipt(village.replica, receipt.content)
    assert (said.unit, said.refused, said.moved) == (E_TOWN, 0, True)
    assert list(carrier.export(village.replica)) == []
    assert receipts.take_receipt(village.replica, receipt.content).marks == 0


def test_the_city_takes_a_file_past_dead_levels_and_its_receipt_marks_the_records(city: City) -> None:
    hub, village = city.nodes[0], city.nodes[3]
    lost = {row[0] for row in village.db.execute("SELECT hash FROM event WHERE kind = 'chk'")}
    done = carrier.take_in(hub.replica, file_of(village))
    assert (done.new, done.moved) == (1, False)
    assert lost <= hashes(hub)
    assert not all(marked for *_, marked in heads(village.replica))
    receipts.take_receipt(village.replica, receipts.receipt(hub.replica, done.node, done.log, done.chains).content)
    assert all(marked for *_, marked in heads(village.replica))
    city.settle()
    sound(city)


def test_a_newer_file_before_an_older_one_loses_nothing(city: City) -> None:
    town, village = city.nodes[2], city.nodes[3]
    old = file_of(village)
    village.check(E_GROUPS[1], "2026-11-20")
    new = file_of(village)
    assert carrier.take_in(town.replica, new).new == 2
    assert carrier.take_in(town.replica, old).new == 0
    whole = carrier.take_in(city.nodes[1].replica, file_of(village, everything=True))
    assert (whole.new, whole.moved) == (2, False)
    city.settle()
    sound(city)


def test_a_damaged_line_is_set_aside_and_told_as_in_an_exchange(city: City) -> None:
    town, village = city.nodes[2], city.nodes[3]
    village.db.execute("UPDATE event SET header = replace(header, '2026-11-20', '2026-11-19') WHERE kind = 'chk'")
    done = carrier.take_in(town.replica, file_of(village))
    assert (done.count, done.new, done.refused) == (1, 0, 1)
    assert [row["code"] for row in refused(town.replica)] == ["bad_sig"]
    receipts.take_receipt(village.replica, receipts.receipt(town.replica, done.node, done.log, done.chains).content)
    assert [row["code"] for row in refused(village.replica)] == ["bad_sig"]


def test_many_records_go_into_several_files_that_may_come_in_any_order(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, village = city.nodes[2], city.nodes[3]
    monkeypatch.setattr(carrier, "FILE_PLAIN_BYTES", 2_000)
    for day in range(10, 20):
        village.check(E_GROUPS[0], f"2026-11-{day}")
    files = list(carrier.export(village.replica))
    assert len(files) > 2
    assert sum(file.count for file in files) == 11
    for file in reversed(files):
        carrier.take_in(town.replica, file.content)
    assert hashes(village) <= hashes(town)
    city.settle()
    sound(city)


def test_many_records_are_listed_on_the_page_each_file_with_its_own_button(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, village = city.nodes[2], city.nodes[3]
    monkeypatch.setattr(carrier, "FILE_PLAIN_BYTES", 2_000)
    for day in range(10, 20):
        village.check(E_GROUPS[0], f"2026-11-{day}")
    out = signed_in(village)
    listed = post(out, "/sync", "/carry/out", {}).get_data(as_text=True)
    starts = [part.split('"')[0] for part in listed.split('name="after" value="')[1:]]
    assert len(starts) > 2
    for after in starts:
        file = post(out, "/sync", "/carry/out", {"after": after})
        assert file.headers["content-disposition"].split('"')[1] in listed
        carrier.take_in(town.replica, file.data)
    assert hashes(village) <= hashes(town)
    assert "没有要带走的记录" in post(out, "/sync", "/carry/out", {"after": "9" * 15}).get_data(as_text=True)


def test_a_disk_that_is_nearly_full_takes_no_file_in(city: City) -> None:
    town, village = city.nodes[2], city.nodes[3]
    content = file_of(village)
    town.env.free = 1_000
    with pytest.raises(DiskFull):
        carrier.take_in(town.replica, content)
    town.env.free = 10**12
    assert carrier.take_in(town.replica, content).new == 1


def test_a_page_gives_a_file_out_and_takes_one_in_and_offers_the_receipt(city: City) -> None:
    town, village = city.nodes[2], city.nodes[3]
    out = signed_in(village)
    page = out.get("/sync").get_data(as_text=True)
    assert "U 盘传送" in page
    file = post(out, "/sync", "/carry/out", {})
    assert (file.status_code, file.headers["content-disposition"].endswith('.gsync"')) == (200, True)
    name = file.headers["content-disposition"].split('"')[1]
    above = signed_in(town)
    wrong = post(above, "/sync", "/carry/in", {"file": (BytesIO(b"x"), "a.txt")})
    assert wrong.status_code == 422
    done = post(above, "/sync", "/carry/in", {"file": (BytesIO(file.data), name)})
    text = done.get_data(as_text=True)
    assert (done.status_code, "新的 1 条" in text) == (200, True)
    fields = dict(part.split('" value="') for part in text.split('<input type="hidden" name="')[1:])
    assert fields
    village.sync()
    assert "没有要带走的记录" in post(out, "/sync", "/carry/out", {}).get_data(as_text=True)


def test_export_and_import_at_the_terminal(desk: Desk, tmp_path: Path) -> None:
    desk.ready()
    stick = tmp_path / "stick"
    refused_ = desk.at_county("export", str(stick / "2026" / "11"))
    assert (refused_.code, refused_.out, stick.exists()) == (2, "", False)
    (tmp_path / "file").touch()
    assert desk.at_county("export", str(tmp_path / "file")).code == 2
    assert desk.at_county("export", str(stick), "--json").document["count"] >= 0
    desk.at_county("check", "--unit", WEST, "--date", "2026-11-20", "--zero")
    files = desk.at_county("export", str(stick), "--json").document["files"]
    assert len(files) == 1
    assert desk.at_county("import", files[0]).code == 2
    said = desk.at_hub("import", files[0], "--json").document
    assert (said["kind"], said["cursor_moved"], Path(said["receipt"]).suffix) == ("gsync", True, ".gack")
    assert desk.at_county("import", said["receipt"], "--json").document["cursor_moved"] is True
    assert desk.at_county("export", str(stick), "--json").document == {"files": [], "count": 0}
    assert desk.at_hub("import", str(stick / "nothing.gsync")).code == 2
    assert CITY not in files[0]


@pytest.mark.parametrize("name", ["pipe.gsync", "folder.gsync"])
def test_what_is_no_file_is_refused_at_once(desk: Desk, tmp_path: Path, name: str) -> None:
    desk.ready()
    path = tmp_path / name
    path.mkdir() if name.startswith("folder") else os.mkfifo(path)
    said = desk.at_hub("import", str(path))
    assert (said.code, said.out, str(path)[:60] in said.err) == (2, "", True)  # a long value is cut
