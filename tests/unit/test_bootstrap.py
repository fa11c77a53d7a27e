"""`./grid`: what it refuses, what it hands on, and when it installs again."""

from __future__ import annotations

import ast
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
TAG = "cpython-311"
LIMIT_S = 300  # generous: a busy machine is slow and not wrong


@pytest.fixture(scope="module")
def grid() -> Any:
    """The file `grid` as a module; it has no `.py` to be found by."""
    loader = SourceFileLoader("grid_bootstrap", str(PROJECT / "grid"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no cache file beside it
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = keep
    return module


@pytest.fixture
def tree(tmp_path: Path, grid: Any) -> Path:
    """A project folder with the files that decide what is installed, and nothing else."""
    for name in ("grid", *grid.PINNED_BY):
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def pretend_installed(grid: Any, root: Path, extra: str) -> None:
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(sys.executable)
    for name in grid.SCRIPTS:
        (root / name).touch()
    (root / grid.STAMP).write_text("\n".join(grid.stamps(root, TAG, extra)))


def call(*args: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, PROJECT / "grid", *args], capture_output=True, text=True, timeout=LIMIT_S)
    return done.returncode, done.stdout, done.stderr


def test_no_command_shows_the_usage_in_both_languages_and_exits_2(grid: Any) -> None:
    assert call() == (2, "", grid.USAGE)


def test_an_unknown_command_is_named_and_exits_2(grid: Any) -> None:
    assert call("dmeo", "--once") == (2, "", grid.TEXT["unknown"].format(name="dmeo") + "\n")


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help_goes_to_stdout_and_exits_0(grid: Any, word: str) -> None:
    assert call(word) == (0, grid.USAGE, "")


def test_an_old_python_is_told_so_in_both_languages_and_exits_2() -> None:
    old = "import sys; sys.version_info = (3, 9, 2); sys.argv = ['grid']; exec(open('grid').read())"
    done = subprocess.run([sys.executable, "-c", old], capture_output=True, text=True, cwd=PROJECT, timeout=LIMIT_S)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "需要 Python 3.11 或更新版本，这里是 3.9；请用 python3.11 grid … 运行。\n"
        "Python 3.11 or newer is needed, this one is 3.9; run python3.11 grid … instead.\n"
    )


def test_the_file_parses_under_an_old_python() -> None:
    ast.parse((PROJECT / "grid").read_text("utf-8"), feature_version=(3, 7))


def test_without_the_venv_module_a_user_who_is_not_root_gets_the_exact_line(grid: Any) -> None:
    told = grid.advice((3, 11), root_user=False, debian=True)
    line = "sudo apt-get update && sudo apt-get install -y python3.11-venv"
    assert (told.code, told.key, told.params) == (2, "need_debian", {"line": line})
    assert grid.TEXT["need_debian"].format(line=line).endswith(f"run this first:\n  {line}")
    elsewhere = grid.advice((3, 12), root_user=True, debian=False)
    assert (elsewhere.code, elsewhere.key, elsewhere.params) == (2, "need_venv", {"python": sys.executable})


