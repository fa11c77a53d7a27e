"""Whether this node may take an entry for a unit: it is known, open on that day, below us, and hosted here."""

from __future__ import annotations

from datetime import date

from node.people.accounts import Account
from schemas.clock import business_day, is_future, latest_business_day
from schemas.errors import Conflict, Forbidden, Invalid, NotFound
from schemas.units.tree import Unit
from sync import clocks, directory
from sync.replica import Replica


def today_of(replica: Replica) -> date:
    """The business date by the own clock."""
    return business_day(replica.env.now_ms())


def unit_named(replica: Replica, text: str) -> str:
    """The id of a unit as a person at the terminal names it: by its id, or by the code that it has today."""
    tree = directory.tree_of(replica)
    found = None if tree.exists(text) else tree.holder(text, today_of(replica))
    return found.id if found else text


def in_scope(replica: Replica, account: Account, unit: str) -> bool:
    """Whether the unit is, or ever was, in the subtree of the account's own."""
    return unit == account.unit or directory.tree_of(replica).ever_below(unit, account.unit)


def host_now(replica: Replica, unit: str) -> str | None:
    """The unit whose node serves this one today; None for a unit nobody knows."""
    return directory.host_of(directory.tree_of(replica), directory.certified_units(replica.db), unit, today_of(replica))


def hosts(replica: Replica, unit: str) -> bool:
    """Whether this node serves the unit."""
    return host_now(replica, unit) == replica.identity.unit


def require_scope(replica: Replica, account: Account, unit: str) -> None:
    """Raises NotFound for a unit nobody knows, Forbidden for one outside the account's subtree."""
    tree = directory.tree_of(replica)
    if unit == account.unit:
        return
    if not tree.exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)
    if not tree.ever_below(unit, account.unit):
        raise Forbidden("unit_out_of_scope", field="unit", value=unit, own=account.unit)


def require_hosted(replica: Replica, unit: str, day: date) -> Unit:
    """The unit as it is on that day. Raises NotFound, Forbidden, Invalid, or Conflict `served_elsewhere`."""
    tree, me = directory.tree_of(replica), replica.identity
    if not tree.exists(unit):
        raise NotFound("unknown_unit", field="unit", value=unit)
    if not tree.ever_below(unit, me.unit):
        raise Forbidden("unit_out_of_scope", field="unit", value=unit, own=me.unit)
    host = host_now(replica, unit)
    if host != me.unit:
        raise Conflict("served_elsewhere", field="unit", value=unit, host=host)
    found = tree.at(unit, day)
    if found is None:
        raise Invalid("unit_not_open", field="unit", value=unit, day=day)
    return found


def refuse_future(replica: Replica, day: date, field: str) -> None:
    """Raises Invalid for a day after tomorrow, by the latest of the clocks."""
    known = clocks.known(replica)
    if is_future(day, *known):
        raise Invalid("date_in_future", field=field, value=day, today=latest_business_day(*known))
