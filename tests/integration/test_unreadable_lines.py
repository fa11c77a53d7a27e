"""A line out of the grammar, as a newer or a broken level below may send it, is set aside by the hash that its log
counts it as; what comes with it and after it is taken in.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from crafted import Crafted, code, said

from builders import W_GROUPS, WEST, City
from schemas.encoding import b64, unb64
from schemas.events import next_acc

GROUP = W_GROUPS[0]
DAYS = ("2026-11-20", "2026-11-21", "2026-11-22")


def replaced(place: int, text: str) -> Any:
    """A change of one field of the header."""

    def change(line: list[Any]) -> list[Any]:
        fields = line[0].split("\t")
        fields[place] = text
        return ["\t".join(fields), *line[1:]]

    return change


def part(place: int, value: object) -> Any:
    """A change of one element of the first part."""
    return lambda line: [*line[:2], [[value if at == place else one for at, one in enumerate(line[2][0])]]]


BROKEN: dict[str, Any] = {
    "another grammar": replaced(0, "g2"),
    "a field too many": lambda line: [line[0] + "\tx", *line[1:]],
    "a field too few": lambda line: [line[0].rpartition("\t")[0], *line[1:]],
    "seq with a zero before it": replaced(2, "02"),
    "a kind in capitals": replaced(4, "CHK"),
    "a unit in Chinese": replaced(5, "县"),
    "a line feed in a field": replaced(5, "1\n2"),
    "a lone surrogate in a field": replaced(5, "\ud800"),
    "no number where the clock stands": replaced(7, "1.5"),
    "no signature": lambda line: [line[0], None, line[2]],
    "a signature cut short": lambda line: [line[0], line[1][:40], line[2]],
    "a signature with padding": lambda line: [line[0], line[1] + "==", line[2]],
    "no parts": lambda line: [line[0], line[1], []],
    "parts that are none": lambda line: [line[0], line[1], None],
    "a part's name with a sign": part(0, "pub!"),
    "a salt of 15 bytes": part(1, b64(bytes(15))),
    "a lone surrogate in a text": part(2, "\ud800"),
    "a float in place of a text": part(2, 1.5),
    "text and hash": part(3, b64(bytes(32))),
    "nine parts": lambda line: [line[0], line[1], [[f"p{'abcdefghi'[at]}", *line[2][0][1:]] for at in range(9)]],
}


def header_hash(text: str) -> str:
    """The hash of 3-sync, worked out here once more."""
    return b64(hashlib.sha256(b"grid/event/1\n" + text.encode("utf-8", "surrogatepass")).digest())


def with_broken(request: Crafted, change: Any) -> str:
    """The request with its middle line broken and all abbreviations written out; the hash of that line."""
    acc, last, lines = unb64(request.manifest["from"][1]), "", []
    for at, raw in enumerate(request.lines):
        line = json.loads(raw)
        fields = line[0].split("\t")
        digests = [hashlib.sha256(b"\0" + p[0].encode() + b"\0" + unb64(p[1]) + p[2].encode()) for p in line[2]]
        fields[10] = b64(hashlib.sha256(b"".join(one.digest() for one in digests)).digest())
        fields[3] = last if fields[3] == "=" else fields[3]
        line[0] = "\t".join(fields)
        last = header_hash(line[0])
        if at == 1:
            line = change(line)
            wrong = header_hash(line[0])
        acc = next_acc(acc, wrong if at == 1 else last)
        lines.append(json.dumps(line))
    request.lines, request.manifest["to"][1] = lines, b64(acc)
    return wrong


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_line_that_cannot_be_read_is_set_aside_and_the_rest_counts(change: Any) -> None:
    city = City()
    county = city.line(WEST)[0]
    county.sync()
    for day in DAYS:
        county.check(GROUP, day)
    request = Crafted(county)
    wrong = with_broken(request, change)
    n = request.manifest["from"][0] + 2
    answer = said(request.send())
    assert (answer["have"], answer["refused"]) == (request.manifest["to"], [[n, wrong, "unreadable"]])
    held = city.hub.db.execute("SELECT COUNT(*) FROM event WHERE kind = 'chk' AND standing = 'ok'").fetchone()
    assert (held[0], city.hub.count("refused")) == (2, 1)
    again = request.send()
    assert (again.status, said(again)["refused"]) == (409, [[n, wrong, "unreadable"]])


@pytest.mark.parametrize("line", ["<html></html>", '{"a":1}', '["g1"]', "[" * 100_000], ids=len)
def test_a_line_without_a_hash_stops_the_body_and_not_the_link(line: str) -> None:
    city = City()
    county = city.line(WEST)[0]
    county.check(GROUP)
    request = Crafted(county)
    request.lines.append(line)
    assert (code(request.send()), city.hub.count("refused")) == ((400, "line"), 0)
    county.sync()
    assert city.hub.db.execute("SELECT COUNT(*) FROM event WHERE kind = 'chk'").fetchone()[0] == 1
