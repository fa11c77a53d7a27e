"""制度: the cadence in force and another from a date on, everything published and who has it, publishing by JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, request, url_for

from hub import regime
from hub.pages.importing import keep, kept, uploaded_text
from hub.publishing import ends_of_group_duties, entries_of, publish, tried
from node import upload_queries as uploads
from node.guard import language, me, replica
from node.pages.evidence import evidence_url
from node.pages.frame import page, typed
from node.scope import require_scope
from schemas.cadence import PROFILES, Profile, profile_payload, read_profile
from schemas.clock import business_day
from schemas.errors import GridError, Invalid
from schemas.labels import explain, label
from schemas.periods import CADENCES, parse_day
from schemas.roles import ADMIN
from schemas.strict_json import Json, dumps
from schemas.units.acts import LEVELS
from sync.database import write
from sync.directory import tree_of

KIND: Final = "publication"
AGREED: Final = "without_group_duties"  # the box that is ticked where groups shall owe no daily check any more
WHOLE: Final = ("version", "grace_days", *(f"due_day.{level}" for level in LEVELS))


def register(routes: Blueprint) -> None:
    """Adds the pages of this subject."""
    routes.add_url_rule("/regime", "regime", regime_page)
    routes.add_url_rule("/regime/cadence", "cadence", cadence_page)
    routes.add_url_rule("/regime/cadence", "sign_cadence", sign_cadence, methods=["POST"])
    routes.add_url_rule("/regime/publish", "publish_page", publish_page)
    routes.add_url_rule("/regime/publish", "try_publication", try_publication, methods=["POST"])
    routes.add_url_rule("/regime/publish/confirm", "sign_publication", sign_publication, methods=["POST"])


def _city() -> None:
    require_scope(replica(), me(), replica().identity.unit)


def regime_page() -> Response:
    """What is in force, and which children have it."""
    node = replica()
    tree, today = tree_of(node), business_day(node.env.now_ms())

    whole = me().unit == node.identity.unit  # the city's own events open to who sees the whole city

    def name(unit: str) -> str:
        named = tree.nearest(unit, today)
        return named.name if named else unit

    listed = [
        {**one._asdict(), "having": [{**each._asdict(), "name": name(each.unit)} for each in one.having],
         "href": evidence_url(one.event) if whole else None, "has": sum(each.since is not None for each in one.having)}
        for one in regime.published(node, language())
    ]  # fmt: skip
    return page(
        "regime.html", "nav.regime", profile=regime.in_force(node), levels=LEVELS, published=listed, kinds=regime.KINDS,
        may_change=me().role in ADMIN and me().unit == node.identity.unit,
    )  # fmt: skip


# ---- another cadence


def cadence_page() -> Response:
    """The form of another cadence, filled with the one in force or a shipped one."""
    _city()
    asked = PROFILES.get(request.args.get("like", ""))
    return _cadence(_values(asked or regime.in_force(replica())), None, None)


def _values(profile: Profile) -> dict[str, str]:
    said = profile_payload(profile)
    values = {name: str(said[name]) for name in ("name", "version", "due_time", "daily_grace", "grace_days")}
    for level in LEVELS:
        values[f"cadences.{level}"] = profile.cadences[level]
        values[f"due_day.{level}"] = str(profile.due_day[level])
    return values


def _cadence(
    values: dict[str, str], changes: list[dict[str, Any]] | None, error: GridError | None, new: Profile | None = None
) -> Response:
    today = business_day(replica().env.now_ms())
    date = values.get("date") or today.isoformat()
    return page(
        "regime_cadence.html", "page.regime.cadence", error.status if error else 200, values={**values, "date": date},
        changes=changes, levels=LEVELS, cadences=CADENCES, profiles=tuple(PROFILES), past=date <= today.isoformat(),
        agreed=AGREED if new is not None and not new.groups_owe else None,
        error={"field": error.field, "text": explain(language(), error)} if error else None,
    )  # fmt: skip


def sign_cadence() -> Any:
    """Shows what another cadence changes; with the confirmation it is signed."""
    _city()
    node = replica()
    names = ("name", "due_time", "daily_grace", "date", *WHOLE, *(f"cadences.{level}" for level in LEVELS))
    values = {name: typed(name) for name in names}
    try:
        day = parse_day(values["date"], "date")
        profile = read_profile(_profile(values))
        if request.form.get("confirm") != "yes":
            return _cadence(values, regime.compared(regime.in_force(node), profile), None, profile)
        if not profile.groups_owe and request.form.get(AGREED) != "yes":
            group = f"cadences.{LEVELS[0]}"
            raise Invalid("group_duties_end", field=group, value=values[group], date=day)
        publish(node, [{"type": "cadence", "date": day.isoformat(), "profile": _profile(values)}])
    except Invalid as error:
        again = error.code == "group_duties_end"  # the box that agrees stands in the preview
        changes = regime.compared(regime.in_force(node), profile) if again else None
        return _cadence(values, changes, error, profile if again else None)
    flash(label(language(), "page.regime.signed", n=1), "ok")
    return redirect(url_for("city.regime"))


def _profile(values: dict[str, str]) -> dict[str, Json]:
    """What the form says, as it is published. Raises Invalid for a number that is none."""
    numbers = {name: _whole(name, values[name]) for name in WHOLE}
    return {
        "name": values["name"], "version": numbers["version"], "due_time": values["due_time"],
        "daily_grace": values["daily_grace"], "grace_days": numbers["grace_days"],
        "cadences": {level: values[f"cadences.{level}"] for level in LEVELS},
        "due_day": {level: numbers[f"due_day.{level}"] for level in LEVELS},
    }  # fmt: skip


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Invalid("out_of_range", field=name, value=text, low=0, high=9999)
    return int(text)


# ---- any publication


def publish_page() -> Response:
    """Where a list of publications is handed in."""
    _city()
    return _publish(None)


def _publish(
    error: GridError | None,
    text: str = "",
    counts: dict[str, int] | None = None,
    upload: str = "",
    ends: Sequence[str] = (),
) -> Response:
    return page(
        "regime_publish.html", "page.regime.publish", error.status if error else 200, text=text, counts=counts,
        upload=upload, ends=ends, error={"field": error.field, "text": explain(language(), error)} if error else None,
    )  # fmt: skip


def try_publication() -> Response:
    """What a list would publish; nothing is signed, and a refusal names entry and field."""
    _city()
    text = ""
    try:
        text = uploaded_text()
        entries = entries_of(text, "JSON")
        counts = tried(replica(), entries)
    except GridError as error:
        return _publish(error, text)
    return _publish(None, text, counts, keep(KIND, dumps(entries), {}), ends_of_group_duties(entries))


def sign_publication() -> Any:
    """Signs what was tried out."""
    _city()
    node = replica()
    try:
        upload, _ = kept(KIND)
        counts = publish(node, entries_of(upload.content, "JSON"), located=True)
    except GridError as error:
        return _publish(error)
    with write(node.db, "publish", node.env):
        uploads.drop(node.db, upload.id)
    flash(label(language(), "page.regime.signed", n=sum(counts.values())), "ok")
    return redirect(url_for("city.regime"))
