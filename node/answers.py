"""Acting once per key: the same body under the same key gets the same answer again (4-interfaces, Idempotency-Key)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from node import answer_queries as queries
from schemas.errors import Conflict
from schemas.strict_json import dumps, loads
from sync import clocks
from sync.database import write
from sync.intake import Intake
from sync.replica import Replica

ANSWER_LIFE_MS: Final = 400 * 86_400_000
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a POST says: `repeated` when the same key brought the same body before."""

    document: Document
    repeated: bool


def once(
    replica: Replica, account: str, key: str | None, request: bytes, name: str, act: Callable[[Intake], Document]
) -> Answer:
    """Acts in one transaction, once per (account, key): the same body again gets the same answer.

    Raises Conflict `key_reused` for another body under a used key; nothing is stored then.
    """
    now = replica.env.now_ms()
    digest = hashlib.sha256(request).digest()
    with write(replica.db, name, replica.env):
        if key is not None:
            kept = queries.answer(replica.db, account, key)
            if kept is not None:
                if kept[0] != digest:
                    raise Conflict("key_reused", field="Idempotency-Key", value=key)
                return Answer(loads(kept[1]), repeated=True)  # type: ignore[arg-type]
        intake = Intake(replica, now)
        document = act(intake)
        intake.finish()
        if key is not None:
            # A clock that jumps ahead must not use the answers up, one that falls back must not make them look old.
            known = [at for at in clocks.known(replica) if at is not None]
            below = clocks.of_children(replica)
            queries.drop_answers(replica.db, min(known if below is None else [*known, below]) - ANSWER_LIFE_MS)
            queries.put_answer(replica.db, account, key, digest, dumps(document), max(known))
    return Answer(document, repeated=False)


def request_bytes(body: Mapping[str, Any], **more: Any) -> bytes:
    """What makes two requests the same: the body's fields, in whatever order, and what the route adds."""
    return dumps({**more, **dict(sorted(body.items()))}).encode()
