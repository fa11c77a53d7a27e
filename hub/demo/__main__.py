"""`./grid demo`: the city's hub and one node of each lower level on real units, with generated work synced up.

python -m hub.demo [--data DIR] [--port P] [--days N] [--seed N] [--once]
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final, NoReturn

from hub.demo import work as demo_work
from hub.demo.nodes import ROOT, DemoFailed, Place, Servers, choose_port, clear, configure, found_all, places
from hub.demo.show import logins, say
from hub.demo.story import add_people, name_of, play, settle
from node.cli import count
from node.console.terminal import DONE, REFUSED, WRONG, language, progress
from node.folder import locked, write_private
from node.home import Home
from schemas.clock import business_day
from schemas.errors import Conflict, GridError
from schemas.labels import explain
from schemas.strict_json import dumps, loads

INTERRUPTED: Final = 130
MAX_DAYS: Final = 60
NOTES: Final = "demo.json"
LOCK: Final = "demo.lock"
WATCH_S: Final = 1.0
PASSWORD_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Notes:
    """What a later start must know: the days of work, and one password a node. Complete once the totals were equal."""

    first: date
    last: date
    passwords: Mapping[str, str]
    complete: bool


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the hub's totals are those that were entered, 1 when not or when a node fails, 2 for wrong use."""
    arguments = _parser().parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)
    try:
        with _folder(arguments.data, once=arguments.once) as folder:
            return _run(folder, arguments)
    except DemoFailed as failure:
        say(failure.key, **failure.params)
        return WRONG
    except GridError as error:
        progress(explain(language(), error))
        return REFUSED
    except KeyboardInterrupt:
        say("demo.interrupted")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="grid demo", description="五级网格 演示 / FiveGrid demonstration")
    parser.add_argument("--data", type=Path, metavar="DIR", help="数据放在哪里，默认 .demo / where the data stand")
    parser.add_argument("--port", type=count, metavar="P", help="五个端口的第一个 / the first of five ports")
    parser.add_argument("--days", type=_days, default=14, metavar="N", help="到今天为止几天，1–60 / days up to today")
    parser.add_argument("--seed", type=count, default=1, metavar="N", help="随机种子 / seed of the generated work")
    parser.add_argument(
        "--once", action="store_true", help="新建、同步、核对后退出 / start afresh, sync, compare, exit"
    )
    return parser


def _days(text: str) -> int:
    days = count(text)
    if not 1 <= days <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"1–{MAX_DAYS}: {text!r}")
    return days


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """SIGTERM and a closed terminal end the demonstration as Ctrl-C does."""
    raise KeyboardInterrupt


@contextmanager
def _folder(given: Path | None, *, once: bool) -> Iterator[Path]:
    """Where the five nodes stand, held for us alone. With `once` a fresh folder, which stays where --data was given.

    Raises Conflict when another demonstration runs there, or when the folder holds something else.
    """
    if once and given is None:
        with tempfile.TemporaryDirectory(prefix="grid-demo-") as name:
            yield Path(name)
        return
    folder = ROOT / ".demo" if given is None else given.resolve()
    if folder.exists() and not folder.is_dir():
        raise Conflict("not_a_folder", field="--data", value=folder)
    if once:
        folder.mkdir(parents=True, exist_ok=True)
        yield Path(tempfile.mkdtemp(prefix="once-", dir=folder))
        return
    if folder.is_dir() and not (folder / NOTES).is_file() and any(one.name != LOCK for one in folder.iterdir()):
        raise Conflict("folder_not_empty", field="--data", value=folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK, wait=False):
        yield folder


def _run(folder: Path, arguments: argparse.Namespace) -> int:
    """Sets up or continues, compares, and without --once stays until it is interrupted."""
    started = time.monotonic()
    chain = places(folder, choose_port(arguments.port))
    notes = _read_notes(folder)
    fresh = notes is None or not notes.complete
    with Servers() as servers:
        if notes is None or not notes.complete:
            notes = _set_up(folder, chain, arguments, servers)
        else:
            _continue(folder, chain, notes, servers)
        with _opened(chain) as homes:
            days = demo_work.days_between(notes.first, notes.last)
            if fresh:
                add_people(homes, notes.passwords)
            entered = play(homes, days, arguments.seed) if fresh else None
            equal = settle(homes, entered, days)
            names = {place.unit: name_of(homes["hub"], place.unit, notes.last) for place in chain}
        say("demo.took", seconds=f"{time.monotonic() - started:.0f}")
        if not equal:
            return WRONG
        if fresh:
            _write_notes(folder, replace(notes, complete=True))
        try:
            logins(chain, names, notes.passwords)
            if not arguments.once:
                _stay(servers)
        except KeyboardInterrupt:  # the normal end
            say("demo.stopping")
    return DONE


def _set_up(folder: Path, chain: Sequence[Place], arguments: argparse.Namespace, servers: Servers) -> Notes:
    """Five new nodes, serving. What an interrupted set-up left is cleared away first."""
    say("demo.folder", folder=folder)
    days = demo_work.days_up_to(business_day(time.time_ns() // 1_000_000), arguments.days)
    passwords = {place.name: secrets.token_hex(PASSWORD_BYTES) for place in chain}
    notes = Notes(days[0], days[-1], passwords, complete=False)
    _write_notes(folder, notes)
    clear(chain)
    found_all(chain, arguments.seed, servers, lambda place: say(f"demo.starting.{place.name}"))
    return notes


def _continue(folder: Path, chain: Sequence[Place], notes: Notes, servers: Servers) -> None:
    """The nodes of an earlier run, serving again, on the present ports."""
    say("demo.continuing", folder=folder, first=notes.first, last=notes.last)
    for at, place in enumerate(chain):
        configure(chain, at)
        servers.start(place)


@contextmanager
def _opened(chain: Sequence[Place]) -> Iterator[dict[str, Home]]:
    """The five folders, opened beside their `serve`, and closed again."""
    homes = {place.name: Home(place.folder) for place in chain}
    try:
        yield homes
    finally:
        for home in homes.values():
            home.close()


def _stay(servers: Servers) -> NoReturn:
    """Watches over the nodes until Ctrl-C or SIGTERM. Raises DemoFailed when one ends by itself."""
    say("demo.running")
    while True:
        servers.check()
        time.sleep(WATCH_S)


def _write_notes(folder: Path, notes: Notes) -> None:
    """Keeps the notes, readable by their owner alone: they hold passwords."""
    value = {"first": notes.first.isoformat(), "last": notes.last.isoformat(), "passwords": dict(notes.passwords)}
    write_private(folder / NOTES, dumps({**value, "complete": notes.complete}).encode("utf-8"))


def _read_notes(folder: Path) -> Notes | None:
    """The notes of an earlier run, or None. Raises Conflict for a file that is not ours."""
    path = folder / NOTES
    if not path.is_file():
        return None
    match loads(path.read_bytes()):
        case {"first": str(first), "last": str(last), "passwords": dict(passwords), "complete": bool(complete)}:
            named = {name: str(password) for name, password in passwords.items()}
            return Notes(date.fromisoformat(first), date.fromisoformat(last), named, complete)
        case _:
            raise Conflict("folder_not_empty", field="--data", value=folder)


if __name__ == "__main__":
    sys.exit(main())
