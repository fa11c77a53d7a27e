"""`grid-hub map`: the city's own boundaries on the overview, and back to tiles."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from builders import EAST, WEST, Network
from hub import map_queries
from hub.app import create_hub_app
from node.grid import Grid
from node.home import Home
from node.people import accounts


def area(code: str, west: float) -> dict[str, Any]:
    ring = [[west, 30.0], [west + 1, 30.0], [west + 1, 31.0], [west, 31.0], [west, 30.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"adcode": int(code[:6])}, "geometry": geometry}


def write(folder: Path, *areas: dict[str, Any]) -> Path:
    path = folder / "map.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(areas)}), encoding="utf-8")
    return path


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(tmp_path, capsys, Network())
    assert desk.at_hub("init", "--units", desk.units).code == 0
    return desk


@pytest.fixture
def home(desk: Desk) -> Iterator[Home]:
    home = Home(desk.hub)
    yield home
    home.close()


def signed_in(home: Home, name: str = "admin") -> FlaskClient:
    browser = create_hub_app(Grid(home.replica, home.secret, lambda: True)).test_client()
    browser.set_cookie("grid_session", accounts.open_session(home.replica(), name))
    return browser


def overview(home: Home) -> str:
    return signed_in(home).get("/overview").text


def send(browser: FlaskClient, path: str, **form: Any) -> TestResponse:
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/map").text)
    assert token is not None
    return browser.post(path, data={"csrf_token": token[1], **form})


def handed_in(browser: FlaskClient, *areas: dict[str, Any]) -> TestResponse:
    content = json.dumps({"type": "FeatureCollection", "features": list(areas)}).encode()
    return send(browser, "/map", file=(io.BytesIO(content), "counties.geojson"))


def logged(home: Home) -> list[tuple[str, str, str]]:
    rows = home.replica().db.execute("SELECT account, subject, purpose FROM audit WHERE act = 'map' ORDER BY n")
    return [tuple(row) for row in rows.fetchall()]


@pytest.mark.parametrize("arguments", [(), ("none.geojson",), ("x.geojson", "--clear")])
def test_no_file_and_a_file_beside_clear_are_refused(desk: Desk, arguments: tuple[str, ...]) -> None:
    said = desk.at_hub("map", *arguments)
    assert (said.code, said.out) == (2, "")
    assert len(said.err.strip().splitlines()) == 1


def test_an_area_that_is_no_county_of_the_city_is_refused_and_the_map_before_stays(desk: Desk, home: Home) -> None:
    assert desk.at_hub("map", write(desk.folder, area(EAST, 112.0))).code == 0
    before = map_queries.shapes(home.replica().db)
    said = desk.at_hub("map", write(desk.folder, area(WEST, 112.0), area("429001", 113.0)))
    assert said.code == 2
    assert "429001" in said.err
    assert map_queries.shapes(home.replica().db) == before


def test_the_map_is_drawn_with_figures_and_what_it_leaves_out_as_tiles_until_it_is_cleared(
    desk: Desk, home: Home
) -> None:
    assert 'class="tmap"' in overview(home)
    said = desk.at_hub("map", write(desk.folder, area(EAST, 112.0)), "--json")
    assert (said.code, said.document["units"], len(said.document["without"])) == (0, 1, 1)
    page = overview(home)
    assert page.count('class="shape') == 1
    assert page.count('class="tmap"') == 1
    assert desk.at_hub("map", write(desk.folder, area(EAST, 112.0), area(WEST, 113.0))).code == 0
    page = overview(home)
    assert page.count('class="shape') == 2
    assert 'class="tmap"' not in page
    assert f"/overview?unit={EAST}" in page
    assert desk.at_hub("map", "--clear").code == 0
    assert 'class="shape' not in overview(home)


# ---- by page


@pytest.mark.parametrize("role", ["worker", "mediator", "reviewer", "viewer", "analyst"])
def test_who_administers_nothing_changes_no_map(home: Home, role: str) -> None:
    accounts.add(home.replica(), role, role, None)
    browser = signed_in(home, role)
    assert browser.get("/map").status_code == 403
    for path in ("/map", "/map/confirm", "/map/clear"):
        assert browser.post(path).status_code in (400, 403)
    assert (map_queries.shapes(home.replica().db), logged(home)) == ({}, [])


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (None, 422, "请选择一个文件"),
        (b"nothing", 422, "不是 JSON 文件"),
        (json.dumps({"type": "FeatureCollection", "features": []}).encode(), 422, "没有要素"),
        (json.dumps({"type": "FeatureCollection", "features": [area("429001", 113.0)]}).encode(), 422, "429001"),
        (b" " * 5000, 413, "2097152"),  # of a limit of 4,000 here
    ],
)
def test_a_file_that_is_no_map_is_refused_with_words_and_nothing_changes(
    home: Home, content: bytes | None, status: int, words: str
) -> None:
    browser = signed_in(home)
    browser.application.config["MAX_CONTENT_LENGTH"] = 4000
    reply = send(browser, "/map", **({"file": (io.BytesIO(content), "x.geojson")} if content is not None else {}))
    assert (reply.status_code, words in reply.text) == (status, True)
    assert (map_queries.shapes(home.replica().db), logged(home)) == ({}, [])


def test_a_map_is_seen_before_it_is_in_use_taken_in_by_a_tick_and_taken_away_again(home: Home) -> None:
    browser = signed_in(home)
    assert "没有载入地图" in browser.get("/map").text
    shown = handed_in(browser, area(EAST, 112.0))
    upload = re.search(r'name="upload" value="([^"]+)"', shown.text)
    assert upload is not None
    assert ('class="shape' in shown.text, "文件里没有：" in shown.text) == (True, True)
    assert map_queries.shapes(home.replica().db) == {}
    assert send(browser, "/map/confirm", upload=upload[1]).status_code == 422
    assert send(browser, "/map/confirm", upload="0" * 64, confirm="yes").status_code == 409
    assert send(browser, "/map/confirm", upload=upload[1], confirm="yes").status_code == 302
    assert list(map_queries.shapes(home.replica().db)) == [EAST]
    assert send(browser, "/map/confirm", upload=upload[1], confirm="yes").status_code == 409  # once
    assert overview(home).count('class="shape') == 1
    assert send(browser, "/map/clear").status_code == 422
    assert send(browser, "/map/clear", confirm="yes").status_code == 302
    assert 'class="shape' not in overview(home)
    assert logged(home) == [("admin", "counties.geojson", "loaded 1"), ("admin", "", "cleared")]
    assert "换上或去掉地图" in browser.get("/audit").text


def test_a_map_taken_in_by_command_stands_in_the_audit_log(desk: Desk, home: Home) -> None:
    assert desk.at_hub("map", write(desk.folder, area(EAST, 112.0))).code == 0
    assert desk.at_hub("map", "--clear").code == 0
    assert [(subject, purpose) for _, subject, purpose in logged(home)] == [
        ("map.geojson", "loaded 1"), ("", "cleared"),
    ]  # fmt: skip
