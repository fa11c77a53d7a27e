"""Elements, numbers and the four classes of coverage that all charts share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from schemas.measures import rate

# 1,000ths of coverage at which a class begins (look: below 95, below 97, below 98.5, above).
_CLASSES: Final = ((985, "q4"), (970, "q3"), (950, "q2"), (0, "q1"))


@dataclass(frozen=True, slots=True)
class Paper:
    """The real size of a drawing on a printed page, in the units of its viewBox (CSS pixels)."""

    width: int
    height: int

    @property
    def box(self) -> str:
        """The viewBox."""
        return f"0 0 {self.width} {self.height}"


def element(name: str, /, *content: str, **attributes: object) -> Markup:
    """One element, everything escaped. `class_` is class, `aria_label` aria-label; a None is left out."""
    listed = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    return Markup(f"<{name}{''.join(listed)}>{''.join(map(escape, content))}</{name}>")  # noqa: S704 - escaped above


def joined(parts: list[Markup]) -> Markup:
    """Several elements as one."""
    return Markup().join(parts)


def share(value: float, total: float) -> str:
    """A part of a whole as an attribute: `63.2%`; 0 % of nothing."""
    return f"{_plain(100 * value / total if total else 0.0)}%"


def percent(value: int, total: int) -> str | None:
    """A part of a whole in percent, half up to two decimals; None of nothing."""
    return rate(value, total)["value"]


def coverage_tone(reported: int, owed: int) -> str | None:
    """The class of a coverage, q1 to q4; None where nothing was owed."""
    if owed <= 0:
        return None
    return next(tone for floor, tone in _CLASSES if reported * 1_000 >= floor * owed)


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
