"""One case on five real nodes, from found to closed, every link cut while each act is written; and its private texts,
looked for in everything that any node keeps, sends or says.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
import requests
from fakes import CITY, E_GROUPS, E_TOWN, E_VILLAGE, EAST
from gates import Gate
from live import ARRIVES_S, REQUEST_S, Live, Nodes, today, wait_for

pytestmark = pytest.mark.system
GROUP: Final = E_GROUPS[0]
UNITS: Final = (CITY, EAST, E_TOWN, E_VILLAGE, GROUP)
CANARIES: Final = 50
WITH_PRIVATE: Final = "SELECT e.hash FROM event e JOIN part p ON p.event = e.n AND p.name = 'per' WHERE kind = 'case'"
CASE: Final = {
    "kind": "dispute", "category": "02", "source": "self_found", "complexity": "ordinary", "urgency": "yellow",
}  # fmt: skip


class Canaries:
    """Random words that stand for what people wrote; each is given out once."""

    def __init__(self, seed: int) -> None:
        drawn = random.Random(seed)
        self.all = [f"canary{drawn.getrandbits(64):016x}" for _ in range(CANARIES)]
        self.left = list(self.all)

    def one(self) -> str:
        """The next one."""
        return self.left.pop()


class Line:
    """The hub and one node of each level below, with a wire between each two that can be cut."""

    def __init__(self, nodes: Nodes) -> None:
        self.gates: list[Gate] = []
        self.nodes = [nodes.hub()]
        for unit in UNITS[1:]:
            self.gates.append(Gate(self.nodes[-1].port))
            self.nodes.append(nodes.below(self.nodes[-1], unit, self.gates[-1].url))
        self._tokens: dict[str, str] = {}
        for node in self.nodes:
            role = "worker" if node.unit == GROUP else "reviewer"
            node.command("user", "add", "staff", "--role", role)
            self._tokens[node.unit] = node.command("token", "staff").stdout.strip()

    def at(self, unit: str) -> Live:
        """The node of a unit."""
        return next(node for node in self.nodes if node.unit == unit)

    def cut(self) -> None:
        """No node reaches its parent."""
        for gate in self.gates:
            gate.cut()

    def knock_in_vain(self) -> None:
        """Waits until every node has tried to reach its parent, and was turned away, since now."""
        before = [gate.turned_away for gate in self.gates]
        wait_for(lambda: all(gate.turned_away > had for gate, had in zip(self.gates, before, strict=True)), ARRIVES_S)

    def mend(self) -> None:
        """All links are whole."""
        for gate in self.gates:
            gate.mend()

    def request(self, unit: str, method: str, path: str, body: object = None) -> requests.Response:
        """One request by the staff of a unit at its node."""
        headers = {"Authorization": f"Bearer {self._tokens[unit]}"}
        return requests.request(method, self.at(unit).url + path, json=body, headers=headers, timeout=REQUEST_S)

    def see(self, unit: str, case_id: str) -> dict[str, Any] | None:
        """The case as a node shows it, None if it has not heard of it."""
        reply = self.request(unit, "GET", f"/api/v1/cases/{case_id}")
        assert reply.status_code in (200, 404), reply.text
        return dict(reply.json()) if reply.status_code == 200 else None

    def register(self, unit: str, private: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        """A case found by a unit, at rest everywhere."""
        reply = self.request(unit, "POST", "/api/v1/cases", {"unit": unit, **CASE, "private": private, **change})
        assert reply.status_code == 201, reply.text
        return dict(reply.json())

    def act(self, unit: str, case_id: str, action: str, **fields: Any) -> dict[str, Any]:
        """One act at a unit's node, after what that node has seen last."""
        seen = self.see(unit, case_id)
        assert seen is not None
        body = {"action": action, "after": seen["event"], **fields}
        reply = self.request(unit, "POST", f"/api/v1/cases/{case_id}/actions", body)
        assert reply.status_code == 200, (action, reply.text)
        return dict(reply.json())

    def agreed_on(self, done: Mapping[str, Any], units: Sequence[str]) -> bool:
        """Whether the nodes of these units show the act, its state, its owner and its term."""
        wanted = {name: done[name] for name in ("event", "state", "owner", "term")}
        return all(self.standing(unit, done["id"]) == wanted for unit in units)

    def standing(self, unit: str, case_id: str) -> dict[str, Any] | None:
        """What all nodes have to agree on."""
        seen = self.see(unit, case_id)
        return seen and {name: seen[name] for name in ("event", "state", "owner", "term")}

    def spread(self, done: Mapping[str, Any], units: Sequence[str] = UNITS) -> None:
        """Mends the links and waits until all nodes that may see the case agree."""
        self.mend()
        wait_for(
            lambda: self.agreed_on(done, units),
            ARRIVES_S,
            lambda: (done, [self.standing(unit, done["id"]) for unit in units]),
        )

    def step(self, unit: str, case_id: str, action: str, **fields: Any) -> dict[str, Any]:
        """One act while no link is whole: nobody else knows of it; then the links are mended, and everybody does."""
        before = {other: self.standing(other, case_id) for other in UNITS}
        assert len({str(one) for one in before.values()}) == 1, before
        self.cut()
        done = self.act(unit, case_id, action, **fields)
        self.knock_in_vain()
        assert {other: self.standing(other, case_id) for other in UNITS if other != unit} == {
            other: seen for other, seen in before.items() if other != unit
        }
        self.spread(done)
        return done


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Five nodes in a line; each test uses cases of its own."""
    nodes = Nodes(tmp_path_factory.mktemp("line"))
    made = None
    try:
        made = Line(nodes)
        yield made
    finally:
        nodes.close()
        for gate in made.gates if made else []:
            gate.close()


def words_of(line: Line, unit: str, case_id: str) -> str:
    """The timeline as the staff of a unit may read it."""
    seen = line.see(unit, case_id)
    assert seen is not None
    return str(seen["timeline"])


def test_a_case_goes_from_found_to_closed_over_five_nodes_with_the_links_cut_at_every_step(line: Line) -> None:
    first = today()  # midnight may pass meanwhile
    soon = (first + timedelta(days=5)).isoformat()
    line.cut()
    case = line.register(GROUP, {"narrative": "两户因排水沟起争执"})
    case_id = case["id"]
    assert [line.see(unit, case_id) for unit in UNITS[:-1]] == [None] * 4
    line.spread(case)
    owners = {GROUP: 0}

    def step(unit: str, action: str, **fields: Any) -> dict[str, Any]:
        done = line.step(unit, case_id, action, **fields)
        owners[done["owner"]] = done["term"]
        return done

    step(GROUP, "hand_up", to_unit=E_VILLAGE, reason="双方不肯坐下来谈")
    done = step(E_VILLAGE, "send_back", reason="请先上门了解一次")
    assert (done["owner"], done["state"]) == (GROUP, "registered")
    wait_for(lambda: "请先上门了解一次" in words_of(line, GROUP, case_id), ARRIVES_S)
    step(GROUP, "hand_up", to_unit=E_VILLAGE, reason="已上门，仍谈不拢")
    assert step(E_VILLAGE, "take")["owner"] == E_VILLAGE
    done = step(E_VILLAGE, "hand_up", to_unit=E_TOWN, reason="涉及两个村")
    assert (done["owner"], done["state"]) == (E_VILLAGE, "registered")
    assert step(E_TOWN, "take")["owner"] == E_TOWN
    for action, fields, state in (
        ("accept", {}, "accepted"),
        ("mediate", {}, "mediating"),
        ("agree", {"performance_due": soon}, "agreed"),
        ("follow_up", {"result": "reneged"}, "reneged"),
        ("remediate", {}, "mediating"),
        ("agree", {"performance_due": soon}, "agreed"),
        ("follow_up", {"result": "performed"}, "performed"),
        ("apply_confirmation", {}, "performed"),
        ("confirm", {}, "performed"),
        ("close", {}, "closed"),
    ):
        assert step(E_TOWN, action, **fields)["state"] == state, action

    assert owners == {GROUP: 0, E_VILLAGE: 1, E_TOWN: 2}  # one owner after the other, each with a term of its own
    seen = {unit: line.see(unit, case_id) for unit in UNITS}
    public = {
        unit: [(one["event"], one["action"], one["unit"], one["void"]) for one in (found or {})["timeline"]]
        for unit, found in seen.items()
    }
    assert all(one == public[GROUP] for one in public.values())
    assert [one[3] for one in public[GROUP]] == [None] * 17
    measures = line.at(CITY).json("rollup", "--unit", CITY, "--period", f"{first}..{today()}")["measures"]
    wanted = {"registered": 1, "agreed": 1, "performed": 1, "reneged": 1, "confirmed": 1, "closed": 1}
    assert {name: measures[name] for name in wanted} == wanted
    for node in line.nodes:
        assert node.json("verify")["ok"] is True


def kept(line: Line, unit: str) -> bytes:
    """All bytes that a node keeps: database, write-ahead log, exports, backups, configuration, and what it printed."""
    node = line.at(unit)
    files = [path for path in node.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    return b"\n".join([*(path.read_bytes() for path in files), node.log.encode()])


def said(line: Line, unit: str, cases: list[str]) -> bytes:
    """What a node answers to its own reviewer about these cases, its figures and its records; and its pages."""
    shown = {case: line.see(unit, case) for case in cases}
    cases = [case for case, seen in shown.items() if seen is not None]
    paths = [f"/api/v1/cases/{case}?purpose=canary" for case in cases]
    paths += [f"/api/v1/events/{one['event']}" for seen in shown.values() if seen for one in seen["timeline"]]
    paths += ["/api/v1/cases", f"/api/v1/rollup?unit={unit}&period={today()}&by=category", "/api/v1/sync"]
    replies = [line.request(unit, "GET", path) for path in paths]
    assert all(reply.status_code == 200 for reply in replies), [(r.url, r.status_code) for r in replies]
    browser, url = line.at(unit).pages(), line.at(unit).url
    pages = [browser.get(f"{url}{path}", timeout=REQUEST_S) for path in ("/cases", *(f"/cases/{one}" for one in cases))]
    assert all(page.status_code == 200 for page in pages)
    return b"\n".join([*(reply.content for reply in replies), *(page.content for page in pages)])


class Words:
    """Canaries, and at which nodes each may stand: where it was written, and with whom it was written for."""

    def __init__(self, line: Line) -> None:
        self.birds, self._line = Canaries(20261125), line
        self.may: dict[str, set[str]] = {unit: set() for unit in UNITS}

    def one(self, *units: str) -> str:
        """A new one, for the nodes of these units."""
        word = self.birds.one()
        for unit in units:
            self.may[unit].add(word)
        return word

    def private(self, *units: str) -> dict[str, Any]:
        """A private part that is all canaries."""
        parties = [
            {"role": role, "name": self.one(*units), "phone": self.one(*units)} for role in ("applicant", "respondent")
        ]
        return {"parties": parties, "place": self.one(*units), "narrative": self.one(*units)}

    def found(self, where: bytes) -> set[str]:
        """Those whose bytes stand there."""
        return {word for word in self.birds.all if word.encode() in where}

    def kept(self, unit: str) -> set[str]:
        """Those in any byte that a node keeps or printed."""
        return self.found(kept(self._line, unit))


def work(line: Line, words: Words) -> list[str]:
    """Cases with canaries in every private field: one that stays in the village, three of the group that the township
    takes, of which one was sent back first and one is supervised by the county. The cases' ids.
    """

    def act(unit: str, case: Mapping[str, Any], action: str, **fields: Any) -> None:
        line.spread(line.act(unit, case["id"], action, **fields))

    stays = line.register(E_VILLAGE, words.private(E_VILLAGE))
    taken = [line.register(GROUP, words.private(GROUP, E_TOWN)) for _ in range(3)]
    for case in taken:
        line.spread(case)
    sent_back, supervised, plain = taken
    act(GROUP, sent_back, "hand_up", to_unit=E_VILLAGE, reason=words.one(GROUP, E_TOWN))
    act(E_VILLAGE, sent_back, "send_back", reason=words.one(E_VILLAGE, GROUP, E_TOWN))
    for case in taken:
        act(GROUP, case, "hand_up", to_unit=E_TOWN, reason=words.one(GROUP, E_TOWN))
        act(E_TOWN, case, "take")
        act(E_TOWN, case, "accept", private={"narrative": words.one(E_TOWN)})
    act(EAST, supervised, "supervise", due=str(today()), text=words.one(EAST, E_TOWN))
    act(E_TOWN, supervised, "answer", reply=words.one(E_TOWN, EAST))
    act(GROUP, plain, "note", text=words.one(GROUP, E_TOWN))
    act(E_TOWN, plain, "mediate")
    act(E_TOWN, plain, "agree", performed_at_once=True, private={"agreement": words.one(E_TOWN)})
    while words.birds.left:
        line.act(E_VILLAGE, stays["id"], "note", text=words.one(E_VILLAGE))
    return [stays["id"], *(case["id"] for case in taken)]


def test_private_words_are_nowhere_but_with_who_handles_the_case_and_after_an_erasure_nowhere(line: Line) -> None:
    words = Words(line)
    cases = work(line, words)
    wait_for(lambda: all(words.kept(unit) == words.may[unit] for unit in UNITS), ARRIVES_S, lambda: {
        unit: (words.kept(unit) - words.may[unit], words.may[unit] - words.kept(unit)) for unit in UNITS
    })  # fmt: skip
    quiet(line)
    for node in line.nodes:
        if node.unit != CITY:
            (node.folder / "out").mkdir()
            node.command("export", str(node.folder / "out"), "--all")
        node.command("backup", str(node.folder / "backups" / "day"))
    for unit in UNITS:
        assert words.kept(unit) == words.may[unit], unit
        assert words.found(said(line, unit, cases)) <= words.may[unit], unit
    assert words.may[CITY] == set()
    # The township reads all of them but three narratives, in whose place its own stand: a look that finds nothing
    # proves nothing.
    assert len(words.found(said(line, E_TOWN, cases))) == len(words.may[E_TOWN]) - 3
    for gate in line.gates:
        passed = gate.bodies()
        assert cases[1].encode() in passed  # it does see what goes over the wire
        assert words.found(passed) == set()

    events = [row[0] for row in line.at(CITY).rows(WITH_PRIVATE)]
    line.at(CITY).command("erase", *events, "--ground", "当事人申请")
    wait_for(lambda: not any(words.kept(unit) for unit in UNITS), ARRIVES_S, lambda: {
        unit: words.kept(unit) for unit in UNITS
    })  # fmt: skip
    for unit in UNITS:
        assert words.found(said(line, unit, cases)) == set(), unit
        report = line.at(unit).json("verify")
        assert (report["ok"], report["problems"]) == (True, []), unit


def quiet(line: Line) -> None:
    """Waits until nothing is queued anywhere and no link moves a line."""

    def counts() -> list[Any]:
        return [(node.json("status")["queue"], node.rows("SELECT MAX(n) FROM event")) for node in line.nodes]

    last: list[Any] = []

    def same_twice() -> bool:
        nonlocal last
        before, last = last, counts()
        return last == before and all(queue == 0 for queue, _ in last)

    wait_for(same_twice, ARRIVES_S, counts)
