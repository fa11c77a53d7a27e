"""Colours that can be read: WCAG 2.1 AA, worked out from the tokens, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

TOKENS: Final = Path(__file__).resolve().parents[2] / "node" / "static" / "tokens.css"
TEXT: Final = 4.5
MARK: Final = 3.0
PAIRS: Final = (
    *((ink, ground, TEXT) for ink in ("ink", "ink-2", "ink-3") for ground in ("bg", "surface", "sunken")),
    *((f"{tone}", f"{tone}-bg", TEXT) for tone in ("ok", "mute", "bad", "sig1", "sig2", "sig3")),
    *(("accent", ground, TEXT) for ground in ("bg", "surface", "soft")),
    ("ink", "soft", TEXT), ("fill-on", "fill", TEXT), ("fill-on", "fill-press", TEXT), ("bad", "surface", TEXT),
    *(("ctl", ground, MARK) for ground in ("surface", "bg")),
    *(("focus", ground, MARK) for ground in ("surface", "bg")), ("ok", "surface", MARK),
)  # fmt: skip


def themes() -> dict[str, dict[str, str]]:
    text = re.sub(r"/\*.*?\*/", "", TOKENS.read_text("utf-8"), flags=re.S)
    light, _, dark = text.partition("@media screen and (prefers-color-scheme: dark)")
    named = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-f]{3,6})")
    first = dict(named.findall(light))
    return {"light": first, "dark": {**first, **dict(named.findall(dark))}}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_the_standard_measures_it() -> None:
    assert (round(contrast("#000", "#ffffff"), 2), round(contrast("#777777", "#fff"), 2)) == (21.0, 4.48)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_marks_can_be_read_on_every_ground_that_they_stand_on(theme: str) -> None:
    colours = themes()[theme]
    weak = {
        (ink, ground): round(found, 2)
        for ink, ground, least in PAIRS
        if (found := contrast(colours[ink], colours[ground])) < least
    }
    assert weak == {}
