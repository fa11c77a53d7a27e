"""The demonstration: from nothing to five nodes whose totals are equal, and nothing left behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live import ROOT, STOP_S, wait_for
from ports import HOST, free_port

from hub.demo.__main__ import main

pytestmark = pytest.mark.system
RUN_S = 900
NODES = 5
EQUAL = "totals equal"
STARTED = "http://127.0.0.1:"
WRONG_USE = {
    "no days": ("--days", "0"),
    "too many days": ("--days", "61"),
    "full-width days": ("--days", "１４"),
    "a negative seed": ("--seed", "-1"),
    "a port of the system": ("--port", "80"),
    "no room for five ports": ("--port", "65535"),
    "a file for a folder": ("--data", __file__),
    "a folder that holds something else": ("--data", str(Path(__file__).parent)),
    "an unknown option": ("--nosuch",),
}


def demo(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A run to its end, which has to be with this exit code."""
    line = [sys.executable, "-m", "hub.demo", *words]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def serving(folder: Path) -> list[str]:
    """Processes of this machine that serve something under the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
            if str(folder) in line and "serve" in line:
                found.append(f"{entry.name} {line}")
    return found


@pytest.mark.parametrize("words", WRONG_USE.values(), ids=WRONG_USE.keys())
def test_wrong_use_is_refused_with_exit_code_2_and_changes_nothing(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of the test run stay
    try:
        code = main(words)
    except SystemExit as stop:  # argparse's own
        code = int(stop.code or 0)
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.strip()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = demo("--once", "--data", str(tmp_path), "--port", str(port), code=2)
    assert str(port) in done.stderr


def test_two_days_once_end_with_equal_totals_and_without_a_process(tmp_path: Path) -> None:
    done = demo("--once", "--days", "2", "--data", str(tmp_path), "--port", str(free_port(NODES)))
    assert EQUAL in done.stdout
    assert done.stdout.count(STARTED) == NODES
    (made,) = tmp_path.iterdir()
    assert serving(made) == []
    left = [str(path.relative_to(made)) for path in made.rglob("*") if path.name.endswith(("-wal", "-shm"))]
    assert left == [], [log.read_text("utf-8", "replace")[-1000:] for log in made.glob("*.log")]


def test_a_demonstration_can_be_stopped_and_continued_and_one_that_is_killed_takes_its_nodes_along(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "demo"
    with running(folder) as (process, first):
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0
    assert serving(folder) == []

    with running(folder) as (process, second):
        assert len(serving(folder)) >= NODES
        beside = demo("--data", str(folder), code=2)
        assert str(folder) in beside.stderr
        process.kill()
        process.wait(STOP_S)
    wait_for(lambda: serving(folder) == [], STOP_S, lambda: serving(folder))

    assert EQUAL in first
    assert EQUAL in second
    passwords = [[line.split()[-1] for line in out.splitlines() if STARTED in line] for out in (first, second)]
    assert passwords[0] == passwords[1]
    assert len(set(passwords[0])) == NODES


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demonstration of one day that has printed its logins, and what it printed; ended in any case."""
    line = [sys.executable, "-m", "hub.demo", "--days", "1", "--data", str(folder), "--port", str(free_port(NODES))]
    with subprocess.Popen(
        line, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            printed = ""
            while printed.count(STARTED) < NODES:
                line_read = process.stdout.readline()
                assert line_read, printed
                printed += line_read
            yield process, printed
        finally:
            process.terminate()
