"""The edge to the terminal: one JSON document or plain words on stdout, one clear line on stderr, exit codes."""

from __future__ import annotations

import argparse
import os
import re
import sqlite3
import sys
from typing import Any, Final, NoReturn

from node.keeping.damage import damage
from schemas.errors import Corrupt, GridError
from schemas.labels import DEFAULT_LANGUAGE, explain, label
from schemas.strict_json import dumps
from sync.env import TransportError

DONE: Final = 0
WRONG: Final = 1
REFUSED: Final = 2
_EVENT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def language() -> str:
    """English where the terminal says so, Chinese else."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if chosen.startswith("en") else DEFAULT_LANGUAGE


class Parser(argparse.ArgumentParser):
    """A command line that refuses in one clear line."""

    def error(self, message: str) -> NoReturn:
        """Wrong use: one line on stderr, exit code 2."""
        print(label(language(), "cli.usage", program=self.prog, why=message), file=sys.stderr)
        sys.exit(REFUSED)


def run(parser: argparse.ArgumentParser, argv: list[str]) -> int:
    """Parses and runs; every refusal becomes one line and exit code 2, an unreachable parent 1."""
    arguments = parser.parse_args(events_last(argv))
    try:
        return int(arguments.run(arguments))
    except GridError as error:
        print(explain(language(), error), file=sys.stderr)
        return WRONG if isinstance(error, Corrupt) else REFUSED
    except sqlite3.DatabaseError as error:
        wrong = damage(error)
        if wrong is None:
            raise
        print(label(language(), "cli.damaged", why=wrong), file=sys.stderr)
        return WRONG
    except TransportError as error:
        print(label(language(), "cli.unreachable", why=error), file=sys.stderr)
        return WRONG
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (`| head`); nothing is left to say
        return DONE


def events_last(argv: list[str]) -> list[str]:
    """The words of a command, its events behind `--` if one of them begins with a dash, as one in 64 does: it would be
    taken for an option.
    """
    events = [word for word in argv if _EVENT.fullmatch(word)]
    if not any(event.startswith("-") for event in events):
        return argv
    return [*(word for word in argv if word not in events), "--", *events]


def show(arguments: argparse.Namespace, document: dict[str, Any], plain: str) -> None:
    """Prints the document with --json, the plain words else."""
    print(dumps(document) if arguments.json else plain)


def progress(text: str) -> None:
    """A word on long work, on stderr, so that stdout stays clean."""
    print(text, file=sys.stderr, flush=True)
