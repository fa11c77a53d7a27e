"""What stands in the path and is not held here is 404, whatever its shape: a mistyped id is not held either."""

from __future__ import annotations

import re
from typing import Any, Final

from werkzeug.routing import Rule

from builders import City
from node.people import accounts

API: Final = "/api/v1"
WRONG_IDS: Final = ("abc", "A" * 42, "A" * 43, "A" * 5_000, "0", "%00", "%FF", "é", "🙂", "a b", "４２１０")
BODIES: Final[dict[str, dict[str, Any]]] = {
    "return": {"reason": "again", "reason_code": "other"},
    "cancel": {"reason": "again"},
    "actions": {"action": "accept", "after": "A" * 43},
}
CODES: Final = {"event": "unknown_event", "case_id": "unknown_case", "unit": "unknown_unit"}


def paths(city: City) -> list[tuple[Rule, str]]:
    """Every route with one of these ids in it, with each wrong id in its place."""
    found = [rule for rule in city.hub.app.url_map.iter_rules() if rule.arguments & CODES.keys()]
    return [
        (rule, re.sub(r"<[^>]*>", wrong, rule.rule.replace("<action>", "accept")))
        for rule in found
        for wrong in WRONG_IDS
    ]


def test_an_id_in_a_route_of_the_api_that_is_not_held_is_404_whatever_its_shape() -> None:
    city = City()
    headers, browser = city.hub.user("asks", "admin"), city.hub.browser()
    asked = [(rule, path) for rule, path in paths(city) if path.startswith(API)]
    assert len(asked) >= 8 * len(WRONG_IDS)
    for rule, path in asked:
        (name,) = rule.arguments
        if "POST" in (rule.methods or ()):
            reply = browser.post(path, json=BODIES[rule.rule.rsplit("/", 1)[1]], headers=headers)
        else:
            reply = browser.get(path, headers=headers)
        assert (reply.status_code, reply.get_json(force=True)["code"]) == (404, CODES[name]), path


def test_so_is_its_page() -> None:
    city = City()
    accounts.add(city.hub.replica, "looks", "admin", None)
    browser = city.hub.browser()
    browser.set_cookie("grid_session", accounts.open_session(city.hub.replica, "looks"))
    pages = [path for rule, path in paths(city) if not path.startswith(API) and "GET" in (rule.methods or ())]
    assert len(pages) >= 6 * len(WRONG_IDS)
    for path in pages:
        assert browser.get(path).status_code == 404, path
