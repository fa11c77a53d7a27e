"""What the demonstration prints: progress on stderr; the compared totals and the logins on stdout."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Final

from hub.demo.count import MEASURES, Counts
from hub.demo.nodes import Place
from node.console.terminal import language, progress
from schemas.labels import label
from schemas.roles import HUB_ROLES, ROLES

BAR_CHARS: Final = 30
STEPS: Final = 10  # where stderr is no terminal: a line every tenth
Compared = Sequence[tuple[str, Mapping[str, Counts]]]  # (unit's name, {source: counts}); the first source is the hub


def say(key: str, **params: object) -> None:
    """A label on stderr."""
    progress(label(language(), key, **params))


@contextmanager
def bar(key: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar; what is yielded takes how much more is done. It stands at the full total in the end."""
    title, terminal = label(language(), key), sys.stderr.isatty()
    done, shown = 0, -1

    def draw(now: int) -> None:
        nonlocal shown
        steps = 100 if terminal else STEPS
        step = now * steps // total if total else steps
        if step == shown:
            return
        shown = step
        filled = BAR_CHARS * step // steps
        line = f"{title} [{'#' * filled}{'.' * (BAR_CHARS - filled)}] {100 * step // steps:3d} %  {now}/{total}"
        print(line, end="\r" if terminal else "\n", file=sys.stderr, flush=True)

    def more(count: int) -> None:
        nonlocal done
        done = min(total, done + count)
        draw(done)

    draw(0)
    yield more
    draw(total)
    if terminal:
        print(file=sys.stderr)


def totals(compared: Compared, first: date, last: date) -> bool:
    """Prints the hub's figures a row for each unit, and every difference between the sources; True without one."""
    lang = language()
    print(label(lang, "demo.totals", first=first, last=last))
    head = [label(lang, "demo.unit"), *(label(lang, f"measure.{name}") for name in MEASURES), label(lang, "demo.same")]
    rows, differences = [head], []
    for name, counts in compared:
        hub = next(iter(counts.values()))
        wrong = [measure for measure in MEASURES if len({of[measure] for of in counts.values()}) > 1]
        rows.append([name, *(str(hub[measure]) for measure in MEASURES), "✗" if wrong else "✓"])
        for measure in wrong:
            values = ", ".join(f"{label(lang, f'demo.source.{source}')} {of[measure]}" for source, of in counts.items())
            measured = label(lang, f"measure.{measure}")
            differences.append(label(lang, "demo.differs", unit=name, measure=measured, values=values))
    _table(rows, text_columns=1)
    for line in differences:
        print(line)
    entered = all("entered" in counts for _, counts in compared)
    if not differences:
        print(label(lang, "demo.equal" if entered else "demo.equal_logs"), flush=True)
    return not differences


def logins(chain: Sequence[Place], names: Mapping[str, str], passwords: Mapping[str, str]) -> None:
    """Prints address, accounts and password of each node; `names` are the units' names by unit."""
    lang = language()
    rows = [[label(lang, f"demo.login.{column}") for column in ("level", "unit", "url", "accounts", "password")]]
    for place in chain:
        roles = [role for role in ROLES if place.name == "hub" or role not in HUB_ROLES]
        level = label(lang, f"demo.place.{place.name}")
        rows.append([level, names[place.unit], place.url, " ".join(roles), passwords[place.name]])
    _table(rows, text_columns=len(rows[0]))
    roles_named = ", ".join(f"{role} {label(lang, f'role.{role}')}" for role in ROLES)
    print(label(lang, "demo.login.roles", roles=roles_named), flush=True)


def _table(rows: Sequence[Sequence[str]], text_columns: int) -> None:
    """Rows in columns: texts to the left, figures to the right; a Chinese character is two columns wide."""
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = []
        for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
            gap = " " * (width - _width(cell))
            cells.append(cell + gap if at < text_columns else gap + cell)
        print("  ".join(cells).rstrip())


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
