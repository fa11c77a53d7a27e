"""`grid-hub`: the commands of the city's own node."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Final

from hub import commands_ca, commands_city
from hub.app import create_hub_app
from hub.city_home import city_home
from hub.city_map import clear_map, load_map
from hub.directory import init_hub
from hub.publishing import ends_of_group_duties, entries_in, publish
from hub.recovery import read_recovery_key, recover_hub, renew_hub
from node.cli import count
from node.console import commands, commands_keep
from node.console.terminal import DONE, Parser, language, progress, run, show
from node.figures import rollup
from node.figures.asof import known_at
from node.figures.exports import about, rollup_file, text_table, with_definitions
from node.figures.masks import mask
from node.home import Home
from node.scope import unit_named
from schemas.comparison import BOTH, KINDS
from schemas.errors import Invalid
from schemas.labels import label
from schemas.strict_json import dumps
from sync.keys import Signer

PROGRAM: Final = "grid-hub"
FORMATS: Final = ("table", "json", "csv", "xlsx")
MAX_GROUPS: Final = 899


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit code of 4-interfaces."""
    return run(parser(), sys.argv[1:] if argv is None else argv)


def parser() -> argparse.ArgumentParser:
    """The whole command line of the hub."""
    top = Parser(prog=PROGRAM, description="五级网格 市级节点 / FiveGrid hub")
    sub = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    init = sub.add_parser("init", help="由单位名单建立市级节点 / lay the hub out from a unit list")
    commands.data_option(init)
    init.add_argument("--units", metavar="FILE.csv", help="code,name,level,parent_code")
    init.add_argument("--recover", metavar="KEYFILE", help="用根恢复密钥重建 / a new hub by the root key")
    init.add_argument("--unit", metavar="CITY", help="与 --recover 同用：市级单位 / with --recover: the city's code")
    init.add_argument("--profile", metavar="NAME", help="制度 / cadence profile")
    init.add_argument("--groups-per-village", type=count, default=0, metavar="K")
    init.add_argument("--seed", type=count, default=1, metavar="N")
    init.add_argument("--database", metavar="URL", help="市级节点只用 SQLite，不接受 / refused: SQLite only")
    init.set_defaults(run=_init)
    figures = sub.add_parser("rollup", help="统计 / figures of any unit and period")
    commands.data_option(figures)
    figures.add_argument("--unit", required=True)
    figures.add_argument("--period", required=True)
    figures.add_argument("--by", metavar="DIMENSION")
    figures.add_argument("--campaign", metavar="ID", help="只看一次集中排查 / one campaign's checks")
    figures.add_argument("--categories", metavar="LIST", help="按这一版类别归并 / old codes mapped to this version")
    figures.add_argument("--compare", choices=(*KINDS, BOTH), help="与上期、去年同期比 / beside other periods")
    figures.add_argument("--tree", default="then", choices=("then", "now"))
    figures.add_argument("--as-of", metavar="INSTANT")
    figures.add_argument("--format", default=None, choices=FORMATS)
    figures.add_argument("-o", dest="output", metavar="FILE")
    figures.set_defaults(run=_rollup)
    commands_city.add(sub)
    commands_ca.add(sub)
    publish = sub.add_parser("publish", help="发布制度和目录变动 / publish cadence and directory acts")
    publish.add_argument("file", metavar="FILE.json")
    commands.data_option(publish)
    publish.set_defaults(run=_publish)
    shapes = sub.add_parser("map", help="县区边界图（GeoJSON）/ the city's own map of its counties")
    shapes.add_argument("file", nargs="?", metavar="FILE.geojson", help="各县（市、区）的面 / an area for each county")
    shapes.add_argument("--clear", action="store_true", help="去掉地图，恢复方块图 / back to tiles")
    commands.data_option(shapes)
    shapes.set_defaults(run=_map)
    renewed = sub.add_parser("renew", help="用根恢复密钥换发市级节点的密钥 / give the hub a new key by the root key")
    commands.data_option(renewed)
    renewed.add_argument("--recover", required=True, metavar="KEYFILE", help="根恢复密钥文件 / the root recovery key")
    renewed.set_defaults(run=_renew)
    commands.common(sub, create_hub_app, of_city=True)
    return top


