"""`erase EVENT... --ground TEXT` and `uncover --ground TEXT`."""

from __future__ import annotations

import argparse
from pathlib import Path

from node.cases.private import uncover as uncover_private
from node.console.terminal import DONE, language, show
from node.home import Home
from schemas.labels import label
from sync import erase as erasing


def erase(arguments: argparse.Namespace) -> int:
    """Erases the private parts of events for good, here and wherever they went."""
    home = Home(Path(arguments.data))
    signed = erasing.erase(home.replica(), arguments.events, arguments.ground)
    clean = erasing.scrub(home.replica())
    home.close()
    erased = list(dict.fromkeys(arguments.events))
    document = {"event": signed.hash, "erased": erased, "files_clean": clean}
    words = label(language(), "cli.erased", count=len(erased), event=signed.hash)
    show(arguments, document, words if clean else f"{words}\n{label(language(), 'cli.erase_not_clean')}")
    return DONE


def uncover(arguments: argparse.Namespace) -> int:
    """Shows private texts of a restored database before it has synced; logged with its ground."""
    home = Home(Path(arguments.data))
    was = uncover_private(home.replica(), arguments.ground)
    home.close()
    show(arguments, {"uncovered": was}, label(language(), "cli.uncovered" if was else "cli.not_covered"))
    return DONE
