"""`grid-node init`: enrolling a new node, and laying out its folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from node.application import NodeApplication
from node.config import config_text
from node.console.causes import cause
from node.console.terminal import DONE, WRONG, language, progress, show
from node.folder import CA_FILE, PENDING_KEY, make_private, require_empty, write_private
from node.home import Home, create
from node.people import accounts
from node.phones.own_ca import own_certificate
from node.status import problem_words
from schemas.errors import GridError, Invalid
from schemas.events import UNIT, Event
from schemas.labels import label
from sync import chains
from sync.database import write
from sync.enrol import Enrolment, ask
from sync.env import Env, SystemEnv, TransportError
from sync.inlog import begin
from sync.intake import Intake
from sync.keys import SEED_BYTES, Signer
from sync.log import START, new_log_id
from sync.loop import drain
from sync.replica import Replica
from sync.transport import HttpTransport

ADMIN: Final = "admin"


def init_node(arguments: argparse.Namespace) -> int:
    """Enrols and lays out the folder. Nothing is left behind when the code is refused; where nothing certain came back,
    the same command goes on.
    """
    folder, parent, ca = Path(arguments.data), _address(arguments.parent), _ca(arguments.ca)
    if not UNIT.fullmatch(arguments.unit):
        raise Invalid("bad_unit", field="--unit", value=arguments.unit)
    require_empty(folder)
    env = SystemEnv(folder, HttpTransport(arguments.ca))
    existed, tried_before = folder.is_dir(), (folder / PENDING_KEY).is_file()
    seed = _pending_key(folder, env)
    signer = Signer(seed)
    try:
        enrolment = ask(env, parent, arguments.unit, arguments.code, signer, replace=arguments.replace)
    except TransportError as error:  # the parent may have certified the key: folder and key stay for the next try
        why = cause(language(), error)
        progress(label(language(), "cli.unreachable", url=parent, why=why))
        return WRONG
    except GridError:
        if not tried_before:  # the key of an earlier try may be certified already, its reply lost
            (folder / PENDING_KEY).unlink()
        if not existed:
            folder.rmdir()
        raise
    database = create(folder, seed, env.random_bytes(SEED_BYTES), config_text(parent, own_ca=ca is not None))
    if ca is not None:
        (folder / CA_FILE).write_bytes(ca)
    replica = Replica(database, env, signer, NodeApplication())
    found(replica, enrolment)
    code = accounts.add(replica, ADMIN, "admin", None)
    database.conn.close()
    (folder / PENDING_KEY).unlink()
    reached = _first_sync(folder)
    me = Home(folder).replica().identity
    document = {"node": me.node, "unit": me.unit, "level": me.level, "admin": {"name": ADMIN, "code": code}}
    words = label(language(), "cli.init_done", unit=me.unit, node=me.node, name=ADMIN, code=code)
    show(arguments, document, words)
    return DONE if reached else WRONG


def found(replica: Replica, enrolment: Enrolment) -> None:
    """Writes the first state of an enrolled node: who it is, its certificates, its first event, its link up."""
    now = replica.env.now_ms()
    with write(replica.db, "init", replica.env):
        write_state(
            replica, unit=enrolment.unit, level=enrolment.level, city=enrolment.city, root_node=enrolment.root_node,
            parent=enrolment.parent, parent_node=enrolment.parent_node,
        )  # fmt: skip
        intake = Intake(replica, now)
        keep_certificates(intake, enrolment.trail)
        intake.begin_chain()
        intake.finish()
        down_log = new_log_id(replica.env)
        replica.db.execute(
            "INSERT INTO link (link, unit, node, side, down_log) VALUES (?, ?, ?, 'parent', ?)",
            [replica.link_up, enrolment.parent, enrolment.parent_node, down_log],
        )
        begin(replica.db, replica.link_up, down_log, START)


def write_state(
    replica: Replica,
    *,
    unit: str,
    level: str,
    city: str,
    root_node: str,
    parent: str | None,
    parent_node: str | None,
) -> None:
    """The one row that says who this node is, with a chain of its own that has no event yet."""
    chain = chains.new_chain(replica.signer.node, replica.env.random_bytes)
    replica.db.execute(
        "INSERT INTO node_state (id, node, unit, level, city, root_node, parent, parent_node, chain, up_log)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [replica.signer.node, unit, level, city, root_node, parent, parent_node, chain, new_log_id(replica.env)],
    )


def keep_certificates(intake: Intake, trail: tuple[Event, ...]) -> None:
    """Stores the certificates that prove this node's place, the root's first event first."""
    for place, event in enumerate(trail):
        intake.add(event, "down")
        intake.db.execute(
            "INSERT INTO own_certificate (place, event) VALUES (?, ?) ON CONFLICT DO NOTHING", [place, event.hash]
        )


def _ca(path: str | None) -> bytes | None:
    """The certificate of the city's own CA. Raises Invalid where the file holds none."""
    if path is None:
        return None
    found = own_certificate([Path(path)])
    if found is None:
        raise Invalid("no_ca_file", field="--ca", value=path)
    return found


def _pending_key(folder: Path, env: Env) -> bytes:
    """The key of an enrolment that was cut short, or a new one, kept before it is used: a lost reply heals so."""
    make_private(folder)
    kept = folder / PENDING_KEY
    if kept.is_file() and kept.stat().st_size == SEED_BYTES:
        return kept.read_bytes()
    seed = env.random_bytes(SEED_BYTES)
    write_private(kept, seed)
    return seed


def _first_sync(folder: Path) -> bool:
    """Fetches directory and certificates, so that the node can work at once; a failure is told, no more."""
    home = Home(folder)
    client = home.client()
    assert client is not None
    progress(label(language(), "cli.first_sync"))
    with home.sync_turn():
        last = drain(client).last
    home.close()
    if last.kind != "ok":
        progress(label(language(), "cli.first_sync_failed", why=problem_words(last.problem or last.kind, language())))
    return last.kind == "ok"


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port  # raises for one over 65535
    except ValueError as error:
        raise Invalid("bad_address", field="--parent", value=text) from error
    whole = parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
    if not whole or parts.query or parts.fragment or '"' in text:
        raise Invalid("bad_address", field="--parent", value=text)
    return text.rstrip("/")
