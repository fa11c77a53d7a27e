"""`grid-hub init`: the city's own node, its keys, and the dated tree published as directory acts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from hub.reading import text_in
from node.application import NodeApplication
from node.config import config_text
from node.console.setup import ADMIN, keep_certificates, write_state
from node.folder import require_empty, write_private
from node.home import create
from node.people import accounts
from node.projections import CADENCE_KIND
from node.reports import form_queries
from node.reports.forms import FORM_KIND, FORM_SCHEMA
from schemas.cadence import DEFAULT_PROFILE, PROFILES, Profile, profile_payload
from schemas.clock import business_day
from schemas.encoding import b64
from schemas.errors import Invalid
from schemas.events import FIRST, Event, Header
from schemas.forms import Form, Forms, form_payload, read_form
from schemas.strict_json import dumps, loads
from schemas.units.listing import generate_groups, read_unit_list
from schemas.units.tree import EPOCH, LEVELS, Act
from sync import chains, directory, revocation
from sync.database import write
from sync.env import Env, SystemEnv
from sync.intake import Intake
from sync.issuing import CERT_KIND, CERT_SCHEMA, claim
from sync.keys import SEED_BYTES, Signer
from sync.replica import Replica
from sync.transport import HttpTransport

RECOVERY_KEY: Final = "root-recovery.key"
ACTS_BYTES: Final = 48 * 1024  # of one event's payload; an event takes 64 KiB
CADENCE_SCHEMA: Final = "cadence/1"
SHIPPED_FORMS: Final = Path(__file__).parent / "data" / "forms.json"


def init_hub(folder: Path, units: Path, profile: str | None, per_village: int, seed: int) -> dict[str, Any]:
    """Lays the hub out from a unit list. Raises GridError before anything is written when the input is refused."""
    require_empty(folder)
    chosen = DEFAULT_PROFILE if profile is None else _profile(profile)
    acts = read_unit_list(text_in(units, "--units"))
    if per_village:
        acts += generate_groups(acts, per_village, random.Random(seed).randrange)  # noqa: S311 - names only
    city = next(act["unit"] for act in acts if act["level"] == LEVELS[-1])
    env = SystemEnv(folder, HttpTransport())
    root, signer_seed = env.random_bytes(SEED_BYTES), env.random_bytes(SEED_BYTES)
    database = create(folder, signer_seed, env.random_bytes(SEED_BYTES), config_text(None))
    write_private(folder / RECOVERY_KEY, b64(root).encode("ascii") + b"\n")
    replica = Replica(database, env, Signer(signer_seed), NodeApplication())
    found_city(replica, Signer(root), city, acts, chosen, shipped_forms())
    code = accounts.add(replica, ADMIN, "admin", None)
    me = replica.identity
    database.conn.close()
    return {"node": me.node, "unit": me.unit, "level": me.level, "admin": {"name": ADMIN, "code": code}}


def found_city(
    replica: Replica, root: Signer, city: str, acts: Sequence[Act], profile: Profile, forms: Sequence[Form] = ()
) -> None:
    """The hub's first state: certified by the root, its chain begun, tree, cadence and forms published; one
    transaction.
    """
    now = replica.env.now_ms()
    today = business_day(now)
    with write(replica.db, "init", replica.env):
        write_state(replica, unit=city, level=LEVELS[-1], city=city, root_node=root.node, parent=None, parent_node=None)
        intake = Intake(replica, now)
        keep_certificates(intake, root_events(replica.env, root, replica.signer, city, today, now))
        intake.begin_chain()
        publish_acts(intake, acts, today)
        publish_cadence(intake, profile, EPOCH)
        for form in forms:
            publish_form(intake, form)
        intake.finish()


def root_events(
    env: Env, root: Signer, hub: Signer, city: str, today: date, now_ms: int, ended: dict[str, object] | None = None
) -> tuple[Event, ...]:
    """The root's whole chain: its key, the certificate under which the hub works, and, of a hub whose key is renewed,
    the revocation that ends the earlier one.
    """
    chain, signed = chains.new_chain(root.node, env.random_bytes), list[Event]()
    earlier = [str(ended["node"])] if ended else []
    words: list[tuple[str, str, dict[str, object]]] = [
        (chains.INC_KIND, chains.INC_SCHEMA, {"key": b64(root.public), "after": None}),
        (CERT_KIND, CERT_SCHEMA, claim(city, hub.node, hub.public, LEVELS[-1], earlier)),
    ]
    for kind, schema, public in [*words, *([(revocation.KIND, revocation.SCHEMA, ended)] if ended else [])]:
        before = signed[-1].hash if signed else FIRST
        header = Header(chain, len(signed) + 1, before, kind, city, today.isoformat(), now_ms, 0, schema, "")
        signed.append(chains.compose(root, env.random_bytes, header, public))
    return tuple(signed)


def publish_acts(intake: Intake, acts: Sequence[Act], today: date) -> int:
    """Signs directory acts, as many to an event as fit; returns the number of events."""
    number = directory.acts_held(intake.db) + 1
    count = 0
    for chunk in _chunks(acts):
        intake.author(
            kind=directory.KIND,
            schema=directory.SCHEMA,
            unit=intake.me.city,
            day=today,
            public={"no": number, "acts": [directory.act_json(act) for act in chunk]},
        )
        number += len(chunk)
        count += 1
    return count


def publish_cadence(intake: Intake, profile: Profile, day: date) -> None:
    """Signs a cadence profile, valid from a day on."""
    (number,) = intake.db.execute("SELECT COUNT(*) + 1 FROM cadence_entry").fetchone()
    intake.author(
        kind=CADENCE_KIND,
        schema=CADENCE_SCHEMA,
        unit=intake.me.city,
        day=day,
        public={"no": number, "profile": profile_payload(profile)},
    )


def shipped_forms() -> list[Form]:
    """The forms of 2-domain, which a new city begins with; each may be replaced by a later version."""
    entries = loads(SHIPPED_FORMS.read_bytes())
    found: list[Form] = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            found.append(read_form({key: one for key, one in entry.items() if key != "type"}, Forms(found)))
    return found


def publish_form(intake: Intake, form: Form) -> None:
    """Signs a version of a form, in force from its day on."""
    intake.author(
        kind=FORM_KIND,
        schema=FORM_SCHEMA,
        unit=intake.me.city,
        day=form.first,
        public={"no": form_queries.next_number(intake.db), "form": form_payload(form)},
    )


def _chunks(acts: Sequence[Act]) -> Iterator[list[Act]]:
    chunk: list[Act] = []
    size = 0
    for act in acts:
        length = len(dumps(directory.act_json(act)).encode("utf-8")) * 5 // 4  # quotes are escaped inside the line
        if chunk and size + length > ACTS_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(act)
        size += length
    if chunk:
        yield chunk


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise Invalid("unknown_profile", field="--profile", value=name, allowed=", ".join(PROFILES))
    return PROFILES[name]
