"""What the simulator itself remembers of what people did, apart from every database: the laws are judged by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass
class Submission:
    """One thing that somebody sends until it is answered, always with the same key and body."""

    unit: str  # whose computer takes it
    account: str
    key: str
    body: dict[str, Any]
    returns: str | None = None  # the report that is sent back, or None: a check
    about: str = ""  # the unit whose report it is
    case: str | None = None  # the case that it acts on, "" for a registration, or None: no casework


@dataclass(frozen=True, slots=True)
class Entered:
    """One acknowledged check as its author knows it; `recorded_ms` is the origin's clock."""

    event: str
    unit: str
    day: date
    result: str
    disputes: int
    hazards: int
    amends: str | None
    recorded_ms: int


@dataclass
class Group:
    """A group as the hub published it: owes a report from `first` to the day before `end`."""

    parent: str
    first: date
    end: date | None = None


@dataclass
class Cadence:
    """What one published profile means for groups; `grace` is hours and minutes of the next day."""

    day: date
    number: int
    daily: bool
    grace: tuple[int, int]


@dataclass
class Memory:
    """Everything that was acknowledged, and what is still being tried."""

    open: list[Submission] = field(default_factory=list)
    answered: list[tuple[Submission, dict[str, Any]]] = field(default_factory=list)
    entered: dict[str, Entered] = field(default_factory=dict)
    returned: dict[str, str] = field(default_factory=dict)  # event of the return -> the unit whose report it was
    case_acts: dict[str, str] = field(default_factory=dict)  # key of an acknowledged registration or act -> its case
    accounts: list[tuple[str, str]] = field(default_factory=list)  # (unit of the computer, name)
    groups: dict[str, Group] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    cadences: list[Cadence] = field(default_factory=list)
    names: dict[str, list[tuple[date, int, str]]] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)  # events whose private parts are to be gone
    refused: int = 0
