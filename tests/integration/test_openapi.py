"""The description of the API is whole: every route stands in OpenAPI and in docs/api.md, and nothing else does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builders import City, told
from node.figures.rollup import DIMENSIONS

API = "/api/v1"
DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
Operation = tuple[str, str]


def plain(path: str) -> str:
    """A path with all its places alike, whatever they are called: `<id>`, `{case_id}`."""
    return re.sub(r"[<{][^>}]*[>}]", "<>", path)


def routes(city: City) -> set[Operation]:
    rules = [rule for rule in city.hub.app.url_map.iter_rules() if rule.rule.startswith(API)]
    methods = {(method, plain(rule.rule)) for rule in rules for method in rule.methods or ()}
    return {one for one in methods if one[0] not in ("HEAD", "OPTIONS") and not one[1].endswith("openapi.json")}


def test_every_route_of_a_hub_is_described_and_everything_described_is_a_route() -> None:
    city = City()
    said = told(city.hub.browser().get(f"{API}/openapi.json", headers=city.hub.user("reads", "viewer")))
    described = {
        (method.upper(), plain(path))
        for path, operations in said["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert said["openapi"].startswith("3.1")
    assert described == routes(city)
    assert len(described) > 30


def test_every_operation_has_words_and_its_query_parameters() -> None:
    city = City()
    said = told(city.hub.browser().get(f"{API}/openapi.json", headers=city.hub.user("reads", "viewer")))
    for path, operations in said["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                assert operation.get("summary") or operation.get("description"), (method, path)
    asked = {one["name"] for one in said["paths"][f"{API}/rollup"]["get"]["parameters"] if one["in"] == "query"}
    assert asked >= {"unit", "period", "by", "tree", "as_of", "format"}


def test_every_route_stands_in_the_documentation_and_no_other_one() -> None:
    documented = set()
    for methods, path in re.findall(r"`((?:GET|POST)) (/api/v1/[^`?\s]*)", DOCUMENT):
        documented.add((methods, plain(path)))
    assert documented == routes(City())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"tree": "later"}, "tree 写的是“later”。请从这些里选：then, now。"),
        ({"colour": "red"}, "没有“colour”这一项（值为“red”）。请核对名称，或删去这一项。"),
        ({"by": "x"}, f"不能按“x”分。可用：{', '.join(DIMENSIONS)}。"),
    ],
)
def test_a_refusal_of_a_query_is_in_the_readers_language_and_names_every_way_out(
    query: dict[str, str], words: str
) -> None:
    city = City()
    headers = city.hub.user("asks", "admin")
    said = city.hub.browser().get(f"{API}/rollup", query_string=query, headers=headers)
    assert (said.status_code, said.json["detail"]) == (422, words)


def test_what_is_missing_or_too_large_is_said_in_the_readers_language() -> None:
    city = City()
    headers = city.hub.user("asks", "admin")

    def told_of(**query: str) -> str:
        reply = city.hub.browser().get(f"{API}/rollup/records", query_string=query, headers=headers)
        assert reply.status_code == 422
        return str(reply.json["detail"])

    assert told_of() == "缺少“measure”这一项。请补上再提交。"
    assert "Must" not in told_of(measure="agreed", limit="501")
    assert "500" in told_of(measure="agreed", limit="501")