def _init(arguments: argparse.Namespace) -> int:
    if arguments.database is not None:
        raise Invalid("database_not_taken", field="--database", value=without_password(arguments.database))
    if (arguments.units is None) == (arguments.recover is None) or (arguments.recover and not arguments.unit):
        raise Invalid("init_units_or_recover", field="--units", value=arguments.units)
    if arguments.recover is not None:
        return _recover(arguments)
    per_village = arguments.groups_per_village
    if per_village > MAX_GROUPS:
        raise Invalid("too_many_groups", field="--groups-per-village", value=per_village, limit=MAX_GROUPS)
    document = init_hub(Path(arguments.data), Path(arguments.units), arguments.profile, per_village, arguments.seed)
    admin = document["admin"]
    words = label(
        language(), "cli.hub_init_done", unit=document["unit"], node=document["node"], name=admin["name"],
        code=admin["code"],
    )  # fmt: skip
    show(arguments, document, words)
    return DONE


def without_password(url: str) -> str:
    """The address of a database without what stands between its user and its host: a terminal's words are kept."""
    return re.sub(r"(password=)[^&\s]*", r"\1…", re.sub(r"://([^/@:]*):.*@", r"://\1@", url))


def _recover(arguments: argparse.Namespace) -> int:
    document = recover_hub(Path(arguments.data), Path(arguments.recover), arguments.unit)
    admin = document["admin"]
    words = label(
        language(), "cli.hub_recovered", unit=document["unit"], node=document["node"], name=admin["name"],
        code=admin["code"],
    )  # fmt: skip
    show(arguments, document, words)
    return DONE


def _renew(arguments: argparse.Namespace) -> int:
    city_home(Path(arguments.data)).close()
    root = Signer(read_recovery_key(Path(arguments.recover)))
    return commands_keep.renew_by(arguments, lambda replica, fresh: renew_hub(replica, root, fresh))


def _rollup(arguments: argparse.Namespace) -> int:
    kind = arguments.format or ("json" if arguments.json else "table")
    if kind == "xlsx" and not arguments.output:
        raise Invalid("output_needed", field="-o", value=arguments.output, kind=kind)
    home = Home(Path(arguments.data))
    replica = home.replica()
    with known_at(replica, arguments.as_of) as (earlier, at_ms):
        document = rollup.answer(
            earlier, unit_named(replica, arguments.unit), arguments.period, by=arguments.by, tree=arguments.tree,
            now_ms=at_ms, language=language(), campaign=arguments.campaign, categories=arguments.categories,
            compare=arguments.compare,
        )  # fmt: skip
        if kind in ("csv", "xlsx"):
            document = mask(earlier, document, arguments.by)
    home.close()
    if kind == "json":
        content = (dumps(with_definitions(document, language())) + "\n").encode("utf-8")
    elif kind == "table":
        content = text_table(document, language()).encode("utf-8")
    else:
        content = rollup_file(document, kind, language())[0]
    if arguments.output:
        commands_city.write_file(Path(arguments.output), content)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    if kind == "csv":  # which has no place to say it: its bytes are the figures
        progress(about(document, language()))
    return DONE


def _publish(arguments: argparse.Namespace) -> int:
    home = city_home(Path(arguments.data))
    entries = entries_in(Path(arguments.file))
    published = publish(home.replica(), entries, located=True)
    home.close()
    for day in ends_of_group_duties(entries):
        progress(label(language(), "cli.group_duties_end", date=day))
    show(arguments, published, label(language(), "cli.published", **published))
    return DONE


def _map(arguments: argparse.Namespace) -> int:
    if (arguments.file is None) == (not arguments.clear):
        raise Invalid("map_file_or_clear", field="FILE", value=arguments.file)
    home = city_home(Path(arguments.data))
    if arguments.clear:
        document = clear_map(home.replica())
        words = label(language(), "cli.map_cleared")
    else:
        document = load_map(home.replica(), Path(arguments.file))
        without = (
            label(language(), "cli.map_without", names="、".join(document["without"])) if document["without"] else ""
        )
        words = label(language(), "cli.map_loaded", n=document["units"], without=without)
    home.close()
    show(arguments, document, words)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
