"""`grid-hub bulletin`: the bulletin of a unit and period; `grid-hub units`: the directory by a list of units."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hub import bulletin, bulletin_files, unit_changes
from hub.city_home import city_home
from hub.reading import text_in
from node.console import commands
from node.console.commands import Subparsers
from node.console.terminal import DONE, REFUSED, language, progress, show
from node.home import Home
from node.scope import unit_named
from schemas.errors import Invalid, NotFound
from schemas.labels import explain, label
from schemas.periods import parse_day
from sync.directory import tree_of


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
    units = sub.add_parser("units", help="由清单改目录 / change the directory by a list of units")
    units.add_argument("file", metavar="FILE.csv", help="code,name,level,parent_code[,kind][,old_code]")
    commands.data_option(units)
    units.add_argument("--date", required=True, metavar="DAY", help="生效日期 / from this day on")
    units.add_argument("--within", metavar="UNIT", help="清单管到哪个单位 / the unit that the list covers")
    units.add_argument("--close-missing", action="store_true", help="清单没有的视为撤销 / close what it leaves out")
    units.add_argument("--dry-run", action="store_true", help="只看会改什么 / show what would change")
    units.set_defaults(run=_units)


def _units(arguments: argparse.Namespace) -> int:
    home = city_home(Path(arguments.data))
    replica = home.replica()
    day = parse_day(arguments.date, "--date")
    within = arguments.within or replica.identity.unit
    if not tree_of(replica).exists(within):
        raise NotFound("unknown_unit", field="--within", value=within)
    text = text_in(Path(arguments.file), "FILE")
    made, trial = unit_changes.planned(replica, text, day, within, close_missing=arguments.close_missing)
    if made.faults:
        for fault in made.faults:
            progress(label(language(), "cli.units_line", line=fault.line, text=explain(language(), fault.error)))
        home.close()
        return REFUSED
    count = 0 if arguments.dry_run or not made.acts else unit_changes.signed(replica, trial)
    home.close()
    document = {"lines": made.lines, "unchanged": made.unchanged, "acts": made.counts, "signed": count}
    lines = [
        f"{act['act']:7} {act['unit']} {act.get('name', act.get('code', act.get('parent', '')))}" for act in made.acts
    ]
    words = label(language(), "cli.units_signed", n=count, planned=len(made.acts), unchanged=made.unchanged)
    show(arguments, document, "\n".join([*lines, words]))
    return DONE


def _bulletin(arguments: argparse.Namespace) -> int:
    if arguments.format == "pdf" and not arguments.output:
        raise Invalid("output_needed", field="-o", value=arguments.output, kind="pdf")
    remarks = text_in(Path(arguments.remarks), "--remarks") if arguments.remarks else ""
    home = Home(Path(arguments.data))
    replica = home.replica()
    unit = unit_named(replica, arguments.unit)
    document = bulletin.draft(replica, unit, arguments.period, language=language(), remarks=remarks)
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


def write_file(path: Path, content: bytes) -> None:
    """Writes a file. Raises Invalid where that can't be done."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Invalid("folder_not_writable", field="-o", value=path, why=error) from error
