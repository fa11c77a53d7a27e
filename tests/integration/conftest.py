"""Casework for integration tests: a small city with two nodes and people at both, empty in every test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from casework import CaseFloor, Caseworker

from builders import City


@pytest.fixture(scope="module")
def floor() -> Iterator[CaseFloor]:
    """One for all; every test finds it empty."""
    with closing(CaseFloor()) as made:
        yield made


@pytest.fixture
def city(floor: CaseFloor) -> City:
    """A hub that serves the west, and the east with a node of its own."""
    return floor.emptied()


@pytest.fixture
def people(floor: CaseFloor, city: City) -> dict[str, Caseworker]:
    """Who works where."""
    assert city is floor.city  # and it is empty
    return floor.people
