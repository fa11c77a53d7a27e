"""Commands that every node has, the hub included."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flask import Flask

from node import status
from node.console import commands_carry, commands_erase, commands_keep
from node.console.terminal import DONE, WRONG, language, progress, show
from node.daily import checks
from node.folder import SERVE_LOCK, locked
from node.grid import Grid
from node.home import Home
from node.keeping import mending
from node.keeping.doctor import examine
from node.keeping.repair import repair
from node.people import accounts
from schemas.clock import iso_instant
from schemas.errors import Conflict, GridError, Invalid
from schemas.labels import explain, label
from schemas.roles import ROLES
from schemas.strict_json import dumps
from sync import enrol, log
from sync.loop import drain
from sync.manifest import point_json
from sync.rebuild import rebuild
from sync.replica import Replica
from sync.verify import verify

Subparsers = Any  # argparse keeps its class private


def data_option(parser: argparse.ArgumentParser) -> None:
    """`--data DIR` and `--json`, which every command has."""
    parser.add_argument("--data", required=True, metavar="DIR", help="节点的文件夹 / the node's folder")
    parser.add_argument("--json", action="store_true", help="只输出一份 JSON / print one JSON document")


def common(sub: Subparsers, make_app: Callable[[Grid], Flask], *, of_city: bool) -> None:
    """Adds the shared commands to a program; one of the two serves the city's node, the other all below."""

    def add(name: str, help_text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = sub.add_parser(name, help=help_text)
        data_option(parser)
        parser.set_defaults(run=run)
        return parser

    serve = add("serve", "提供网页和同步 / serve pages and sync", lambda asked: _serve(asked, make_app, of_city))
    serve.add_argument("--bind", metavar="HOST:PORT")
    serve.add_argument("--certfile")
    serve.add_argument("--keyfile")
    invite = add("invite", "给下级单位开一次性码 / a one-time code for a unit below", _invite)
    invite.add_argument("unit", metavar="UNIT")
    revoke = add("revoke", "作废下级单位的节点 / revoke the node of a unit below", _revoke)
    revoke.add_argument("unit", metavar="UNIT")
    readmit = add("readmit", "重新接纳下级节点 / certify a node again whose issuer was revoked", _readmit)
    readmit.add_argument("unit", metavar="UNIT")
    readmit.add_argument("--node", metavar="NODE", help="有几个节点在等时选一个 / which one, when several wait")
    user = sub.add_parser("user", help="用户 / people who sign in").add_subparsers(dest="what", required=True)
    added = user.add_parser("add", help="添加用户 / add one")
    data_option(added)
    added.add_argument("name", metavar="NAME")
    added.add_argument("--role", required=True, metavar="|".join(ROLES))
    added.add_argument("--unit")
    added.set_defaults(run=_user_add)
    add("token", "给用户开接口令牌 / a bearer token for a user", _token).add_argument("name", metavar="NAME")
    add("sync", "与上级同步 / sync with the parent", _sync).add_argument("--once", action="store_true")
    out = add("export", "把未上传的记录存成文件 / write what the parent has not got as files", commands_carry.export)
    out.add_argument("folder", metavar="FOLDER")
    out.add_argument("--all", action="store_true", help="整本日志 / the whole log, to carry past a level")
    brought = add("import", "导入下级的 .gsync 或上级的 .gack / take a carried file in", commands_carry.bring)
    brought.add_argument("file", metavar="FILE")
    kept = add("backup", "备份到新文件夹 / put database and keys aside", commands_keep.back_up)
    kept.add_argument("dest", metavar="DEST")
    restored = add("restore", "由备份恢复（先停 serve） / put a backup in place", commands_keep.put_back)
    restored.add_argument("src", metavar="SRC")
    erased = add("erase", "抹除记录的私密内容，不可恢复 / erase private parts for good", commands_erase.erase)
    erased.add_argument("events", metavar="EVENT", nargs="+")
    erased.add_argument("--ground", required=True, metavar="TEXT", help="依据 / on what ground")
    shown = add("uncover", "恢复后未同步先看私密内容（记入日志） / show them unsynced", commands_erase.uncover)
    shown.add_argument("--ground", required=True, metavar="TEXT")
    add("status", "本节点状况 / how this node stands", _status)
    add("verify", "核验全部记录 / check every signature, chain and tally", _verify)
    add("rebuild", "由日志重建数据 / make derived data again from the log", _rebuild)
    add("doctor", "体检 / look for what is wrong with this node", _doctor)


def check(arguments: argparse.Namespace) -> int:
    """`grid-node check`: one check, entered at the terminal."""
    counts = {"disputes": arguments.disputes or 0, "hazards": arguments.hazards or 0}
    numbers_given = arguments.disputes is not None or arguments.hazards is not None
    if arguments.zero == numbers_given:
        raise Invalid("check_zero_or_found", field="--zero", value=arguments.zero)
    body: dict[str, Any] = {"unit": arguments.unit, "date": arguments.date, "result": "zero"}
    if not arguments.zero:
        body |= {"result": "found", "found": counts}
    home = Home(Path(arguments.data))
    document = checks.submit(home.replica(), "", body, secrets.token_hex(16)).document
    home.close()
    state = label(language(), f"duty.{document['state']}")
    show(arguments, document, label(language(), "cli.checked", id=document["id"], state=state))
    return DONE


def _serve(arguments: argparse.Namespace, make_app: Callable[[Grid], Flask], of_city: bool) -> int:
    from node.serve import serve  # gunicorn is slow to import and of no use to the other commands

    home = Home(Path(arguments.data))
    repaired = repair(home)
    if repaired is not None:
        kept = repaired.copied.kept
        progress(label(language(), "cli.repaired", why=repaired.damage, source=repaired.source, kept=kept))
    me = home.replica().identity
    if me.is_top != of_city:
        program = "grid-hub" if me.is_top else "grid-node"
        raise Conflict("other_program", field="--data", value=arguments.data, unit=me.unit, program=program)

    def announce(bind: str) -> None:
        progress(label(language(), "cli.serving", unit=me.unit, bind=bind))

    serve(home, make_app, announce, arguments.bind, arguments.certfile, arguments.keyfile)
    return DONE


def _invite(arguments: argparse.Namespace) -> int:
    home = Home(Path(arguments.data))
    made = enrol.invite(home.replica(), arguments.unit)
    document = {
        "code": made.code,
        "expires_at": iso_instant(made.expires_at),
        "parent": home.replica().identity.unit,
        "unit": made.unit,
    }
    home.close()
    if made.replaces:
        progress(label(language(), "cli.invite_replaces", unit=made.unit))
    show(arguments, document, made.code)
    return DONE


def _revoke(arguments: argparse.Namespace) -> int:
    return _with_nodes(arguments, "revoked", "cli.revoked", lambda replica: enrol.revoke(replica, arguments.unit))


def _readmit(arguments: argparse.Namespace) -> int:
    return _with_nodes(
        arguments,
        "readmitted",
        "cli.readmitted",
        lambda replica: enrol.readmit(replica, arguments.unit, arguments.node),
    )


def _with_nodes(arguments: argparse.Namespace, done: str, key: str, deed: Callable[[Replica], list[str]]) -> int:
    home = Home(Path(arguments.data))
    nodes = deed(home.replica())
    home.close()
    words = label(language(), key, unit=arguments.unit, count=len(nodes))
    show(arguments, {"unit": arguments.unit, done: nodes}, words)
    return DONE


def _user_add(arguments: argparse.Namespace) -> int:
    home = Home(Path(arguments.data))
    code = accounts.add(home.replica(), arguments.name, arguments.role, arguments.unit)
    unit = arguments.unit or home.replica().identity.unit
    home.close()
    show(arguments, {"name": arguments.name, "role": arguments.role, "unit": unit, "code": code}, code)
    return DONE


def _token(arguments: argparse.Namespace) -> int:
    home = Home(Path(arguments.data))
    token = accounts.new_token(home.replica(), arguments.name)
    home.close()
    show(arguments, {"token": token}, token)
    return DONE


def _sync(arguments: argparse.Namespace) -> int:
    """Drains the link both ways, or fails; back-off plays no part."""
    home = Home(Path(arguments.data))
    client = home.client()
    if client is None:
        raise Invalid("no_parent", field="--data", value=arguments.data)
    replica = home.replica()
    before = {(row["event"], row["code"]) for row in status.refused(replica)}
    with home.sync_turn():
        drained = drain(client)
    refused = [row for row in status.refused(replica) if (row["event"], row["code"]) not in before]
    (hint,) = replica.db.execute("SELECT hint FROM link WHERE link = ?", [replica.link_up]).fetchone()
    ok = drained.last.kind == "ok"
    document = {
        "pushed": drained.pushed,
        "pulled": drained.pulled,
        "refused": refused,
        "have": point_json((hint, log.up_acc(replica.db, hint) or log.START[1])),
        "ok": ok,
        "problem": drained.last.problem,
    }
    home.close()
    if ok:
        words = label(language(), "cli.synced", pushed=drained.pushed, pulled=drained.pulled, refused=len(refused))
    else:
        words = label(language(), "cli.sync_failed", why=status.problem_words(drained.last.problem or "", language()))
    show(arguments, document, words)
    return DONE if ok else WRONG


def _status(arguments: argparse.Namespace) -> int:
    home = Home(Path(arguments.data))
    document = status.status(home.replica(), language())
    home.close()
    show(arguments, document, "\n".join(f"{name}: {_flat(value)}" for name, value in document.items()))
    return DONE


def _verify(arguments: argparse.Namespace) -> int:
    home = Home(Path(arguments.data))
    report = verify(home.replica())
    asked = 0
    try:
        asked = mending.ask_below(home.replica(), report)
    except GridError as error:  # a busy database or a full disk must not cost the report
        progress(explain(language(), error))
    home.close()
    document = {**asdict(report), "ok": report.ok}
    words = [label(language(), "cli.verified", **{k: v for k, v in document.items() if isinstance(v, int)})]
    words += [problem.text for problem in report.problems]
    words += [label(language(), "cli.verify_asked", count=asked)] if asked else []
    words.append(label(language(), "cli.verify_ok" if report.ok else "cli.verify_wrong", count=len(report.problems)))
    show(arguments, document, "\n".join(words))
    return DONE if report.ok else WRONG


def _rebuild(arguments: argparse.Namespace) -> int:
    home = Home(Path(arguments.data))
    try:
        with locked(home.folder / SERVE_LOCK, wait=False):
            count = rebuild(home.replica())
    except Conflict as error:
        raise Conflict("stop_serve_first", field="--data", value=arguments.data) from error
    home.close()
    show(arguments, {"events": count, "ok": True}, label(language(), "cli.rebuilt", count=count))
    return DONE


def _doctor(arguments: argparse.Namespace) -> int:
    home = Home(Path(arguments.data))
    findings = examine(home, language())
    home.close()
    ok = all(finding.ok for finding in findings)
    document = {"ok": ok, "checks": [asdict(finding) for finding in findings]}
    lines = [f"{'✓' if finding.ok else '✗'} {finding.text}" for finding in findings]
    show(arguments, document, "\n".join(lines))
    return DONE if ok else WRONG


def _flat(value: object) -> str:
    return value if isinstance(value, str) else dumps(value)
