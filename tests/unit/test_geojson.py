"""A city's own boundaries: what is no map is refused with place and reason; what is drawn keeps its shape."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import geojson
from hub.geojson import Area, draw, read_areas
from schemas.errors import GridError, Invalid, TooLarge
from schemas.labels import explain, label

SQUARE = [[112.0, 30.0], [113.0, 30.0], [113.0, 31.0], [112.0, 31.0], [112.0, 30.0]]


def feature(code: Any = 421002, coordinates: Any = None, kind: str = "Polygon") -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": [SQUARE] if coordinates is None else coordinates}
    return {"type": "Feature", "properties": {"adcode": code}, "geometry": geometry}


def collection(*features: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "no_json"),
        (b"[" * 100_000, "no_json"),
        (b"[]", "no_collection"),
        (collection(), "features"),
        (collection(*(feature(421000 + at) for at in range(501))), "features"),
        (collection({"type": "Feature"}), "no_code"),
        (collection(feature(code="东县")), "no_code"),
        (collection(feature(code=True)), "no_code"),
        (collection(feature(code=12)), "no_code"),
        (collection(feature(kind="Point", coordinates=[1, 2])), "no_polygon"),
        (collection(feature(coordinates=[])), "no_rings"),
        (collection(feature(coordinates=[], kind="MultiPolygon")), "no_coordinates"),
        (collection(feature(coordinates=[SQUARE[:3]])), "short_ring"),
        (collection(feature(coordinates=[SQUARE[:4]])), "open_ring"),
        (collection(feature(coordinates=[[["a", 1], *SQUARE[1:]]])), "no_point"),
        (collection(feature(coordinates=[[[True, 1], *SQUARE[1:]]])), "no_point"),
        (collection(feature(coordinates=[[[512_000.0, 3_400_000.0]] * 4])), "no_degrees"),
        (collection(feature()).replace(b"112.0", b"NaN"), "no_json"),
        (collection(feature()).replace(b"112.0", b"1e999"), "no_point"),
        (collection(feature(), feature()), "twice"),
    ],
)
def test_what_is_no_map_is_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(Invalid, match="bad_geojson") as refused:
        read_areas(content)
    assert why in str(refused.value)
    assert explain("zh_CN", refused.value).count(label("zh_CN", f"geojson.{refused.value.params['fault']}")) == 1


def test_too_many_bytes_and_points_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geojson, "MAX_POINTS", 9)
    assert len(read_areas(collection(feature()))) == 1
    with pytest.raises(TooLarge):
        read_areas(collection(feature(), feature(421003)))
    monkeypatch.setattr(geojson, "MAX_BYTES", 10)
    with pytest.raises(TooLarge):
        read_areas(collection(feature()))


def test_a_square_is_drawn_as_one_true_to_shape_at_its_middle_with_its_words_inside() -> None:
    (width, height), (one,) = draw(read_areas(collection(feature())))
    assert width == geojson.WIDTH
    assert height == pytest.approx(width / 0.8616, rel=0.01)  # cos 30.5°
    assert one.path == f"M0 {height} {width} {height} {width} 0 0 0Z"
    assert one.at == (width // 2, height // 2)


def test_holes_islands_and_specks_are_kept() -> None:
    hole = [[112.4, 30.4], [112.6, 30.4], [112.6, 30.6], [112.4, 30.6], [112.4, 30.4]]
    speck = [[112.0, 30.0], [112.000001, 30.0], [112.0, 30.000001], [112.0, 30.0]]
    content = collection(feature(coordinates=[[SQUARE, hole], [hole]], kind="MultiPolygon"), feature(421003, [speck]))
    _, (land, small) = draw(read_areas(content))
    assert land.path.count("M") == 3
    assert re.fullmatch(r"M\d+ \d+h1v1h-1Z", small.path)


@given(st.lists(st.tuples(st.floats(111, 114), st.floats(29, 31)), min_size=1, max_size=6), st.floats(0.05, 1))
def test_every_path_lies_inside_its_drawing_and_neighbours_share_their_border(
    corners: list[tuple[float, float]], size: float
) -> None:
    areas = []
    for at, (x, y) in enumerate(corners):
        for side in (0, 1):
            left = x + side * size
            ring = [(left, y), (left + size, y), (left + size, y + size), (left, y + size), (left, y)]
            areas.append(Area(f"{421000 + 2 * at + side}", (ring,)))
    try:
        (width, height), drawn = draw(areas)
    except GridError:
        return
    for one in drawn:
        numbers = [int(number) for number in re.findall(r"\d+", one.path.split("h")[0])]
        assert all(0 <= number <= width for number in numbers[::2])
        assert all(0 <= number <= height for number in numbers[1::2])
    for left, right in zip(drawn[::2], drawn[1::2], strict=True):
        if "h" not in left.path + right.path:
            shared = [set(re.findall(r"\d+ \d+", one.path)) for one in (left, right)]
            assert len(shared[0] & shared[1]) >= 1


def test_much_detail_is_drawn_on_a_coarser_grid_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 20_000
    ring = [(112 + at / steps, 30.0 + at % 2 * 0.004) for at in range(steps)]
    ring = [*ring, (113.0, 31.0), (112.0, 31.0), ring[0]]
    (_, height), (one,) = draw([Area("421002", (ring,))])
    assert len(one.path) <= geojson.MAX_CHARS
    numbers = {int(number) for number in re.findall(r"\d+", one.path)} - {height, geojson.WIDTH}
    assert {number % 2 for number in numbers} == {0}
    monkeypatch.setattr(geojson, "MAX_CHARS", 100)
    with pytest.raises(Invalid, match="detail"):
        draw([Area("421002", (ring,))])


def test_a_line_is_no_map() -> None:
    flat = [[112.0, 30.0], [113.0, 30.0], [112.5, 30.0], [112.0, 30.0]]
    with pytest.raises(Invalid, match="no_extent"):
        draw(read_areas(collection(feature(coordinates=[flat]))))
    thin = [[112.0, 30.0], [119.0, 30.0], [119.0, 30.001], [112.0, 30.0]]
    with pytest.raises(Invalid, match="narrow"):
        draw(read_areas(collection(feature(coordinates=[thin]))))
