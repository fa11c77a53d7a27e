"""Whatever returns are signed, in whatever order they arrive, whatever moves or closes: every total of a form equals a
plain recount of the events, rows add up, each duty opens, and everything made again is the same.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from builders import CITY, E_TOWN, E_VILLAGE, EAST, W_TOWN, W_VILLAGE, WEST, City, Node
from node.reports import form_rollup
from node.reports.form_projection import RETURN_FORM_KIND, RETURN_FORM_SCHEMA
from schemas.errors import GridError
from schemas.events import payload
from schemas.periods import parse_period, period_of
from sync import log
from sync.database import write
from sync.directory import tree_of
from sync.intake import Intake
from sync.rebuild import rebuild
from sync.verify import verify

UNITS: Final = (W_VILLAGE, E_VILLAGE, W_TOWN, E_TOWN, WEST, EAST, CITY)
LEVELS: Final = {"village": (W_VILLAGE, E_VILLAGE), "township": (W_TOWN, E_TOWN)}
SPANS: Final = ("2026-09", "2026-10", "2026-09-15..2026-10-31")
FIRST: Final = date(2026, 9, 10)


def form(**more: Any) -> dict[str, Any]:
    """A form of villages and townships: a total of two, and hours."""
    whole = [{"key": key, "type": "integer", "label": {"zh_CN": key, "en": key}} for key in ("t", "a", "b")]
    hours = {"key": "h", "type": "decimal", "label": {"zh_CN": "h", "en": "h"}}
    return {
        "type": "form", "id": "f", "from": "2026-01-01", "title": {"zh_CN": "表", "en": "F"}, "cadence": "month",
        "levels": list(LEVELS), "fields": [*whole, hours], "sums": ["t = a + b"], "bounds": ["a <= t"],
        "rollup": ["t", "a", "h"], **more,
    }  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A return that one of the nodes signs; `off` breaks the sum, `version` may come later, `amends` counts back."""

    author: int
    unit: str
    day: date
    a: int
    b: int
    off: int
    hundredths: int
    version: int
    amends: int | None


days = st.integers(0, 75).map(lambda number: FIRST + timedelta(days=number))
said = st.builds(
    Said, st.integers(0, 2), st.sampled_from(UNITS[:-1]), days, st.integers(0, 5), st.integers(0, 5),
    st.sampled_from([0, 0, 0, 1]), st.integers(0, 500), st.sampled_from([1, 1, 2]), st.none() | st.integers(0, 2),
)  # fmt: skip
acts = st.builds(
    lambda pair, day: {"type": "unit", "act": "move", "unit": pair[0], "parent": pair[1], "date": day.isoformat()},
    st.sampled_from([(W_VILLAGE, E_TOWN), (E_VILLAGE, W_TOWN), (E_TOWN, WEST), (W_TOWN, EAST)]), days,
) | st.builds(
    lambda unit, day: {"type": "unit", "act": "close", "unit": unit, "date": day.isoformat()},
    st.sampled_from([W_VILLAGE, E_VILLAGE, E_TOWN]), days,
)  # fmt: skip


def sign(node: Node, spoken: Said, before: dict[tuple[str, str], list[str]]) -> None:
    """Signs a return as another program might."""
    period = period_of("month", spoken.day)
    earlier = before[(spoken.unit, period.key)]
    hours = f"{spoken.hundredths // 100}.{spoken.hundredths % 100:02}"
    public: dict[str, Any] = {
        "form": "f", "version": spoken.version, "period": period.key, "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "values": {"t": spoken.a + spoken.b + spoken.off, "a": spoken.a, "b": spoken.b, "h": hours},
    }  # fmt: skip
    if spoken.amends is not None and spoken.amends < len(earlier):
        public["amends"] = earlier[-1 - spoken.amends]
    with write(node.db, "check", node.env):
        intake = Intake(node.replica, node.env.now_ms())
        event = intake.author(
            kind=RETURN_FORM_KIND, schema=RETURN_FORM_SCHEMA, unit=spoken.unit, day=period.last, public=public
        )
        intake.finish()
    earlier.append(event.hash)


