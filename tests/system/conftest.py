"""Live nodes for system tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live import Nodes


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Lays out and starts nodes; whatever happens, none of their processes outlives the test."""
    made = Nodes(tmp_path)
    try:
        yield made
    finally:
        made.close()
