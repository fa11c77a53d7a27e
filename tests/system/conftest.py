"""Live nodes and phones for system tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live import Nodes
from phones import Field, chromium
from playwright.sync_api import sync_playwright


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
