"""`grid-hub map`: the city's own boundaries on the overview, and back to tiles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk

from builders import EAST, WEST, Network
from hub import map_queries
from hub.app import create_hub_app
from node import accounts
from node.app import Grid
from node.home import Home


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


def overview(home: Home) -> str:
    app = create_hub_app(Grid(home.replica, home.secret, lambda: True))
    replica = home.replica()
    browser = app.test_client()
    browser.set_cookie("grid_session", accounts.open_session(replica, "admin"))
    return browser.get("/overview").text


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
