"""`grid-hub bulletin`: the bulletin of a unit and period as a file or on the terminal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hub import bulletin, bulletin_files
from node import commands
from node.commands import Subparsers
from node.home import Home
from node.terminal import DONE, language, show
from schemas.errors import Invalid


def add(sub: Subparsers) -> None:
    """Adds the commands of this module."""
    bulletins = sub.add_parser("bulletin", help="通报 / the bulletin of a unit and period")
    commands.data_option(bulletins)
    bulletins.add_argument("--unit", required=True)
    bulletins.add_argument("--period", required=True)
    bulletins.add_argument("--format", default="md", choices=bulletin_files.FORMATS)
    bulletins.add_argument("--remarks", metavar="FILE", help="工作说明 / a text file with remarks")
    bulletins.add_argument("-o", dest="output", metavar="FILE")
    bulletins.set_defaults(run=_bulletin)


def _bulletin(arguments: argparse.Namespace) -> int:
    if arguments.format == "pdf" and not arguments.output:
        raise Invalid("output_needed", field="-o", value=arguments.output)
    remarks = _text(Path(arguments.remarks)) if arguments.remarks else ""
    home = Home(Path(arguments.data))
    document = bulletin.draft(home.replica(), arguments.unit, arguments.period, language=language(), remarks=remarks)
    home.close()
    content = bulletin_files.rendered(document, arguments.format)
    if arguments.output:
        write_file(Path(arguments.output), content)
    elif arguments.json:
        show(arguments, {**document, "text": content.decode("utf-8")}, "")
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    return DONE


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("file_unreadable", field="--remarks", value=path, why=error) from error


def write_file(path: Path, content: bytes) -> None:
    """Writes a file. Raises Invalid where that can't be done."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Invalid("folder_not_writable", field="-o", value=f"{path}: {error.strerror}") from error
