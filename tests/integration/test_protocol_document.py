"""docs/protocol.md: its examples come from the program, and stand up to a reader who has only the document.

The checks below are written from the document's words with SHA-256, HMAC and Ed25519 alone; nothing of the program
takes part in them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import protocol_examples
import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

DOCUMENT = protocol_examples.DOCUMENT.read_text(encoding="utf-8")
EXAMPLES = protocol_examples.read(DOCUMENT)
REQUESTS = [name for name in EXAMPLES if f"{name}-reply" in EXAMPLES]
EXCHANGES = [name for name in REQUESTS if EXAMPLES[name].startswith("POST /sync/v1/exchange")]
DAMAGED = "damaged"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def b32(raw: bytes) -> str:
    return base64.b32encode(raw).rstrip(b"=").decode().lower()


@dataclass(frozen=True)
class Message:
    """A request or a reply as the document shows it."""

    first: str
    headers: dict[str, str]
    lines: list[str]

    @property
    def body(self) -> bytes:
        """The bytes that were signed."""
        if self.headers.get("content-encoding") != "gzip":
            return "\n".join(self.lines).encode()
        plain = "".join(f"{line}\n" for line in self.lines).encode()
        stored = b"\x01" + struct.pack("<HH", len(plain), len(plain) ^ 0xFFFF) + plain
        return bytes.fromhex("1f8b08000000000000ff") + stored + struct.pack("<II", zlib.crc32(plain), len(plain))

    @property
    def manifest(self) -> dict[str, Any]:
        """The first line."""
        return dict(json.loads(self.lines[0]))


def message(name: str) -> Message:
    head, _, body = EXAMPLES[name].partition("\n\n")
    first, *headers = head.splitlines()
    return Message(first, dict(line.split(": ", 1) for line in headers), body.splitlines())


def known_keys() -> dict[str, bytes]:
    """Public keys by node id, of the seeds in the document's last table."""
    keys = {}
    for row in EXAMPLES["keys"].splitlines():
        _whose, seed, public, node = json.loads(row)
        assert bytes(SigningKey(unb64(seed)).verify_key) == unb64(public)
        assert b32(sha(unb64(public)))[:26] == node
        keys[node] = unb64(public)
    return keys


KEYS = known_keys()


def signed(node: str, domain: str, text: bytes, signature: str) -> bool:
    try:
        VerifyKey(KEYS[node]).verify(f"grid/{domain}/1\n".encode() + text, unb64(signature))
    except BadSignatureError:
        return False
    return True


def event_hash(header: str) -> str:
    return b64(sha(b"grid/event/1\n" + header.encode()))


def part_hash(part: list[Any]) -> bytes:
    name, salt, text, digest = part
    return unb64(digest) if text is None else sha(b"\0" + name.encode() + b"\0" + unb64(salt) + text.encode())


def read_lines(lines: list[str]) -> Iterator[tuple[str, str, bool]]:
    """(hash that counts, full header, whether it verifies) of each line, `=` filled in."""
    last: dict[str, str] = {}
    for line in lines:
        header, signature, parts, *counted = json.loads(line)
        fields = header.split("\t")
        phash = b64(sha(b"".join(part_hash(part) for part in parts)))
        fields[3] = last[fields[1]] if fields[3] == "=" else fields[3]
        fields[10] = phash if fields[10] == "=" else fields[10]
        whole = "\t".join(fields)
        name = counted[0] if counted else event_hash(whole)
        sound = name == event_hash(whole) and phash == fields[10]
        last[fields[1]] = name
        yield name, whole, sound and signed(fields[1][:26], "event", whole.encode(), signature)


def sound_lines(lines: list[str]) -> list[str]:
    """The hashes of lines that all verify."""
    read = list(read_lines(lines))
    assert all(verifies for _name, _header, verifies in read), [header for _name, header, ok in read if not ok]
    return [name for name, _header, _ok in read]


def fold(point: list[Any], hashes: list[str]) -> list[Any]:
    n, acc = point[0], unb64(point[1])
    for one in hashes:
        n, acc = n + 1, sha(acc + unb64(one))
    return [n, b64(acc)]


def check_mark(line: str, signature: str) -> None:
    version, _chain, _at, by, tips, _gaps = line.split("\t")
    assert (version, len(unb64(tips.split(",")[0]))) == ("m1", 32)
    assert signed(by, "mark", line.encode(), signature)


def test_the_examples_are_what_the_program_makes_today() -> None:
    made = protocol_examples.make()
    again = "run `.venv/bin/python tests/protocol_examples.py` and look at what changed in docs/protocol.md"
    assert set(EXAMPLES) == set(made), again
    assert protocol_examples.filled_in(DOCUMENT, made) == DOCUMENT, again


def test_there_is_an_example_of_every_message() -> None:
    statuses = {message(f"{name}-reply").first for name in REQUESTS}
    paths = {message(name).first for name in REQUESTS}
    assert statuses == {"200", "403", "409"}
    assert paths == {
        "GET /sync/v1/hello", "POST /sync/v1/enrol", "POST /sync/v1/exchange", "POST /sync/v1/rebase",
    }  # fmt: skip
    manifests = [message(name).manifest for name in EXCHANGES]
    assert {field for one in manifests for field in ("certs", "back") if one[field]} == {"certs", "back"}
    replies = [message(f"{name}-reply") for name in EXCHANGES]
    said = [one.manifest for one in replies if one.first == "200"]
    assert any(one["lost"] for one in said)
    assert any(one["refused"] for one in said)
    refusals = {one.manifest["code"] for one in replies if one.first == "403"}
    assert refusals == {"unknown_key", "moved", "revoked"}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_and_its_reply_are_signed_as_the_document_says(name: str) -> None:
    request, reply = message(name), message(f"{name}-reply")
    bound = ""
    if "grid-auth" in request.headers:
        nonce, bound = request.headers["grid-auth"].split(":")
        proof = "\n".join((*request.first.split(" "), b64(sha(request.body)), nonce))
        assert signed(request.headers["grid-node"], "req", proof.encode(), bound)
    elif name == "enrol":
        bound = request.manifest["proof"]
    answer = "\n".join((bound, reply.first, b64(sha(reply.body))))
    assert signed(reply.headers["grid-node"], "reply", answer.encode(), reply.headers["grid-sig"])


