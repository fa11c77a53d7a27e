"""10,000 cases at one township: the to-do list and the case list as pages, against the same query alone and a page
that asks nothing. `./grid bench todo [CASES]`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from builders import DAY_MS, W_TOWN, W_VILLAGE, City, Node
from node.cases import acts, list_queries, todo_queries
from node.cases.list_queries import Filter
from node.desk import todo
from node.people import accounts
from sync.database import write
from sync.intake import Intake

CASES: Final = 10_000
A_BATCH: Final = 500
ROUNDS: Final = 21
SOURCES: Final = ("self_found", "self_applied", "police", "court")


def build(city: City, count: int) -> Node:
    """A hub on which the township has so many cases, registered over 20 days, a tenth of them offered to it."""
    hub = city.hub
    account = accounts.Account("bench", "reviewer", W_TOWN)
    city.clock.forward(-20 * DAY_MS)
    for start in range(0, count, A_BATCH):
        with write(hub.db, "case", hub.env):
            intake = Intake(hub.replica, hub.env.now_ms())
            for number in range(start, min(start + A_BATCH, count)):
                offered = number % 10 == 0
                case = acts.enter(intake, body(number, W_VILLAGE if offered else W_TOWN))
                intake.projection.finish()
                if offered:
                    hand_up(intake, account, case)
            intake.finish()
        city.clock.forward(20 * DAY_MS * A_BATCH // count)
    return hub


def body(number: int, unit: str) -> dict[str, Any]:
    """One registration."""
    return {
        "unit": unit, "kind": "dispute", "category": f"{number % 14 + 1:02}", "source": SOURCES[number % 4],
        "complexity": ("simple", "ordinary", "complex")[number % 3], "urgency": "yellow",
    }  # fmt: skip


def hand_up(intake: Intake, account: accounts.Account, case: str) -> None:
    """Offers a case of the village to the township."""
    event = intake.db.execute("SELECT event FROM case_now WHERE case_id = ?", [case]).fetchone()[0]
    told = {"action": "hand_up", "after": event, "to_unit": W_TOWN, "reason": "超出权限"}
    acts.enter_act(intake, account, case, told)


def median_ms(work: Callable[[], object]) -> float:
    """The median of some runs, the first left out."""
    work()
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken)


def main(argv: list[str]) -> int:
    """Builds the cases, prints each page with its ratio to the floors."""
    count = int(argv[0]) if argv else CASES
    begin = time.perf_counter()
    city = City()
    hub = build(city, count)
    print(f"{count:,} cases, {hub.count():,} events, {time.perf_counter() - begin:.0f} s to build")
    headers, browser = hub.user("r", "reviewer", W_TOWN), hub.browser()
    now = hub.env.now_ms()

    def page(path: str) -> Callable[[], object]:
        def get() -> None:
            reply = browser.get(path, headers=headers)
            assert reply.status_code == 200, reply.text[-500:]

        return get

    floor = median_ms(page("/account"))
    queries: dict[str, Callable[[], object]] = {
        "/todo": lambda: todo_queries.page(hub.db, W_TOWN, now, todo_queries.START, 51),
        "/todo?kind=take": lambda: todo_queries.page(hub.db, W_TOWN, now, todo_queries.START, 51, ["take", "offered"]),
        "/cases": lambda: list_queries.cases(hub.db, Filter(W_TOWN), None, 51),
        "/cases?limit=overdue": lambda: list_queries.cases(hub.db, Filter(W_TOWN, due_before=now), None, 51),
    }
    print(f"{'page':<22}{'page ms':>9}{'query ms':>10}{'× query':>9}{'× static page':>15}")
    print(f"{'/account (static)':<22}{floor:>9.1f}")
    for path, query in queries.items():
        whole, alone = median_ms(page(path)), median_ms(query)
        print(f"{path:<22}{whole:>9.1f}{alone:>10.2f}{whole / alone:>9.1f}{whole / floor:>15.1f}")
    counted = median_ms(lambda: todo_queries.count_up_to(hub.db, W_TOWN, now, todo.MENU_COUNT + 1))
    print(f"{'count for the menu':<22}{'':>9}{counted:>10.2f}")
    return 0
