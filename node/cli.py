"""`grid-node`: the commands of a node. The hub shares all but `init` and `check` (hub/cli.py)."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from node.app import create_app
from node.console import commands, commands_keep, setup
from node.console.terminal import Parser, run

PROGRAM: Final = "grid-node"


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit code of 4-interfaces: 0 done, 1 something wrong was found, 2 refused."""
    return run(parser(), sys.argv[1:] if argv is None else argv)


def parser() -> argparse.ArgumentParser:
    """The whole command line of a node."""
    top = Parser(prog=PROGRAM, description="五级网格 节点 / FiveGrid node")
    sub = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    init = sub.add_parser("init", help="凭一次性码登记本节点 / enrol this node with a one-time code")
    commands.data_option(init)
    init.add_argument("--unit", required=True, help="本节点的单位代码 / this node's unit")
    init.add_argument("--parent", required=True, help="上级地址 / the parent's address, http(s)://…")
    init.add_argument("--code", required=True, help="上级给的一次性码 / the code that the parent showed")
    init.add_argument("--replace", action="store_true", help="接替本单位原来的节点 / take the place of the unit's node")
    init.add_argument(
        "--ca", metavar="FILE", help="上级用本市自建证书时：ca.crt / the city's own CA, if the parent uses it"
    )
    init.set_defaults(run=setup.init_node)
    check = sub.add_parser("check", help="记一次排查 / record one check")
    commands.data_option(check)
    check.add_argument("--unit", required=True)
    check.add_argument("--date", required=True, help="YYYY-MM-DD")
    check.add_argument("--zero", action="store_true", help="无事 / nothing found")
    check.add_argument("--disputes", type=count, help="矛盾纠纷件数 / disputes found")
    check.add_argument("--hazards", type=count, help="安全隐患件数 / hazards found")
    check.set_defaults(run=commands.check)
    renewed = sub.add_parser("renew", help="换发本节点的密钥 / give this node a new key")
    commands.data_option(renewed)
    renewed.set_defaults(run=commands_keep.renew)
    commands.common(sub, create_app, of_city=False)
    return top


def count(text: str) -> int:
    """A number as typed: ASCII digits only. Raises ArgumentTypeError naming it."""
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise argparse.ArgumentTypeError(f"{text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
