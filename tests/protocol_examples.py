"""The examples of docs/protocol.md, made by the real code with fixed keys, a fixed clock and a network in memory.

    .venv/bin/python tests/protocol_examples.py         # writes them into the document again

The same examples come out every time. Bodies are gzip with one stored block, which any reader of gzip takes: so the
signed bytes can be made again from the lines in the document, whatever compression library is at hand.
"""

from __future__ import annotations

import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from unittest import mock
from urllib.parse import urlsplit

from casework import CASE, PRIVATE
from crafted import alter

from builders import CITY, E_TOWN, EAST, HOUR_MS, TODAY, WEST, City, Node, Sent
from node.cases import acts
from schemas.encoding import b32, b64
from schemas.events import plain_line
from schemas.strict_json import Json, dumps, loads
from sync import carrier, enrol, log, receipts
from sync.database import write
from sync.env import Reply, TransportError
from sync.erase import erase
from sync.intake import Intake
from sync.keys import Signer
from sync.wire import inflate

DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "protocol.md"
SEED: Final = 11
MAX_EXCHANGES: Final = 12
MINUTE_MS: Final = 60_000
UNITS: Final = (
    "code,name,level,parent_code\n"
    f"{CITY},试点市,city,\n{EAST},东县,county,{CITY}\n{WEST},西县,county,{CITY}\n{E_TOWN},东镇,township,{EAST}\n"
)
SHOWN_HEADERS: Final = ("grid-node", "grid-auth", "grid-sig", "grid-nonce", "content-type", "content-encoding")
_BLOCK: Final = re.compile(r"(<!-- example: (?P<name>[a-z0-9-]+) -->\n)```\w*\n.*?```\n", re.DOTALL)
Examples = dict[str, str]


def stored_gzip(manifest: Mapping[str, object], lines: Iterable[str]) -> bytes:
    """A body as `sync.wire.encode` makes it, in one stored block (RFC 1951, 3.2.4; RFC 1952)."""
    plain = ("\n".join([dumps(manifest), *lines]) + "\n").encode("utf-8")
    size = len(plain)
    block = struct.pack("<BHH", 1, size, size ^ 0xFFFF) + plain
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block + struct.pack("<II", zlib.crc32(plain), size)


def make() -> Examples:
    """Every example by name."""
    with mock.patch("sync.client.encode", stored_gzip), mock.patch("sync.server.encode", stored_gzip):
        return _Scenes().examples


