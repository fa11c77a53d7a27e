"""The figures of the city's 2022 no. 4 bulletin, from 802 cases entered over HTTP (2-domain): as a rollup, and printed
as Markdown, HTML, PDF and a page.
"""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from fakes import CITY
from live import REQUEST_S, ROOT, Live, Nodes
from pypdf import PdfReader

pytestmark = pytest.mark.system
UNITS: Final = ROOT / "hub" / "data" / "jingzhou-units.csv"
FIRST: Final = date(2021, 3, 1)
LAST: Final = date(2022, 4, 29)
PERIOD: Final = f"{FIRST}..{LAST}"
SOURCES: Final = ["self_found"] * 300 + ["self_applied"] * 225 + ["court"] * 276 + ["petition"]
AGREED: Final = 666
CONFIRMED: Final = 100
REFUSED: Final = 10  # applied for, and not counted
# From the registration: how many days later a case is settled, and its agreement confirmed.
SETTLED_AFTER: Final = 3
APPLIED_AFTER: Final = 13
CONFIRMED_AFTER: Final = 28
THREADS: Final = 4


@dataclass(frozen=True)
class Story:
    """One case of the bulletin."""

    first: date
    source: str
    agreed: bool
    confirmation: str = ""  # how an application for confirmation ended

    def acts(self) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """(action, days after the registration, fields)."""
        settled = min(SETTLED_AFTER, max(0, (LAST - self.first).days))
        yield "accept", 0, {}
        yield "mediate", min(1, settled), {}
        if not self.agreed:
            yield "fail", settled, {"advice": "litigation"}
            return
        due = (self.first + timedelta(days=60)).isoformat()
        yield "agree", settled, {"performed_at_once": True} if self.first.day % 2 else {"performance_due": due}
        if self.confirmation:
            yield "apply_confirmation", APPLIED_AFTER, {}
            yield self.confirmation, CONFIRMED_AFTER, {}


