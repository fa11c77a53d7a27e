"""Checking many acts one after the other, each against the tree as it stands with those before it.

A tree is made anew only when an act has to do with a unit or code that acts since then have touched, so that a list of
thousands takes a few trees and not thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schemas.errors import Invalid
from schemas.units.acts import Act
from schemas.units.rules import check_act
from schemas.units.tree import Tree

Key = tuple[object, Act]


class ActChecks:
    """Takes acts in the order in which they will be signed."""

    def __init__(self, tree: Tree, acts: Callable[[], list[Key]]) -> None:
        """`acts` gives the acts that the tree was made of, with their sort keys."""
        self._tree, self._acts = tree, acts
        self._taken: list[Act] = []
        self._fresh = True  # whether the tree has all that was taken
        self._touched: set[object] = set()

    @property
    def tree(self) -> Tree:
        """The tree with everything taken so far."""
        if not self._fresh:
            later = [((10**9 + place, "", 0), act) for place, act in enumerate(self._taken)]
            self._tree = Tree([*self._acts(), *later])
            self._fresh = True
            self._touched.clear()
        return self._tree

    def take(self, act: Mapping[str, object]) -> Act:
        """The act fit to be signed. Raises Invalid; then nothing is taken."""
        about = {str(act.get(name)) for name in ("unit", "parent", "code")}  # what check_act looks at; None: the city
        tree = self.tree if about & self._touched else self._tree
        try:
            checked = check_act(act, tree)
        except Invalid:
            if self._fresh:
                raise
            checked = check_act(act, self.tree)  # perhaps an act before it made room
        self._taken.append(checked)
        self._fresh = False
        self._touched |= {checked["unit"], checked.get("code", "")}
        if checked["act"] == "open" and checked["parent"] is None:
            self._touched.add("None")
        return checked
