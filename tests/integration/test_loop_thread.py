"""The thread that exchanges with the parent outlives what nobody foresaw."""

from __future__ import annotations

from contextlib import nullcontext
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from node.home import Home
from node.serve import LoopThread
from sync.client import Outcome
from sync.retry import Pace

UNFORESEEN = 3


def test_what_nobody_foresaw_is_told_and_the_next_exchange_is_tried(capfd: pytest.CaptureFixture[str]) -> None:
    went_on, asked = Event(), list[int]()

    def exchange() -> Outcome:
        asked.append(1)
        if len(asked) <= UNFORESEEN:
            raise RuntimeError("unforeseen")
        went_on.set()
        return Outcome("ok")

    home: Any = SimpleNamespace(
        config=SimpleNamespace(parent="http://up", pace=Pace(0.05, 0.05, 0.05)),
        client=lambda: SimpleNamespace(exchange=exchange),
        env=SimpleNamespace(uniform=lambda: 0.5),
        sync_turn=nullcontext,
        close=lambda: None,
    )
    loop = LoopThread(cast(Home, home))
    loop.start()
    assert went_on.wait(60)
    loop.stop()
    assert capfd.readouterr().err.count("RuntimeError: unforeseen") == UNFORESEEN
