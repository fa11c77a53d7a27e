"""How long a slow phone takes: the page opened without a network, and one tap saved, with the processor throttled.

The floor is a plain form of static HTML that a server beside the browser answers at once: nothing is looked up, kept or
drawn. `./grid bench phone [--rounds N] [--throttle N]` prints medians in milliseconds and their ratio.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))

from phones import Answer, Field, Phone
from playwright.sync_api import sync_playwright

ROUNDS: Final = 7
THROTTLE: Final = 6
HTML: Final = "text/html; charset=utf-8"
FORM: Final = (
    "<!doctype html><meta charset=utf-8><title>form</title><form method=post><button id=zero>今日无事</button></form>"
)
SAVED: Final = "<!doctype html><meta charset=utf-8><title>saved</title><p id=saved>已保存</p>"
PAINTED: Final = """() => new Promise((resolve) => {
  const told = () => performance.getEntriesByName("first-contentful-paint")[0];
  const look = () => (told() ? resolve(told().startTime) : setTimeout(look, 5));
  look();
})"""
# From the tap until the words that say so have been drawn.
TAPPED: Final = """() => new Promise((resolve) => {
  const from = performance.now();
  const seen = new MutationObserver(() => {
    if (!document.getElementById("t-out")) return;
    seen.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - from)));
  });
  seen.observe(document.body, { childList: true, subtree: true });
  document.getElementById("zero").click();
})"""
EMPTIED: Final = """() => new Promise((resolve) => {
  const open = indexedDB.open("grid");
  open.onsuccess = () => {
    const tx = open.result.transaction("outbox", "readwrite");
    tx.objectStore("outbox").clear();
    tx.oncomplete = () => { open.result.close(); resolve(); };
  };
})"""


def throttled(phone: Phone, rate: int) -> None:
    """Makes the processor slower for the page, by a factor."""
    phone.context.new_cdp_session(phone.page).send("Emulation.setCPUThrottlingRate", {"rate": rate})


def of_the_page(phone: Phone) -> tuple[float, float]:
    """(ms to the first paint, ms from the tap to what was saved on the screen), without a network."""
    phone.open()
    painted, saved = phone.page.evaluate(PAINTED), phone.page.evaluate(TAPPED)
    phone.page.evaluate(EMPTIED)
    return float(painted), float(saved)


def of_the_floor(phone: Phone) -> tuple[float, float]:
    """The same two for a form of static HTML; its second one ends with the first paint of the answer."""
    phone.page.goto(phone.url("/floor"))
    painted = phone.page.evaluate(PAINTED)
    before = phone.page.evaluate("performance.timeOrigin + performance.now()")
    phone.page.click("#zero")
    phone.page.wait_for_selector("#saved")
    after = phone.page.evaluate("performance.timeOrigin") + phone.page.evaluate(PAINTED)
    return float(painted), float(after - before)


def floor(method: str, path: str) -> Answer | None:
    """What the network answers for the floor's page."""
    if path != "/floor":
        return None
    return 200, HTML, FORM if method == "GET" else SAVED


def measure(field: Field, rounds: int, throttle: int) -> list[tuple[str, float, float]]:
    """(what, ms of the page, ms of the floor): medians of the rounds, page and floor in turn."""
    pages, floors = [], []
    with field.phone(field.group()) as phone:
        phone.ready_offline()
        phone.network.answers = floor
        throttled(phone, throttle)
        for _ in range(rounds):
            phone.network.down = True
            pages.append(of_the_page(phone))
            phone.network.down = False
            floors.append(of_the_floor(phone))
    names = ("first paint", "tap to saved")
    return [
        (name, median(one[at] for one in pages), median(one[at] for one in floors)) for at, name in enumerate(names)
    ]


def main(argv: list[str]) -> int:
    """Prints the table; 0."""
    options = argparse.ArgumentParser(prog="grid bench phone", description=__doc__)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--throttle", type=int, default=THROTTLE)
    asked = options.parse_args(argv)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        field = Field(playwright, Path(folder))
        try:
            rows = measure(field, max(1, asked.rounds), max(1, asked.throttle))
        finally:
            field.close()
    print(f"processor {asked.throttle} times slower, {asked.rounds} rounds, medians; the page without a network")
    print(f"{'':<14}{'page ms':>10}{'floor ms':>10}{'ratio':>8}")
    for name, page, least in rows:
        print(f"{name:<14}{page:>10.0f}{least:>10.0f}{page / least:>8.1f}")
    return 0
