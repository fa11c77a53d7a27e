"""The edge to the terminal: one JSON document or plain words on stdout, one clear line on stderr, exit codes."""

from __future__ import annotations

import argparse
import errno
import os
import re
import sqlite3
import sys
from typing import Any, Final, NoReturn

from node.keeping.damage import damage, out_of_bounds
from schemas.errors import Corrupt, GridError
from schemas.labels import DEFAULT_LANGUAGE, explain, has_label, label, reason
from schemas.strict_json import dumps

DONE: Final = 0
WRONG: Final = 1
REFUSED: Final = 2
_EVENT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
# What argparse says, which it says in English only.
USAGE: Final = (
    ("required", re.compile(r"the following arguments are required: (?P<names>.+)")),
    ("unknown", re.compile(r"unrecognized arguments: (?P<names>.+)")),
    ("no_value", re.compile(r"argument (?P<name>\S+): expected .+ arguments?")),
    ("no_choice", re.compile(r"argument (?P<name>\S+): invalid choice: (?P<value>.+) \(choose from (?P<allowed>.+)\)")),
    ("bad_value", re.compile(r"argument (?P<name>\S+): (?P<value>'.*')")),
)
# Errors of a path that can't be used as it is; on a full or broken disk, something is wrong here.
_NO_PATH: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG)
_NO_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def language() -> str:
    """English where the terminal says so, Chinese else."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if chosen.startswith("en") else DEFAULT_LANGUAGE


class Parser(argparse.ArgumentParser):
    """A command line that refuses in one clear line."""

    def error(self, message: str) -> NoReturn:
        """Wrong use: one line on stderr, exit code 2."""
        print(label(language(), "cli.usage", program=self.prog, why=usage(message)), file=sys.stderr)
        sys.exit(REFUSED)


def usage(message: str) -> str:
    """What argparse found wrong, in the reader's language."""
    for name, pattern in USAGE:
        if found := pattern.fullmatch(message):
            return label(language(), f"usage.{name}", **found.groupdict())
    return message


def refusal(error: GridError) -> str:
    """What was wrong and the way out, in one line."""
    way_out = f"way_out.{error.code}"
    more = label(language(), way_out) if has_label(language(), way_out) else ""
    return f"{explain(language(), error)} {more}" if more else explain(language(), error)


def run(parser: argparse.ArgumentParser, argv: list[str]) -> int:
    """Parses and runs; every refusal becomes one line and exit code 2, what is wrong with the disk 1."""
    arguments = parser.parse_args(events_last(argv))
    try:
        return int(arguments.run(arguments))
    except GridError as error:
        print(refusal(error), file=sys.stderr)
        return WRONG if isinstance(error, Corrupt) else REFUSED
    except sqlite3.DatabaseError as error:
        if out_of_bounds(error):
            print(label(language(), "cli.no_access", path=arguments.data), file=sys.stderr)
            return REFUSED
        wrong = damage(error)
        if wrong is None:
            raise
        print(label(language(), "cli.damaged", why=wrong), file=sys.stderr)
        return WRONG
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (`| head`); nothing is left to say
        return DONE
    except OSError as error:
        if error.filename is None or error.errno not in (*_NO_PATH, *_NO_DISK):
            raise
        path, why = error.filename, reason(language(), error)
        print(label(language(), "cli.path_unusable", path=path, why=why), file=sys.stderr)
        return REFUSED if error.errno in _NO_PATH else WRONG


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
