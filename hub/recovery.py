"""A new hub under the root recovery key, when the old one is gone without a backup: its children bring it all back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hub.directory import root_events
from node.application import NodeApplication
from node.config import config_text
from node.console.setup import ADMIN, keep_certificates, write_state
from node.folder import require_empty
from node.home import create
from node.people import accounts
from schemas.clock import business_day
from schemas.encoding import unb64
from schemas.errors import Invalid
from schemas.units.acts import CODE_GRAMMAR
from schemas.units.tree import LEVELS
from sync import renewal, revocation
from sync.database import write
from sync.env import SystemEnv
from sync.intake import Intake
from sync.keys import SEED_BYTES, Signer
from sync.replica import Replica
from sync.transport import HttpTransport

MAX_KEY_FILE_BYTES: Final = 200


def recover_hub(folder: Path, key_file: Path, city: str) -> dict[str, Any]:
    """Lays out an empty hub that the root certifies for the city. Raises GridError before anything is written."""
    require_empty(folder)
    root = Signer(read_recovery_key(key_file))
    if not CODE_GRAMMAR[LEVELS[-1]].fullmatch(city):
        raise Invalid("bad_unit_code", field="--unit", value=city, level=LEVELS[-1])
    env = SystemEnv(folder, HttpTransport())
    seed = env.random_bytes(SEED_BYTES)
    database = create(folder, seed, env.random_bytes(SEED_BYTES), config_text(None))
    replica = Replica(database, env, Signer(seed), NodeApplication())
    begin_hub(replica, root, city)
    code = accounts.add(replica, ADMIN, "admin", None)
    me = replica.identity
    database.conn.close()
    return {"node": me.node, "unit": me.unit, "level": me.level, "admin": {"name": ADMIN, "code": code}}


def begin_hub(replica: Replica, root: Signer, city: str) -> None:
    """A hub that knows nothing but who it is; the root begins a new chain for the certificate."""
    now = replica.env.now_ms()
    with write(replica.db, "init", replica.env):
        write_state(replica, unit=city, level=LEVELS[-1], city=city, root_node=root.node, parent=None, parent_node=None)
        intake = Intake(replica, now)
        keep_certificates(intake, root_events(replica.env, root, replica.signer, city, business_day(now), now))
        intake.begin_chain()
        intake.finish()


def renew_hub(replica: Replica, root: Signer, fresh: Signer) -> str:
    """From now on the hub signs with a new key, which `Replica.keys` must give already; the root certifies it, and ends
    the earlier one at all that is held of it. Returns the new node id. Raises Invalid for another city's root.
    """
    me, now = replica.identity, replica.env.now_ms()
    if root.node != me.root_node:
        raise Invalid("recovery_key_other", field="--recover", value=root.node)
    with write(replica.db, "init", replica.env):
        replica.app.note(replica, "key_renewed", unit=me.unit, subject=fresh.node)
        before = Intake(replica, now)
        ended = revocation.position_now(replica.db, me.node)
        for event in root_events(replica.env, root, fresh, me.unit, business_day(now), now, ended):
            before.add(event, "down")
        before.finish()
        head = renewal.step_over(replica, fresh)
        after = Intake(replica, now)
        after.begin_chain(head)
        after.finish()
    return fresh.node


def read_recovery_key(path: Path) -> bytes:
    """The seed in a recovery key file. Raises Invalid."""
    try:
        if path.stat().st_size > MAX_KEY_FILE_BYTES:
            raise Invalid("recovery_key_broken", field="--recover", value=path)
        return unb64(path.read_text(encoding="ascii").strip(), SEED_BYTES)
    except (OSError, ValueError) as error:
        raise Invalid("recovery_key_broken", field="--recover", value=path) from error
