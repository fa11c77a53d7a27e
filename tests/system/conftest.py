"""Live nodes and phones for system tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import time as clock
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from live import Nodes, today
from phones import Field, chromium
from playwright.sync_api import sync_playwright

from schemas.clock import at_time

BEFORE_MIDNIGHT_S: Final = 60


@pytest.fixture(autouse=True)
def no_midnight_in_between() -> None:
    """These tests run by the real clock: one that enters a report for today does not begin in a day's last minute."""
    left_s = at_time(today() + timedelta(days=1), clock()) / 1000 - time.time()
    if left_s < BEFORE_MIDNIGHT_S:
        time.sleep(left_s + 1)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Lays out and starts nodes; whatever happens, none of their processes outlives the test."""
    made = Nodes(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """A hub, a county's node and whatever phones a module's tests need."""
    chromium()  # fails here, by name, where there is none
    with sync_playwright() as playwright:
        made = Field(playwright, tmp_path_factory.mktemp("field"))
        try:
            yield made
        finally:
            made.close()