class _Scenes:
    """A small city lives through everything that the document speaks of."""

    def __init__(self) -> None:
        self.examples: Examples = {}
        self.city = City(seed=SEED, units=UNITS)
        self.hub = self.city.hub
        self.east = self._enrolment()
        self._usual_exchange()
        self._lost_reply()
        self._restored_child()
        self._restored_parent()
        self._damaged_row()
        self._files()
        self._erasure()
        self._moved_and_revoked()
        self._keys()
        self._kinds()

    # ---- scenes

    def _enrolment(self) -> Node:
        node = self.city.join(self.hub, EAST, sync=False)
        (secret,) = self.hub.db.execute("SELECT secret FROM invite").fetchone()
        text = (self.city.root.node[: enrol.ROOT_CHARS] + b32(secret)).upper()
        self._keep_lines("code", ["-".join(text[at : at + 4] for at in range(0, len(text), 4))], "text")
        self._keep("enrol", self.city.network.log[-1])
        before = len(self.city.network.log)
        node.sync()
        self._keep("hello", self.city.network.log[before])
        self._keep("first-exchange", self.city.network.log[before + 1])
        node.sync()
        return node

    def _usual_exchange(self) -> None:
        self.east.check(E_TOWN, TODAY)
        self.hub.publish({"type": "unit", "act": "rename", "unit": E_TOWN, "date": str(TODAY), "name": "东山镇"})
        self._keep("exchange", self._next(self.east))
        ((line, signature),) = self.east.db.execute(
            "SELECT line, sig FROM mark WHERE by = ? ORDER BY at DESC, chain LIMIT 1", [self.hub.replica.identity.node]
        ).fetchall()
        self._keep_lines("mark", [dumps([line, b64(signature)])])

    def _lost_reply(self) -> None:
        def lose(_sent: Sent, _reply: Reply) -> Reply:
            raise TransportError("lost")

        self.east.sync()
        self.east.check(E_TOWN, TODAY, disputes=1)
        self.city.network.after = lose
        self.east.client.exchange()
        self.city.network.after = None
        self._keep("conflict", self._next(self.east))
        self.city.settle()

    def _restored_child(self) -> None:
        backup = self.east.snapshot()
        self.east.check(EAST, TODAY)
        self.city.settle()
        self.east.restore(backup)
        kept = self._until(self.east, lambda sent: "rebase" in sent.url)
        self._keep("rebase", kept[-1])
        self._keep("lost", self._until(self.east, lambda sent: _lines(_reply(sent).body)[1:] != [])[-1])
        self.city.settle()

    def _restored_parent(self) -> None:
        """The county goes back in time: to before an act of the city, then to before the township's new node."""
        town = self.lost_town = self.city.join(self.east, E_TOWN)
        self.city.settle()
        backup = self.east.snapshot()
        self.hub.publish({"type": "unit", "act": "rename", "unit": WEST, "date": str(TODAY), "name": "西山县"})
        self.city.settle()
        self.east.restore(backup)
        self._keep("back", self._until(town, lambda sent: _manifest(sent).get("back", 0) != 0)[-1])
        self.city.settle()
        # A township of which nobody above this disk ever heard.
        fresh = self.city.replace(town, self.east, sync=False)
        self.east.restore(backup)
        unknown, presented = self._posted(fresh)
        self._keep("unknown-key", unknown)
        self._keep("certificates", presented)
        self.town = fresh
        self.city.settle(20)

    def _damaged_row(self) -> None:
        spoilt = self.east.check(EAST, TODAY, hazards=1)
        alter(self.east, spoilt, "part", "text", '{"result":"zero"}')
        self._keep("damaged", self._next(self.east))
        self.east.sync()

    def _files(self) -> None:
        self.town.check(E_TOWN, TODAY, disputes=2)
        (file,) = carrier.export(self.town.replica)
        self._keep_lines("file-name", [file.name], "text")
        self._keep_lines("gsync", file.content.decode().splitlines())
        done = carrier.take_in(self.east.replica, file.content)
        receipt = receipts.receipt(self.east.replica, done.node, done.log, done.chains)
        self._keep_lines("receipt-name", [receipt.name], "text")
        self._keep_lines("gack", receipt.content.decode().splitlines())
        self.city.settle(20)

    def _erasure(self) -> None:
        with write(self.east.db, "case", self.east.env):
            intake = Intake(self.east.replica, self.east.env.now_ms())
            acts.enter(intake, {"unit": EAST, **CASE, "private": PRIVATE})
            intake.finish()
        (stored,) = log.events(self.east.db, "e.kind = 'case'")
        self._keep_lines("kind-case", [plain_line(stored.event)])
        self._keep("withheld", self._next(self.east))
        erase(self.east.replica, [stored.event.hash], "当事人申请，依据《个人信息保护法》第四十七条")
        self.city.settle()

    def _moved_and_revoked(self) -> None:
        west = self.west = self.city.join(self.hub, WEST)
        self.city.settle()
        self.hub.publish(
            {"type": "unit", "act": "move", "unit": E_TOWN, "date": str(TODAY), "parent": WEST, "address": west.url}
        )
        self.east.sync()
        self.city.clock.forward(HOUR_MS)
        self._keep("moved", self._until(self.town, lambda sent: _reply(sent).status == 403)[-1])
        enrol.revoke(self.hub.replica, WEST)
        self._keep("revoked", self._until(west, lambda sent: _reply(sent).status == 403)[-1])

    def _keys(self) -> None:
        signers = {
            "root": self.city.root, "city": self.hub.replica.signer, "county": self.east.replica.signer,
            "county west": self.west.replica.signer, "township, lost": self.lost_town.replica.signer,
            "township": self.town.replica.signer,
        }  # fmt: skip
        rows = [dumps([name, b64(_seed(signer)), b64(signer.public), signer.node]) for name, signer in signers.items()]
        self._keep_lines("keys", rows)

    def _kinds(self) -> None:
        """One event of each kind that sync itself owns, as it stands in a file."""
        for kind in ("inc", "cert", "rev", "dir", "refusal", "erase"):
            *_, stored = log.events(self.hub.db, "e.kind = ?", [kind])
            self._keep_lines(f"kind-{kind}", [plain_line(stored.event)])

    # ---- keeping

    def _posted(self, node: Node) -> list[Sent]:
        """What a node posts in one exchange."""
        self.city.clock.forward(MINUTE_MS)
        before = len(self.city.network.log)
        node.client.exchange()
        return [sent for sent in self.city.network.log[before:] if sent.method == "POST"]

    def _next(self, node: Node) -> Sent:
        return self._posted(node)[0]

    def _until(self, node: Node, wanted: Callable[[Sent], bool]) -> list[Sent]:
        """The requests of a node up to the first of a kind."""
        seen: list[Sent] = []
        for _ in range(MAX_EXCHANGES):
            for sent in self._posted(node):
                seen.append(sent)
                if wanted(sent):
                    return seen
        raise LookupError(f"no such request among {[(one.url, _reply(one).status) for one in seen]}")

    def _keep(self, name: str, sent: Sent) -> None:
        reply = _reply(sent)
        path = urlsplit(sent.url).path
        request = [f"{sent.method} {path}", *_headers(sent.headers), "", *_lines(sent.body)]
        answer = [str(reply.status), *_headers(reply.headers), "", *_lines(reply.body)]
        self.examples[name] = _fenced("http", request)
        self.examples[f"{name}-reply"] = _fenced("http", answer)

    def _keep_lines(self, name: str, lines: Iterable[str], language: str = "json") -> None:
        self.examples[name] = _fenced(language, lines)