def plain(node: Node, held_versions: set[int]) -> dict[tuple[str, str], dict[str, int]]:
    """{(unit, period): {t, a, h in hundredths}} of what counts, worked out from the events alone."""
    given_for: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for stored in log.events(node.db, "e.kind = 'ret' AND e.standing = 'ok'", []):
        value: Any = payload(stored.event)
        values = value["values"]
        if value["version"] in held_versions and values["t"] == values["a"] + values["b"]:
            given_for[(stored.event.header.unit, value["period"])][stored.event.hash] = value
    found = {}
    for key, reports in given_for.items():
        amended = {one.get("amends") for one in reports.values()}
        values = reports[max(set(reports) - amended or set(reports))]["values"]
        whole, _, part = values["h"].partition(".")
        found[key] = {"t": values["t"], "a": values["a"], "h": int(whole) * 100 + int(part)}
    return found


def agrees(node: Node, held_versions: set[int]) -> None:
    """Asserts that every total, row and list is what the recount says."""
    counted, tree, now = plain(node, held_versions), tree_of(node.replica), node.env.now_ms()
    today = date(2026, 11, 23)
    for unit in UNITS:
        for key in SPANS:
            for mode in ("then", "now"):
                document = form_rollup.answer(node.replica, "f", unit, key, tree=mode, now_ms=now, language="en")
                owed = []
                for period in (parse_period("2026-09"), parse_period("2026-10")):
                    if parse_period(key).first <= period.last <= parse_period(key).last:
                        seen = period.last if mode == "then" else today
                        owed += [
                            (one.id, period.key)
                            for one in tree.units(period.last)
                            if one.level in LEVELS and unit in tree.ancestors(one.id, seen)
                        ]
                filled = [counted[one] for one in owed if one in counted]
                assert (document["measures"]["due"], document["measures"]["filled"]) == (len(owed), len(filled))
                hours = sum(one["h"] for one in filled)
                expected = {"t": sum(one["t"] for one in filled), "a": sum(one["a"] for one in filled),
                            "h": f"{hours // 100}.{hours % 100:02}"}  # fmt: skip
                assert document["totals"] == (expected if filled else dict.fromkeys(expected)), (unit, key, mode)
                for name in ("due", "filled", "late", "missing"):
                    assert sum(row["measures"][name] for row in document["rows"]) == document["measures"][name]
                assert sum(row["totals"]["t"] or 0 for row in document["rows"]) == (document["totals"]["t"] or 0)
                listed = form_rollup.listed(
                    node.replica, "f", unit, key, tree=mode, state=None, now_ms=now, after=None, limit=500
                )["items"]
                assert sorted((one["unit"], one["period"]) for one in listed) == sorted(owed)
                assert sum(one["event"] is not None for one in listed) == len(filled)


@settings(
    max_examples=10, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=[HealthCheck.too_slow]
)
@given(
    spoken=st.lists(said, min_size=4, max_size=18), moved=st.lists(acts, max_size=3), late_form=st.booleans(),
    seed=st.integers(0, 6),
)  # fmt: skip
def test_every_total_equals_a_plain_recount_in_any_order_of_arrival_and_after_a_rebuild(
    spoken: list[Said], moved: list[dict[str, Any]], late_form: bool, seed: int
) -> None:
    city = City(seed=seed + 1)
    city.hub.publish(form())
    nodes = [city.hub, city.join(city.hub, WEST), city.join(city.hub, EAST)]
    before: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in spoken:
        sign(nodes[one.author], one, before)
    for act in moved:
        with suppress(GridError):  # closed already, not open yet: nothing changed
            city.hub.publish(act)
    city.settle()
    versions = {1}
    if late_form:  # returns of it came first
        city.hub.publish(form(version=2, **{"from": "2026-06-01"}))
        versions.add(2)
        city.settle()
    agrees(city.hub, versions)
    for node in nodes:
        assert verify(node.replica).problems == []
        tables = node.derived()
        rebuild(node.replica)
        assert node.derived() == tables