def stories() -> list[Story]:
    """The 802 cases from the first day to the last, and two that the period leaves out."""
    dice = random.Random(4)
    sources = dice.sample(SOURCES, len(SOURCES))
    agreed = [True] * AGREED + [False] * (len(sources) - AGREED)
    dice.shuffle(agreed)
    days = [FIRST + timedelta(days=(LAST - FIRST).days * place // (len(sources) - 1)) for place in range(len(sources))]
    early = [place for place, yes in enumerate(agreed) if yes and (LAST - days[place]).days >= CONFIRMED_AFTER]
    applied = dice.sample(early, CONFIRMED + REFUSED)
    ended = dict.fromkeys(applied, "confirm") | dict.fromkeys(applied[CONFIRMED:], "refuse_confirmation")
    inside = [Story(days[at], sources[at], agreed[at], ended.get(at, "")) for at in range(len(sources))]
    assert (inside[0].first, inside[-1].first) == (FIRST, LAST)
    outside = [FIRST - timedelta(days=4), LAST + timedelta(days=1)]
    return [*inside, *(Story(day, "police", agreed=True) for day in outside)]


def enter(hub: Live, token: str, told: list[Story]) -> None:
    """Registers the cases and acts on them, one after the other, over one connection."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for story in told:
            case = post(session, f"{hub.url}/api/v1/cases", {
                "unit": CITY, "date": story.first.isoformat(), "kind": "dispute", "category": "02",
                "source": story.source, "complexity": "ordinary", "urgency": "yellow",
            })  # fmt: skip
            for action, days, fields in story.acts():
                body = {"action": action, "date": (story.first + timedelta(days=days)).isoformat(), **fields}
                path = f"{hub.url}/api/v1/cases/{case['id']}/actions"
                case = post(session, path, {"after": case["event"], **body})


def post(session: requests.Session, url: str, body: dict[str, Any]) -> dict[str, Any]:
    """The document of a POST that has to succeed."""
    reply = session.post(url, json=body, timeout=REQUEST_S)
    assert reply.status_code in (200, 201), (body, reply.text)
    document = reply.json()
    assert isinstance(document, dict)
    return document


def rollup(hub: Live, *more: str) -> dict[str, Any]:
    """What `grid-hub rollup` prints for the city and the bulletin's period, beside the running serve."""
    words = ("rollup", "--unit", CITY, "--period", PERIOD, "--format", "json", *more)
    document = json.loads(hub.command(*words).stdout)
    assert isinstance(document, dict)
    return document


def printed(hub: Live, folder: Path) -> dict[str, str]:
    """The bulletin in every form that people get, as text without blanks and line ends."""
    asked = ("bulletin", "--unit", CITY, "--period", PERIOD)
    found = {"md": hub.command(*asked).stdout}
    for kind in ("html", "pdf"):
        hub.command(*asked, "--format", kind, "-o", str(folder / f"b.{kind}"))
    found["html"] = re.sub(r"<[^>]+>", "", (folder / "b.html").read_text("utf-8"))
    pages = PdfReader(io.BytesIO((folder / "b.pdf").read_bytes())).pages
    found["pdf"] = "".join(page.extract_text() for page in pages)
    found["page"] = re.sub(r"<[^>]+>", "", hub.api("GET", f"/bulletin?unit={CITY}&period={PERIOD}").text)
    return {kind: "".join(text.split()) for kind, text in found.items()}


PARAGRAPH: Final = (
    "2021年3月1日至2022年4月29日，荆州市共受理矛盾纠纷802件，其中自行受理525件、法院委托276件、信访1件；"
    "调解802件，调解率100.00%（802/802）；调解成功666件，调解成功率83.04%（666/802），调解不成136件；"
    "司法确认100件，占调解数的12.47%（100/802），占调解成功数的15.02%（100/666）。"
)
PROOF: Final = "525＋276＋1＝802；666＋136＝802；司法确认100≤调解成功666≤调解802≤受理802。"


def test_the_figures_of_the_bulletin_come_out(nodes: Nodes, tmp_path: Path) -> None:
    hub = nodes.hub(UNITS)
    hub.command("user", "add", "mediator", "--role", "mediator")
    token = hub.command("token", "mediator").stdout.strip()
    told = stories()
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(enter, hub, token, told[place::THREADS]) for place in range(THREADS)]:
            done.result()
    document = rollup(hub)
    wanted = {
        "registered": 802, "accepted": 802, "mediated": 802, "agreed": 666, "not_agreed": 136, "confirmed": 100,
    }  # fmt: skip
    assert {name: document["measures"][name] for name in wanted} == wanted
    rates = {
        "mediation_rate": {"value": "100.00", "numerator": 802, "denominator": 802},
        "success_rate": {"value": "83.04", "numerator": 666, "denominator": 802},
        "confirmation_of_mediated": {"value": "12.47", "numerator": 100, "denominator": 802},
        "confirmation_of_agreed": {"value": "15.02", "numerator": 100, "denominator": 666},
    }
    assert {name: document["rates"][name] for name in rates} == rates
    rows = {row["key"]: row["measures"] for row in rollup(hub, "--by", "source_group")["rows"]}
    accepted = {"self": 525, "court": 276, "petition": 1, "transfer": 0}
    assert {key: measures["accepted"] for key, measures in rows.items()} == accepted
    assert sum(measures["confirmed"] for measures in rows.values()) == CONFIRMED
    assert hub.api("GET", f"/api/v1/rollup?unit={CITY}&period={PERIOD}").document["measures"] == document["measures"]
    for kind, text in printed(hub, tmp_path).items():
        assert (PARAGRAPH in text, PROOF in text) == (True, True), (kind, text[:600])
        for cells in ("自行受理52565.46%（525/802）", "法院委托27634.41%（276/802）", "信访10.12%（1/802）"):
            assert cells in text.replace("|", ""), (kind, cells)
