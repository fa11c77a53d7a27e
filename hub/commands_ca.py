"""`grid-hub ca init` and `grid-hub ca issue`: https by the city's own certificate authority."""

from __future__ import annotations

import argparse
from pathlib import Path

from hub import ca
from hub.city_home import city_home
from node.console import commands
from node.console.commands import Subparsers
from node.console.terminal import DONE, Parser, language, show
from node.evidence import audit
from schemas.clock import business_day
from schemas.labels import label
from sync.database import write
from sync.directory import tree_of
from sync.replica import Replica


def add(sub: Subparsers) -> None:
    """Adds the commands of this module."""
    top = sub.add_parser("ca", help="本市自建证书 / https by the city's own CA")
    acts = top.add_subparsers(dest="act", required=True, metavar="ACT", parser_class=Parser)
    init = acts.add_parser("init", help="建立本市证书机构 / make the CA")
    commands.data_option(init)
    init.add_argument("--domain", action="append", default=[], help="可签发的域名 / names below it may be signed")
    init.set_defaults(run=_init)
    issue = acts.add_parser("issue", help="给节点签发证书 / a certificate for a node")
    issue.add_argument("names", nargs="+", metavar="NAME", help="域名或内网地址 / a name or a private address")
    commands.data_option(issue)
    issue.add_argument("--out", required=True, metavar="FOLDER", help="放证书的文件夹 / where the files go")
    issue.add_argument("--renew", action="store_true", help="换掉已有的 / in the place of one that is there")
    issue.set_defaults(run=_issue)


def _init(arguments: argparse.Namespace) -> int:
    home = city_home(Path(arguments.data))
    replica = home.replica()
    city = tree_of(replica).nearest(replica.identity.unit, business_day(replica.env.now_ms()))
    name = city.name if city else replica.identity.unit
    made = ca.init(home.folder, name, arguments.domain, replica.env.now_ms())
    _audit(replica, "ca_made", made)
    home.close()
    return _told(arguments, made, "cli.ca_made")


def _issue(arguments: argparse.Namespace) -> int:
    home = city_home(Path(arguments.data))
    replica = home.replica()
    now = replica.env.now_ms()
    made = ca.issue(home.folder, arguments.names, Path(arguments.out), now, renew=arguments.renew)
    _audit(replica, "ca_issued", made)
    home.close()
    return _told(arguments, made, "cli.ca_issued")


def _audit(replica: Replica, act: str, made: ca.Issued) -> None:
    with write(replica.db, "user", replica.env):
        audit.note(replica, act, subject=", ".join(made.names))


def _told(arguments: argparse.Namespace, made: ca.Issued, words: str) -> int:
    document = {
        "names": list(made.names),
        "not_after": made.not_after.isoformat().replace("+00:00", "Z"),
        "fingerprint": made.fingerprint,
        "folder": str(made.folder),
    }
    shown = document | {"names": ", ".join(made.names), "not_after": made.not_after.date().isoformat()}
    show(arguments, document, label(language(), words, **shown))
    return DONE
