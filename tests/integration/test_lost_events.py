"""An event that is nowhere any more, though what follows it is kept: after some days its writer alone says so."""

from __future__ import annotations

from crafted import events_of, signed, take

from builders import DAY_MS, E_GROUPS, EAST, HOUR_MS, TODAY, City, Node
from node.status import alarms, refused
from schemas.events import Event
from sync import carrier, enrol, log
from sync.refusals import LOST, LOST_AFTER_MS
from sync.verify import verify


def problems(node: Node) -> list[str]:
    return [problem.code for problem in verify(node.replica).problems]


def alarmed(node: Node) -> list[str]:
    return [alarm["code"] for alarm in alarms(node.replica, "en")]


def told(node: Node) -> list[tuple[str, str, str]]:
    return [(row["event"], row["code"], row["by"]) for row in refused(node.replica)]


def gone_astray() -> tuple[City, Node, Event, str]:
    """A county wrote two reports; a stick brought only the second to the hub before its disk went back in time."""
    city = City()
    (east,) = city.line(EAST)
    backup = east.snapshot()
    first = east.check(E_GROUPS[0])
    (lost,) = events_of(east.replica, f"e.hash = '{first}'")
    behind = log.up_tip(east.db)[0]
    second = east.check(E_GROUPS[1])
    (stick,) = carrier.export(east.replica, after=behind)
    carrier.take_in(city.hub.replica, stick.content)
    east.restore(backup)
    city.settle()
    return city, east, lost, second


def test_only_the_writer_s_unit_can_say_that_an_event_is_lost() -> None:
    city, east, lost, _second = gone_astray()
    claim = {"hash": lost.hash, "code": LOST, "chain": lost.header.chain}
    signed(city.hub, kind="refusal", schema="refusal/1", unit=EAST, day=TODAY, public=claim)
    city.settle()
    assert [problems(node) for node in (city.hub, east)] == [["gap"], ["gap"]]
    assert told(city.hub) == told(east) == []


def test_within_three_days_nobody_says_so_and_the_gap_is_a_problem() -> None:
    city, east, _lost, _second = gone_astray()
    city.clock.forward(LOST_AFTER_MS - HOUR_MS)
    city.settle()
    assert [problems(node) for node in (city.hub, east)] == [["gap"], ["gap"]]
    assert told(east) == []


def test_a_writer_that_could_not_ask_anybody_says_nothing() -> None:
    city, east, _lost, _second = gone_astray()
    east.db.execute("UPDATE wanted SET asked = 0")
    city.network.hosts.pop(city.hub.host)
    city.clock.forward(LOST_AFTER_MS + HOUR_MS)
    east.check(E_GROUPS[2])
    assert told(east) == []


def test_after_three_days_the_writer_says_so_and_the_gap_alarms_nobody_any_more() -> None:
    city, east, lost, _second = gone_astray()
    city.clock.forward(LOST_AFTER_MS + HOUR_MS)
    assert "withheld" in alarmed(city.hub)
    city.settle()
    assert [problems(node) for node in (city.hub, east)] == [[], []]
    assert "withheld" not in alarmed(city.hub)
    assert told(city.hub) == told(east) == [(lost.hash, LOST, EAST)]
    said = city.hub.count("refusal")
    city.clock.forward(DAY_MS)
    city.settle()
    assert city.hub.count("refusal") == said == 1


def test_an_event_that_turns_up_all_the_same_counts_and_is_no_longer_listed() -> None:
    city, east, lost, second = gone_astray()
    city.clock.forward(LOST_AFTER_MS + HOUR_MS)
    city.settle()
    take(city.hub.replica, [lost], "file")
    city.settle()
    for node in (city.hub, east):
        assert {row[0] for row in node.db.execute("SELECT event FROM check_report")} >= {lost.hash, second}
        assert (problems(node), told(node)) == ([], [])


def test_a_hub_that_went_back_twice_says_what_nobody_else_ever_had() -> None:
    city = City()
    (east,) = city.line(EAST)
    backup = city.hub.snapshot()

    def publish(name: str) -> None:
        city.hub.publish({"type": "unit", "act": "rename", "unit": E_GROUPS[0], "date": str(TODAY), "name": name})

    publish("先锋组")  # which nobody hears
    city.hub.restore(backup)
    publish("后进组")
    city.settle()
    city.hub.restore(backup, marker=False)  # with the first event of its new chain, which goes to nobody
    city.settle()
    assert problems(city.hub) == ["gap"]
    city.clock.forward(LOST_AFTER_MS + HOUR_MS)
    city.settle()
    assert [problems(node) for node in (city.hub, east)] == [[], []]


def test_a_revocation_leaves_what_came_before_a_gap_its_effect() -> None:
    city = City()
    (east,) = city.line(EAST)
    before = [east.check(group) for group in E_GROUPS[:2]]
    city.settle()
    backup = east.snapshot()
    east.check(E_GROUPS[0])
    behind = log.up_tip(east.db)[0]
    after = east.check(E_GROUPS[2])
    (stick,) = carrier.export(east.replica, after=behind)
    carrier.take_in(city.hub.replica, stick.content)
    east.restore(backup)  # what it wrote in between is nowhere any more
    assert problems(city.hub) == ["gap"]
    enrol.revoke(city.hub.replica, EAST)
    standing = dict(city.hub.db.execute("SELECT hash, standing FROM event WHERE kind = 'chk'").fetchall())
    assert standing == dict.fromkeys([*before, after], "ok")
    assert city.hub.db.execute("SELECT void FROM revocation").fetchone() == ("[]",)
