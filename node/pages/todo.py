"""待办: what the unit must do, the most urgent first, each row with its reason, its time left and one main action."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, redirect, request, url_for

from node.desk import todo
from node.guard import language, me, replica
from node.pages.case_words import category_word, code_word, time_left, unit_name
from node.pages.frame import local_path, page, typed
from node.scope import today_of
from schemas.cases.lists import CURRENT, category_label
from schemas.labels import label, period_text
from sync.database import read
from sync.directory import certified_units, tree_of
from sync.replica import Replica

A_PAGE: Final = 50
MAX_UNITS: Final = 200


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/todo", "todo_page", todo_page)
    routes.add_url_rule("/todo/seen", "todo_seen", seen, methods=["POST"])


def todo_page() -> Response:
    """A unit's list, all of it or what a chip names."""
    node = replica()
    unit = request.args.get("unit") or me().unit
    chip, category = request.args.get("kind", ""), request.args.get("category", "")
    after = todo.read_key(request.args.get("after"))
    with read(node.db):
        found = todo.todo(node, me(), unit, chip, after, A_PAGE, category or None)
        counts = todo.summary(node, me(), unit)
        asked = {"unit": unit, **({"kind": chip} if chip else {}), **({"category": category} if category else {})}
        model = {
            "unit": {"id": unit, "name": unit_name(node, unit)},
            "items": [shown(node, one, language()) for one in found["items"]],
            "counts": counts,
            "rest": counts["all"] - counts["red"] - counts["orange"] - counts["yellow"],
            "chips": [(name, counts["chips"][name]) for name in todo.CHIPS if counts["chips"][name] or name == chip],
            "chip": chip,
            "category": category,
            "categories": [(code, category_label(code)) for one in CURRENT.values() for code in one.codes],
            "units": _units(node, unit),
            "first": not request.args.get("after"),
            "next_url": url_for("pages.todo_page", **asked, after=found["next"]) if found["next"] else None,  # type: ignore[arg-type]
            "here_path": request.full_path,
        }
    return page("todo.html", "nav.todo", **model)


def seen() -> Any:
    """A void act leaves the list."""
    todo.take_notice(replica(), me(), typed("ref"))
    return redirect(local_path(typed("back")) if typed("back") else url_for("pages.todo_page"))


def _units(node: Replica, chosen: str) -> list[tuple[str, str]]:
    """The own unit and those right below that this node serves, whose lists may be opened too; none if it is one."""
    tree, own = tree_of(node), me().unit
    certified = certified_units(node.db)
    below = [one for one in tree.children(own, today_of(node)) if one.id not in certified][:MAX_UNITS]
    found = [(own, unit_name(node, own)), *((one.id, one.name) for one in below)]
    if all(unit != chosen for unit, _ in found):
        found.append((chosen, unit_name(node, chosen)))
    return found if len(found) > 1 else []


# ---- rows in words


def shown(node: Replica, row: dict[str, Any], lang: str) -> dict[str, Any]:
    """A row with the words that the page prints: left, title, why, who, href and the main action."""
    words = _of_case(node, row, lang) if row["case"] else _of_other(node, row, lang)
    return {**row, "left": time_left(node, row["due_at"], lang) if row["due_at"] else None, **words}


def _of_case(node: Replica, row: dict[str, Any], lang: str) -> dict[str, Any]:
    category = category_word(lang, row["category"])
    title = label(lang, "page.rollup.case", category=category, tail=row["case"][-6:].upper())
    owner = unit_name(node, row["owner"])
    told = {
        "owner": owner,
        "to": unit_name(node, row["offered_to"]) if row["offered_to"] else "",
        "by": unit_name(node, row["by"]) if row["by"] else "",
        "reason": code_word(lang, "reason_code.", row["reason_code"]) or "",
        "state": label(lang, f"state.{row['state']}"),
        "since": row["since"][:10],
    }
    href = f"/cases/{row['case']}"
    action = row["action"]
    opens = action and action != "agree"  # how mediation ended is chosen on the page of the case
    word = f"action.{action}" if opens else "page.todo.result" if action else "page.todo.look"
    return {
        "title": title,
        "why": label(lang, f"page.todo.why.{row['kind']}", **told),
        "who": label(lang, "page.todo.found_by", name=unit_name(node, row["found_by"])),
        "href": href,
        "action_href": f"{href}/{action}" if opens else href,
        "action_word": label(lang, word),
        "police": row["urgency"] == "red",
    }


def _of_other(node: Replica, row: dict[str, Any], lang: str) -> dict[str, Any]:
    about, ref = row["about"], row["ref"]
    told = {
        "n": f"{row['count']:,}", "name": unit_name(node, about), "day": period_text(row.get("date") or ref, lang),
        "by": unit_name(node, row["by"]) if row.get("by") else "", "period": period_text(row.get("period") or "", lang),
        "text": row.get("text") or "", "form": row.get("title", {}).get(lang, ""),
    }  # fmt: skip
    hrefs = {
        "missing": f"/missing?unit={about}&date={ref}&state=missing",
        "due": f"/missing?unit={about}&date={ref}&state=due",
        "own_report": f"/today?unit={about}",
        "returned": f"/today/found?unit={about}&date={row.get('date')}&amends={ref}",
        "reminder": f"/today?unit={about}",
        "confirm": f"/reports/period?unit={about}&period={ref}",
        "reminder_cnf": f"/reports/period?unit={about}&period={row.get('period')}",
        "unconfirmed": f"/missing/reports?unit={about}&level={row.get('level')}&period={ref}",
        "confirm_returned": f"/reports/period?unit={about}&period={row.get('period')}",
        "form": f"/forms/return?form={row.get('form')}&unit={about}&period={row.get('period')}",
        "form_returned": f"/forms/return?form={row.get('form')}&unit={about}&period={row.get('period')}",
        "refused": "/sync",
        "silent": "/sync",
    }
    why = row["kind"]
    if why == "confirm" and row["state"] == "missing":
        why = "confirm_missing"
    elif why == "reminder" and row["lacking"] == 0:
        why = "reminder_cnf"  # every day below is reported: the period itself is not confirmed
    return {
        "title": label(lang, f"page.todo.title.{row['kind']}", **told),
        "why": label(lang, f"page.todo.why.{why}", **told),
        "who": told["name"],
        "href": hrefs.get(why) or hrefs[row["kind"]],
        "action_href": hrefs.get(why) or hrefs[row["kind"]],
        "action_word": label(lang, f"page.todo.act.{row['kind']}"),
        "police": False,
    }
