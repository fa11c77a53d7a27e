"""What somebody meets who mistypes: one line with what was wrong, the value and the way out; nothing half made."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from desk import HUB_URL, Desk, assert_refused, desk_in, image

from builders import CITY, WEST, unit_list
from hub import ca
from hub.cli import main as hub_main
from hub.cli import without_password
from node.cli import main as node_main
from node.console.terminal import Parser, run
from node.folder import PENDING_KEY
from sync.transport import HttpTransport


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Nothing laid out yet."""
    return desk_in(tmp_path, capsys, monkeypatch)


@contextmanager
def listening() -> Iterator[int]:
    """A port of this machine that somebody holds."""
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        yield held.getsockname()[1]


def unknown_beyond_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that are not of this machine have no address, whatever resolver it has."""
    real = socket.getaddrinfo

    def local_only(host: Any, *more: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", local_only)


def test_the_hub_takes_no_other_database_and_shows_nobody_a_password(desk: Desk) -> None:
    said = desk.at_hub("init", "--units", desk.units, "--database", "postgresql://grid:s3cr@t/x@db.internal/city")
    assert_refused(said)
    assert said.err.count("\n") == 1
    assert "postgresql://grid@db.internal/city" in said.err
    assert "SQLite" in said.err
    assert "s3cr" not in said.err
    assert not desk.hub.exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://db/city", "postgresql://db/city"),
        ("postgresql://grid@db/city", "postgresql://grid@db/city"),
        ("postgresql://:geheim@db", "postgresql://@db"),
        ("host=db password=geheim user=grid", "host=db password=… user=grid"),
        ("postgresql://db/city?password=geheim&sslmode=require", "postgresql://db/city?password=…&sslmode=require"),
    ],
)
def test_a_password_in_the_address_of_a_database_is_left_out(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_unit_list_may_be_in_utf_8_or_gb18030_with_a_byte_order_mark_or_without(
    desk: Desk, encoding: str, mark: str
) -> None:
    desk.units.write_bytes((mark + unit_list()).encode(encoding))
    assert desk.at_hub("init", "--units", desk.units).code == 0
    again = desk.at_hub("units", desk.units, "--date", desk.today.isoformat(), "--dry-run", "--json")
    assert (again.code, again.document["unchanged"]) == (0, len(unit_list().splitlines()) - 1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_publication_may_be_saved_as_windows_saves_it(desk: Desk, encoding: str) -> None:
    desk.ready()
    file = desk.folder / "publish.json"
    file.write_text(
        f'[{{"type": "unit", "act": "rename", "unit": "{WEST}", "date": "2030-01-01", "name": "西区"}}]', encoding
    )
    assert desk.at_hub("publish", file).code == 0


def test_a_backup_that_goes_to_a_new_folder_says_so(desk: Desk) -> None:
    desk.ready()
    assert desk.at_hub("backup", desk.folder / "kept").code == 0
    new = desk.run(hub_main, "restore", desk.folder / "kept", "--data", desk.folder / "new disk")
    assert f"新文件夹 {desk.folder / 'new disk'}" in new.out
    assert "replaced-" in desk.at_hub("restore", desk.folder / "kept").out


@pytest.mark.parametrize(
    "parent",
    ["hub.test:8080", "http://hub.test:99999", "http://hub.test:0", "http://hub.test:x", "http://[1", "http://"],
)
def test_an_address_of_a_parent_that_can_t_be_one_is_refused(desk: Desk, parent: str) -> None:
    said = desk.at_county("init", "--unit", WEST, "--parent", parent, "--code", "x")
    assert_refused(said)
    assert parent in said.err
    assert not desk.county.exists()


def test_a_name_in_the_place_of_a_unit_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    said = desk.at_county("init", "--unit", "洪湖市", "--parent", HUB_URL, "--code", "x")
    assert_refused(said)
    assert "洪湖市" in said.err
    assert not desk.county.exists()


def test_why_a_parent_can_t_be_reached_is_said_in_plain_words_with_its_address(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.at_hub("init", "--units", desk.units).code == 0
    code = desk.at_hub("invite", WEST).out.strip()
    monkeypatch.setattr("node.console.setup.HttpTransport", HttpTransport)
    unknown_beyond_this_machine(monkeypatch)
    with listening() as port:
        pass
    for parent, words in (
        (f"http://127.0.0.1:{port}", "这个端口没有服务"),
        ("http://nobody.invalid", "没有这个主机名"),
    ):
        said = desk.at_county("init", "--unit", WEST, "--parent", parent, "--code", code)
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert parent in said.err
        assert words in said.err
        assert [path.name for path in desk.county.iterdir()] == [PENDING_KEY]  # the same command goes on


def test_a_sync_without_an_answer_says_so_in_words(desk: Desk) -> None:
    desk.ready()
    desk.network.hosts.clear()
    said = desk.at_county("sync", "--once")
    assert said.code == 1
    assert "连不上上级节点" in said.out + said.err
    assert "unreachable" not in said.out + said.err


@pytest.mark.parametrize("bind", ["8080", "0.0.0.0:0", "0.0.0.0:65536", "localhost:http", ":8080", "::1:8080", "a b:1"])
def test_serve_refuses_what_is_no_host_and_port(desk: Desk, bind: str) -> None:
    desk.ready()
    said = desk.at_county("serve", "--bind", bind)
    assert_refused(said)
    assert bind in said.err


def test_serve_refuses_a_port_that_is_taken_and_an_address_of_another_machine(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.listening.PORT_WAIT_S", 0.0)
    unknown_beyond_this_machine(monkeypatch)
    desk.ready()
    with listening() as port:
        said = desk.at_county("serve", "--bind", f"127.0.0.1:{port}")
        assert_refused(said)
        assert f"127.0.0.1:{port} 已被别的程序占用" in said.err
    for elsewhere in ("192.0.2.1:8080", "nobody.invalid:8080"):
        said = desk.at_county("serve", "--bind", elsewhere)
        assert_refused(said)
        assert elsewhere in said.err


def test_serve_refuses_files_that_are_no_certificate_with_its_key(desk: Desk) -> None:
    desk.ready()
    file = desk.folder / "tls.crt"
    file.write_text("no certificate")
    for certificate, key in ((file, file), (desk.folder / "none", file), (file, desk.folder / "none")):
        said = desk.at_county("serve", "--bind", "127.0.0.1:1", "--certfile", certificate, "--keyfile", key)
        assert_refused(said)
        assert str(desk.folder) in said.err
    assert_refused(desk.at_county("serve", "--certfile", file))


def test_serve_refuses_the_certificate_of_another_key(desk: Desk) -> None:
    desk.ready()
    assert desk.at_hub("ca", "init").code == 0
    for name in ("a", "b"):
        assert desk.at_hub("ca", "issue", f"{name}.internal", "--out", desk.folder / name).code == 0
    pair = ["--certfile", desk.folder / "a" / ca.ISSUED, "--keyfile", desk.folder / "b" / ca.ISSUED_KEY]
    said = desk.at_county("serve", "--bind", "127.0.0.1:1", *pair)
    assert_refused(said)
    assert "不能用" in said.err


def test_the_city_s_node_is_served_by_the_hub_s_program_and_no_other(desk: Desk) -> None:
    desk.ready()
    said = desk.run(node_main, "serve", "--data", desk.hub, "--bind", "127.0.0.1:1")
    assert_refused(said)
    assert "grid-hub" in said.err
    said = desk.run(hub_main, "serve", "--data", desk.county, "--bind", "127.0.0.1:1")
    assert_refused(said)
    assert "grid-node" in said.err


def test_what_only_the_city_does_is_refused_on_another_s_folder_and_changes_nothing(desk: Desk) -> None:
    desk.ready()
    file = desk.folder / "publish.json"
    file.write_text('[{"type": "cadence", "date": "2030-01-01", "profile": "dense"}]', encoding="utf-8")
    before = image(desk.county)
    for command in (
        ("publish", file),
        ("units", desk.units, "--date", "2030-01-01"),
        ("map", "--clear"),
        ("ca", "init"),
        ("ca", "issue", "a.internal", "--out", desk.folder / "out"),
        ("renew", "--recover", desk.hub / "root-recovery.key"),
    ):
        said = desk.run(hub_main, *command, "--data", desk.county)
        assert_refused(said)
        assert f"{WEST} 的节点，不是市级节点" in said.err, command
    assert image(desk.county) == before


def test_a_hub_is_not_made_again_for_a_unit_that_is_no_city(desk: Desk) -> None:
    desk.ready()
    key = desk.hub / "root-recovery.key"
    assert_refused(desk.run(hub_main, "init", "--recover", key, "--unit", WEST, "--data", desk.folder / "new"))
    assert not (desk.folder / "new").exists()
    assert desk.run(hub_main, "init", "--recover", key, "--unit", CITY, "--data", desk.folder / "new").code == 0


def test_a_folder_that_can_t_be_made_is_refused_in_one_line(desk: Desk) -> None:
    below = desk.units / "hub"
    said = desk.run(hub_main, "init", "--units", desk.units, "--data", below)
    assert_refused(said)
    assert f"{below} 写不进去：路径中间有一段是文件" in said.err


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.EACCES, 2, "没有权限"),
        (errno.EROFS, 2, "磁盘是只读的"),
        (errno.ENAMETOOLONG, 2, "名字太长"),
        (errno.ENOSPC, 1, "磁盘已满"),
    ],
)
def test_a_path_that_the_system_refuses_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], number: int, code: int, words: str
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise OSError(number, os.strerror(number), "/srv/grid/hub/config.toml")

    assert run(command(fail), []) == code
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(f"用不了 /srv/grid/hub/config.toml：{words}。请核对")


def test_another_user_s_database_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: argparse.Namespace) -> int:
        with closing(sqlite3.connect(f"file:{tmp_path / 'none.db'}?mode=ro", uri=True)) as conn:
            conn.execute("SELECT 1")
        return 0

    assert run(command(fail, tmp_path), []) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert str(tmp_path) in said.err


def test_an_error_of_the_program_itself_is_not_taken_for_a_wrong_path() -> None:
    def fail(_: argparse.Namespace) -> int:
        raise OSError(errno.EACCES, "no file is named")

    with pytest.raises(OSError, match="no file is named"):
        run(command(fail), [])


def command(deed: Any, folder: Path | None = None) -> argparse.ArgumentParser:
    """A program of one command."""
    parser = Parser(prog="grid-node")
    parser.set_defaults(run=deed, data=folder)
    return parser


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rollup", "--data", "x"), "缺少 --unit, --period"),
        (("status", "--data", "x", "--nonsense"), "没有 --nonsense 这个选项"),
        (("status", "--data"), "--data 后面要写值"),
        (("rollup", "--data", "x", "--unit", "1", "--period", "2026", "--tree", "old"), "--tree 不能是 'old'"),
        (("init", "--data", "x", "--seed", "x"), "--seed 不能是 'x'"),
    ],
)
def test_wrong_use_is_told_in_the_reader_s_language(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    said = desk.run(hub_main, *arguments)
    assert_refused(said)
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_missing_extra_comes_with_the_way_to_get_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ready()
    monkeypatch.setattr("hub.ca.find_spec", lambda _: None)
    said = desk.at_hub("ca", "init")
    assert_refused(said)
    assert ".venv/bin/pip install -c constraints.txt -e '.[ca]'" in said.err
