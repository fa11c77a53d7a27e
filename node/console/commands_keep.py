"""`backup DEST`, `restore SRC`, and `renew`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from node.console.terminal import DONE, language, show
from node.home import Home
from node.keeping import backups
from node.keeping.backups import Copied
from schemas.errors import GridError
from schemas.labels import label
from sync import renewal
from sync.env import SystemEnv
from sync.keys import Signer
from sync.replica import Replica
from sync.transport import HttpTransport


def back_up(arguments: argparse.Namespace) -> int:
    """Puts database and keys aside, beside a running `serve`."""
    home = Home(Path(arguments.data))
    copied = backups.back_up(home.replica(), home.folder, Path(arguments.dest))
    home.close()
    show(arguments, _document(copied), label(language(), "cli.backed_up", **_words(copied)))
    return DONE


def put_back(arguments: argparse.Namespace) -> int:
    """Puts a backup in the place of the database, which is kept aside."""
    folder = Path(arguments.data)
    now_ms = SystemEnv(folder, HttpTransport()).now_ms()
    copied = backups.put_back(Path(arguments.src), folder, now_ms)
    show(
        arguments,
        _document(copied),
        label(language(), "cli.restored" if copied.kept else "cli.restored_new", **_words(copied)),
    )
    return DONE


def renew(arguments: argparse.Namespace) -> int:
    """`grid-node renew`: a new key for this node, beside a running `serve`."""
    return renew_by(arguments, renewal.renew)


def renew_by(arguments: argparse.Namespace, deed: Callable[[Replica, Signer], str]) -> int:
    """A new key, certified by what `deed` does. The earlier keys stay in the folder."""
    home = Home(Path(arguments.data))
    earlier, fresh = home.replica().identity.node, home.new_key()
    try:
        with home.sync_turn():  # no exchange is under way
            node = deed(home.replica(), fresh)
    except GridError:
        home.drop_key(fresh)
        raise
    home.close()
    show(arguments, {"node": node, "succeeds": earlier}, label(language(), "cli.renewed", node=node, earlier=earlier))
    return DONE


def _document(copied: Copied) -> dict[str, object]:
    return {
        "node": copied.node, "events": copied.events, "bytes": copied.size, "path": str(copied.path),
        "kept": str(copied.kept) if copied.kept else None,
    }  # fmt: skip


def _words(copied: Copied) -> dict[str, object]:
    return {"events": copied.events, "path": copied.path, "kept": copied.kept or "—"}