def _seed(signer: Signer) -> bytes:
    return bytes(signer._key)


def _reply(sent: Sent) -> Reply:
    assert sent.reply is not None
    return sent.reply


def _lines(body: bytes) -> list[str]:
    plain = inflate(body) if body.startswith(b"\x1f\x8b") else body
    return plain.decode("utf-8").splitlines()


def _manifest(sent: Sent) -> dict[str, Json]:
    value = loads(_lines(sent.body)[0])
    assert isinstance(value, dict)
    return value


def _headers(headers: Mapping[str, str]) -> Iterator[str]:
    return (f"{name}: {headers[name]}" for name in SHOWN_HEADERS if name in headers)


def _fenced(language: str, lines: Iterable[str]) -> str:
    return "\n".join([f"```{language}", *lines, "```"])


def filled_in(document: str, examples: Examples) -> str:
    """The document with its examples made anew. Raises KeyError for one that nobody makes."""
    return _BLOCK.sub(lambda found: f"{found[1]}{examples[found['name']]}\n", document)


def read(document: str) -> Examples:
    """The examples as they stand in a document, without the fences."""
    return {found["name"]: "\n".join(found[0].splitlines()[2:-1]) for found in _BLOCK.finditer(document)}


if __name__ == "__main__":
    made = make()
    if "--list" in sys.argv:
        print("\n\n".join(f"== {name}\n{text}" for name, text in made.items()))
    else:
        DOCUMENT.write_text(filled_in(DOCUMENT.read_text(encoding="utf-8"), made), encoding="utf-8")
