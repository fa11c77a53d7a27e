"""Casework through the API: a city's node with people in every role, cases brought to a state, copies of a database."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from werkzeug.test import TestResponse

from builders import CITY, E_TOWN, EAST, NOW_MS, W_TOWN, W_VILLAGE, City, Node, told

URL: Final = "/api/v1/cases"
ROLES: Final = ("worker", "mediator", "reviewer", "viewer", "analyst", "admin")
CASE: Final[Mapping[str, Any]] = {
    "kind": "dispute", "category": "02", "source": "self_applied", "complexity": "ordinary", "urgency": "yellow",
}  # fmt: skip
PRIVATE: Final[Mapping[str, Any]] = {
    "parties": [
        {"role": "applicant", "name": "甲某", "phone": "13800000000"},
        {"role": "respondent", "name": "乙某"},
    ],
    "place": "东村二组晒场",
    "narrative": "两户因排水沟起争执",
}
# What each act needs, and no more.
NEEDED: Final[Mapping[str, Mapping[str, Any]]] = {
    "decline": {"reason": "duplicate"},
    "assign": {"body": "committee"},
    "agree": {"performed_at_once": True},
    "fail": {"advice": "litigation"},
    "terminate": {"reason": "双方撤回"},
    "follow_up": {"result": "not_yet"},
    "refer": {"to": "litigation"},
    "hand_up": {"to_unit": CITY, "reason": "涉及多方"},
    "hand_down": {"to_unit": "", "reason": "就近办理"},
    "hand_across": {"to_unit": W_TOWN, "reason": "当事人在西镇"},
    "send_back": {"reason": "不属本镇"},
    "seize": {"reason": "重大纠纷"},
    "supervise": {"due": "2026-11-30"},
    "answer": {"reply": "已约双方调解"},
    "extend": {"until": "2026-12-10", "reason": "等待鉴定"},
    "note": {"text": "电话联系"},
}


class Caseworker:
    """Somebody with a token at a node."""

    def __init__(self, node: Node, name: str, role: str, unit: str) -> None:
        self.name, self.role, self.unit = name, role, unit
        self.headers = node.user(name, role, unit)
        self._node, self._client = node, node.browser()

    def post(self, path: str, body: object, **headers: str) -> TestResponse:
        """A POST below /api/v1/cases."""
        return self._client.post(URL + path, json=body, headers=self.headers | headers)

    def get(self, path: str = "") -> TestResponse:
        """A GET below /api/v1/cases."""
        return self._client.get(URL + path, headers=self.headers)

    def register(self, **change: Any) -> dict[str, Any]:
        """A case of the own unit, stored."""
        return done(self.post("", {"unit": self.unit, **CASE, **change}), 201)

    def try_to(self, case: Mapping[str, Any], action: str, **fields: Any) -> TestResponse:
        """One act after the last one known, with the fields that it needs where none are given."""
        body = {"action": action, "after": case["event"], **(fields or NEEDED.get(action, {}))}
        return self.post(f"/{case['id']}/actions", body)

    def act(self, case: Mapping[str, Any], action: str, **fields: Any) -> dict[str, Any]:
        """One act, stored."""
        return done(self.try_to(case, action, **fields), 200)

    def see(self, case: Mapping[str, Any], query: str = "") -> dict[str, Any]:
        """The document of a case."""
        return done(self.get(f"/{case['id']}{query}"), 200)


def done(reply: TestResponse, status: int) -> dict[str, Any]:
    """The document of a reply that has to have this status."""
    document = told(reply)
    assert reply.status_code == status, document
    assert isinstance(document, dict)
    return document


class Copy:
    """All of a node's database at one moment, to be put back as often as wanted."""

    def __init__(self, node: Node) -> None:
        self._node, self._kept = node, sqlite3.connect(":memory:")
        node.db.conn.backup(self._kept)

    def restore(self) -> None:
        """Makes the node's database what it was."""
        self._kept.backup(self._node.db.conn)

    def close(self) -> None:
        """Lets it go."""
        self._kept.close()


class CaseFloor:
    """A hub that serves the west, a county's node that serves the east, and people at both."""

    def __init__(self) -> None:
        self.city = City()
        hub, east = self.city.hub, self.city.join(self.city.hub, EAST)
        self.city.settle()
        self.people = {
            "west": Caseworker(hub, "west", "mediator", W_TOWN),
            "western reviewer": Caseworker(hub, "wreviewer", "reviewer", W_TOWN),
            "village": Caseworker(hub, "village", "worker", W_VILLAGE),
            "city": Caseworker(hub, "city", "reviewer", CITY),
            "viewer": Caseworker(hub, "viewer", "viewer", W_TOWN),
            "analyst": Caseworker(hub, "analyst", "analyst", CITY),
            "stranger": Caseworker(hub, "stranger", "mediator", E_TOWN),
            "east": Caseworker(east, "east", "mediator", E_TOWN),
            "eastern worker": Caseworker(east, "eworker", "worker", E_TOWN),
            "county": Caseworker(east, "county", "reviewer", EAST),
        }
        self._kept = [Copy(node) for node in self.city.nodes]

    def emptied(self) -> City:
        """The city without any case, at the hour at which every test begins."""
        self.city.clock.at_ms = NOW_MS
        for copy in self._kept:
            copy.restore()
        return self.city

    def close(self) -> None:
        """Closes every database."""
        for copy in self._kept:
            copy.close()
        for node in self.city.nodes:
            node.db.conn.close()