@pytest.mark.parametrize("name", EXCHANGES)
def test_the_lines_of_an_exchange_verify_and_give_the_points_that_it_names(name: str) -> None:
    request, reply = message(name), message(f"{name}-reply")
    asked, ahead = request.manifest, request.manifest["certs"] + request.manifest["back"]
    read = list(read_lines(request.lines[1:]))
    assert [ok for _hash, _header, ok in read] == [name != DAMAGED] * len(read)
    assert fold(asked["from"], [one for one, _header, _ok in read[ahead:]]) == asked["to"]
    if reply.first != "200":
        return
    said, handed = reply.manifest, sound_lines(reply.lines[1:])
    assert said["have"] == asked["to"]
    for line, signature in said["marks"]:
        check_mark(line, signature)
    log, *point = asked["down"]
    if said["down"] != {"rebase": True}:
        assert (said["down"]["log"], said["down"]["to"]) == (log, fold(point, handed[said["lost"] :]))
    assert [row[1] for row in said["refused"]] == [one for one, _header, ok in read if not ok]


def test_the_child_of_the_conflict_has_the_point_that_the_parent_says() -> None:
    assert message("conflict-reply").manifest["have"] == message("conflict").manifest["to"]


def test_the_rebase_names_points_of_the_ladders() -> None:
    ladders, answer = message("rebase").manifest, message("rebase-reply").manifest
    for side in ("up", "down"):
        assert answer[side] in ladders[side]
        assert ladders[side][-1] == [0, b64(bytes(32))]


def test_the_code_proves_the_enrolment_and_names_the_root() -> None:
    code, request, reply = EXAMPLES["code"].replace("-", "").lower(), message("enrol").manifest, message("enrol-reply")
    secret = base64.b32decode(code[16:].upper())
    text = f"grid/enrol/1\n{request['unit']}\n".encode() + unb64(request["key"])
    assert request["proof"] == b64(hmac.digest(secret, text, "sha256"))
    trail = list(read_lines(reply.manifest["certs"]))
    assert trail[0][1].split("\t")[1].startswith(code[:16])
    assert all(ok for _hash, _header, ok in trail)
    assert json.loads(json.loads(reply.manifest["certs"][-1])[2][0][2])["key"] == request["key"]


def test_the_private_part_is_withheld_on_the_wire_and_the_hash_stays() -> None:
    (kept,) = sound_lines([EXAMPLES["kind-case"]])
    sent = message("withheld").lines[1:]
    assert sound_lines(sent) == [kept]
    assert "甲某" in EXAMPLES["kind-case"]
    assert "甲某" not in sent[0]


@pytest.mark.parametrize("name", ["gsync", "gack"])
def test_a_file_is_counted_hashed_and_signed_by_its_writer(name: str) -> None:
    lines = EXAMPLES[name].splitlines()
    place = next(at for at, line in enumerate(lines) if line.startswith("{"))
    sound_lines(lines[:place])
    writer = json.loads(json.loads(lines[place - 1])[2][0][2])["node"]
    said, last = json.loads(lines[place]), json.loads(lines[-1])
    digest = sha("".join(f"{line}\n" for line in lines[:-1]).encode())
    assert (last["end"], last["sha256"]) == (len(lines) - place - 2, b64(digest))
    assert signed(writer, "file", digest, last["sig"])
    hashes = sound_lines(lines[place + 1 : -1])
    if name == "gsync":
        assert fold(said["from"], hashes) == said["to"]
        stem = f"{writer}-{said['from'][0]}-{said['to'][0]}"
        assert EXAMPLES["file-name"] == f"{stem}-{digest[:4].hex()}.gsync"
    else:
        assert EXAMPLES["receipt-name"] == f"{said['for']}-{said['have'][0]}-{digest[:4].hex()}.gack"
        for line, signature in said["marks"]:
            check_mark(line, signature)


def test_the_receipt_says_that_the_file_was_taken_in() -> None:
    said = [
        json.loads(next(line for line in EXAMPLES[name].splitlines() if line.startswith("{")))
        for name in ("gsync", "gack")
    ]
    assert said[1]["have"] == said[0]["to"]
    assert said[1]["log"] == said[0]["log"]


def test_the_mark_is_signed_by_its_level() -> None:
    check_mark(*json.loads(EXAMPLES["mark"]))


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("kind-")])
def test_the_example_of_a_kind_is_of_that_kind_and_verifies(name: str) -> None:
    ((_hash, header, verifies),) = read_lines([EXAMPLES[name]])
    assert (header.split("\t")[4], verifies) == (name.removeprefix("kind-"), True)


def turned(text: str, at: int) -> str:
    """A text with one sign changed."""
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


@pytest.mark.parametrize(
    "spoil", [lambda line: turned(line, line.index("chk") + 8), lambda line: turned(line, line.index("zero"))]
)
def test_these_checks_see_a_changed_sign(spoil: Callable[[str], str]) -> None:
    line = message("exchange").lines[1]
    sound_lines([line])
    ((_hash, _header, verifies),) = read_lines([spoil(line)])
    assert not verifies
