"""What an application adds to a node's own: the hub's routes, pages and entries of the menu. Who may use them stands
in `node/access.py` with all the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint
from flask_smorest import Blueprint as ApiBlueprint

# (endpoint, label key of its word, icon)
Entry = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Rooms:
    """`pages`: blueprints with template folders of their own, whose templates extend `base.html`. `menu`: {label key of
    a group: its entries}; entries of a group that the node has too stand in front of the node's, other groups on top.
    `inside`: {endpoint of an entry: endpoints of pages that belong to it}. `home`: the first page for who may see it.
    """

    api: tuple[ApiBlueprint, ...] = ()
    pages: tuple[Blueprint, ...] = ()
    menu: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    inside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    home: str | None = None


NO_ROOMS = Rooms()
