"""A new hub under the root recovery key, when the old one is gone without a backup: its children bring it all back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hub.directory import root_events
from node import accounts
from node.application import NodeApplication
from node.home import config_text, create, require_empty
from node.setup import ADMIN, keep_certificates, write_state
from schemas.clock import business_day
from schemas.encoding import unb64
from schemas.errors import Invalid
from schemas.events import UNIT
from schemas.units import LEVELS
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
    if not UNIT.fullmatch(city):
        raise Invalid("unknown_unit", field="--unit", value=city)
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


def read_recovery_key(path: Path) -> bytes:
    """The seed in a recovery key file. Raises Invalid."""
    try:
        if path.stat().st_size > MAX_KEY_FILE_BYTES:
            raise Invalid("recovery_key_broken", field="--recover", value=path)
        return unb64(path.read_text(encoding="ascii").strip(), SEED_BYTES)
    except (OSError, ValueError) as error:
        raise Invalid("recovery_key_broken", field="--recover", value=path) from error