@pytest.mark.parametrize("lack", ["venv", "ensurepip"])
def test_a_missing_module_installs_nothing_without_root(grid: Any, monkeypatch: pytest.MonkeyPatch, lack: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(grid.importlib.util, "find_spec", lambda name: None if name == lack else real(name))
    monkeypatch.setattr(grid.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(grid, "run", pytest.fail)
    with pytest.raises(grid.Stop) as stop:
        grid.ensure_venv_module()
    assert stop.value.code == 2


def test_a_venv_that_is_a_link_is_left_alone(grid: Any, tree: Path) -> None:
    (tree / "elsewhere").mkdir()
    (tree / "elsewhere/keep.txt").write_text("mine")
    (tree / ".venv").symlink_to("elsewhere")
    with pytest.raises(grid.Stop, match="not_ours"):
        grid.set_up(tree, "")
    assert (tree / "elsewhere/keep.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("argv", "read"),
    [
        ([], ("nothing", [])),
        (["-h"], ("help", [])),
        (["demo", "--port", "8000", "-h"], ("demo", ["--port", "8000", "-h"])),
        (["test"], ("test", [])),
        (["sim", "--seeds", "9"], ("sim", ["--seeds", "9"])),
        (["bench", "todo", "--cases", "9"], ("bench", ["todo", "--cases", "9"])),
        (["test", "-k", "one or two", "tests/unit"], ("test", ["-k", "one or two", "tests/unit"])),
    ],
)
def test_everything_after_the_command_is_handed_on_untouched(
    grid: Any, argv: list[str], read: tuple[str, list[str]]
) -> None:
    assert grid.read_command(argv) == read


@pytest.fixture
def ran(grid: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What `grid` would have run, in order, without the path of `.venv/bin`; nothing is set up."""
    lines: list[list[str]] = []

    def note(line: list[str], *_: object, **__: object) -> None:
        lines.append([part.removeprefix(f"{PROJECT}/.venv/bin/") for part in line])

    def note_and_end(line: list[str]) -> None:
        note(line)
        raise SystemExit

    monkeypatch.setattr(grid, "set_up", lambda _, extra: note(["set up", extra]))
    monkeypatch.setattr(grid, "run", note)
    monkeypatch.setattr(grid, "hand_over", note_and_end)
    monkeypatch.setattr(grid.signal, "signal", lambda *_: None)
    monkeypatch.chdir(PROJECT)
    return lines


def test_with_arguments_only_pytest_runs(grid: Any, ran: list[list[str]]) -> None:
    with pytest.raises(SystemExit):
        grid.main(["test", "-k", "law"])
    assert ran == [["set up", "dev"], ["python", "-m", "pytest", "-k", "law"]]


def test_without_arguments_the_static_checks_come_first_and_pytest_last(grid: Any, ran: list[list[str]]) -> None:
    with pytest.raises(SystemExit):
        grid.main(["test"])
    assert [" ".join(line[:4]) for line in ran] == [
        "set up dev",
        "python -m ruff check",
        "python -m ruff format",
        "python -m mypy --strict",
        "python -m mypy --strict",
        "lint-imports",
        "python -m pytest -n",
    ]


def test_the_first_failing_check_ends_the_run_with_its_own_exit_code(
    grid: Any, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "checks", lambda _: [["ok"], ["bad"], ["never"]])
    note = grid.run

    def fail_on_bad(line: list[str], *_: object, **__: object) -> None:
        note(line)
        if line == ["bad"]:
            raise grid.Stop(7, "failed", status=7, line="bad")

    monkeypatch.setattr(grid, "run", fail_on_bad)
    assert grid.main(["test"]) == 7
    assert ran == [["set up", "dev"], ["ok"], ["bad"]]


def test_the_demo_gets_its_arguments_and_no_dev_tools(grid: Any, ran: list[list[str]]) -> None:
    with pytest.raises(SystemExit):
        grid.main(["demo", "--once", "--data", "x"])
    assert ran == [["set up", ""], ["python", "-P", "-m", "hub.demo", "--once", "--data", "x"]]


def test_the_stamp_changes_with_every_file_extra_python_and_folder(grid: Any, tree: Path, tmp_path: Path) -> None:
    first = grid.stamps(tree, TAG, "dev")
    assert grid.stamps(tree, TAG, "dev") == first
    seen = {first, grid.stamps(tree, TAG, ""), grid.stamps(tree, "cpython-312", "dev")}
    for name in grid.PINNED_BY:
        (tree / name).write_text("changed")
        seen.add(grid.stamps(tree, TAG, "dev"))
    seen.add(grid.stamps(shutil.copytree(tree, tmp_path / "copy"), TAG, "dev"))
    assert len(seen) == 4 + len(grid.PINNED_BY)


def test_nothing_is_done_when_the_stamp_fits(grid: Any, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "python_of", lambda _: TAG)
    pretend_installed(grid, tree, "dev")
    assert grid.still_to_do(tree, TAG, "dev") == "nothing"
    assert grid.still_to_do(tree, TAG, "") == "nothing"  # the dev tools do the demo no harm


@pytest.mark.parametrize(
    ("spoil", "left"),
    [
        (lambda root: (root / "constraints.txt").write_text("newer\n"), "packages"),
        (lambda root: (root / ".venv/bin/grid-hub").unlink(), "packages"),
        (lambda root: (root / ".venv/grid-stamp").write_text(""), "venv"),
        (lambda root: (root / ".venv/grid-stamp").write_bytes(b"\xff\x00"), "venv"),
        (lambda root: (root / ".venv/grid-stamp").unlink(), "venv"),  # an interrupted installation
    ],
)
def test_what_is_spoilt_is_made_again(
    grid: Any, tree: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object], left: str
) -> None:
    monkeypatch.setattr(grid, "python_of", lambda _: TAG)
    pretend_installed(grid, tree, "")
    spoil(tree)
    assert grid.still_to_do(tree, TAG, "") == left


def test_the_demo_alone_does_not_serve_the_tests(grid: Any, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "python_of", lambda _: TAG)
    pretend_installed(grid, tree, "")
    assert grid.still_to_do(tree, TAG, "dev") == "packages"


def test_a_venv_whose_python_is_gone_is_made_again(grid: Any, tree: Path) -> None:
    pretend_installed(grid, tree, "")
    (tree / ".venv/bin/python").unlink()
    (tree / ".venv/bin/python").symlink_to("/nowhere/python3")
    assert grid.python_of(tree) is None
    assert grid.still_to_do(tree, TAG, "") == "venv"


def test_a_failed_installation_leaves_no_stamp(grid: Any, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = sys.implementation.cache_tag
    monkeypatch.setattr(grid, "python_of", lambda _: tag)
    pretend_installed(grid, tree, "")
    (tree / grid.STAMP).write_text("\n".join((grid.stamps(tree, tag, "")[0], "older")))

    def fail(*_: object, **__: object) -> None:
        raise grid.Stop(1, "failed", status=1, line="pip")

    monkeypatch.setattr(grid, "run", fail)
    with pytest.raises(grid.Stop, match="failed"):
        grid.set_up(tree, "")
    assert not (tree / grid.STAMP).exists()


def test_a_second_process_waits_until_the_first_is_done(grid: Any, tree: Path, capsys: pytest.CaptureFixture) -> None:
    first = os.open(tree / "grid", os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)

    def let_go(_: float) -> None:
        fcntl.flock(first, fcntl.LOCK_UN)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid.time, "sleep", let_go)
        with grid.locked(tree):
            pass
    os.close(first)
    assert capsys.readouterr().err == grid.TEXT["waiting"] + "\n"


def test_a_quiet_command_that_fails_shows_its_output(grid: Any, capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(grid.Stop) as stop:
        grid.run([sys.executable, "-c", "print('no such package'); raise SystemExit(3)"], LIMIT_S, quiet=True)
    assert (stop.value.code, stop.value.params["status"]) == (1, 3)
    assert capfd.readouterr().err == "no such package\n"


def state_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def test_a_command_over_its_limit_is_ended_with_its_children(grid: Any, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    nested = f"sleep {LIMIT_S * 2} & echo $! > {note}.new; mv {note}.new {note}; wait"
    for limit_s in (1, 10, 100):  # until the machine was quick enough to begin
        with pytest.raises(grid.Stop, match="too_slow"):
            grid.run(["sh", "-c", nested], limit_s, quiet=False)
        if note.exists():
            break
    until = time.monotonic() + LIMIT_S  # the kernel takes its moment; a zombie has ended too
    while (state := state_of(int(note.read_text()))) not in ("gone", "Z"):
        assert time.monotonic() < until, state
