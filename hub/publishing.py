"""`grid-hub publish`: directory acts, cadence, campaigns, forms, category lists, signed by the city and sent down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from hub.directory import publish_acts, publish_cadence, publish_form
from hub.reading import text_in
from node.daily import campaign_queries
from node.daily.campaigns import CAMPAIGN_KIND, CAMPAIGN_SCHEMA
from node.evidence import audit
from node.figures.category_lists import CATEGORIES_KIND, CATEGORIES_SCHEMA, lists_of, next_number
from node.reports.forms import forms_of
from schemas.cadence import PROFILES, Profile, read_profile
from schemas.campaigns import Campaign, campaign_payload, read_campaign
from schemas.category_lists import CategoryLists, Version, read_version, version_payload
from schemas.clock import business_day
from schemas.errors import Invalid
from schemas.forms import Form, Forms, read_form
from schemas.periods import parse_day
from schemas.strict_json import Json, loads
from schemas.units.checks import ActChecks
from schemas.units.tree import Act
from sync import directory
from sync.database import write
from sync.intake import Intake
from sync.replica import Replica

MAX_ENTRIES: Final = 20_000
MAX_NOTED: Final = 8  # entries of one publication that the audit log spells out
TYPES: Final = ("cadence", "campaign", "form", "categories", "unit")


@dataclass(slots=True)
class _Batch:
    """What the entries of one publication come to."""

    acts: list[Act] = field(default_factory=list)
    cadences: list[tuple[date, Profile]] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    categories: list[Version] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)


def entries_in(path: Path) -> list[Json]:
    """The entries of a file: a list of `{type: …, ...}` of TYPES. Raises Invalid, BadRequest."""
    return entries_of(text_in(path, "FILE"), str(path))


def entries_of(raw: str, named: str) -> list[Json]:
    """The entries of a publication. Raises BadRequest for no JSON, Invalid for no list."""
    entries = loads(raw)
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_ENTRIES:
        raise Invalid("publish_list", field="FILE", value=named, limit=MAX_ENTRIES)
    return entries


def publish(replica: Replica, entries: Sequence[Json], *, located: bool = False) -> dict[str, int]:
    """Publishes all entries in a transaction of its own, or none when one is refused; returns how many of each type."""
    with write(replica.db, "publish", replica.env):
        intake = Intake(replica, replica.env.now_ms())
        counts = sign_entries(intake, entries, located=located)
        intake.finish()
    return counts


def tried(replica: Replica, entries: Sequence[Json]) -> dict[str, int]:
    """What `publish` would publish, with nothing written. Raises what it would raise, naming entry and field."""
    counts: dict[str, int] = {}
    try:
        with write(replica.db, "publish", replica.env):
            counts = sign_entries(Intake(replica, replica.env.now_ms()), entries, located=True)
            raise _TriedOut
    except _TriedOut:
        return counts


def ends_of_group_duties(entries: Sequence[Json]) -> list[str]:
    """The days from which cadences among entries that were tried or published leave groups without duties: checks are
    owed by the day, or not at all (decision 0024).
    """
    cadences = [entry for entry in entries if isinstance(entry, dict) and entry.get("type") == "cadence"]
    return [
        str(one["date"])
        for one in cadences
        if not _profile({name: one[name] for name in one if name not in ("type", "date")}, "profile").groups_owe
    ]


class _TriedOut(Exception):
    """Rolls a trial back."""


def checks_of(replica: Replica) -> ActChecks:
    """Checks of directory acts on the tree as it stands."""
    return ActChecks(directory.tree_of(replica), lambda: list(directory.acts_of(replica.db)))


def _located(error: Invalid, place: int) -> Invalid:
    field = error.field or "entry"
    known = field if field.startswith(f"{place}.") else f"{place}.{field}"
    return Invalid(error.code, field=known, value=error.value, **error.params)


def sign_entries(intake: Intake, entries: Sequence[Json], *, located: bool = False) -> dict[str, int]:
    """Checks every entry against the tree as it will be, then signs them, in the caller's transaction. With `located`
    the field of a refusal begins with the place of its entry: `3.parent`.
    """
    batch, checks = _Batch(), checks_of(intake.replica)
    for place, entry in enumerate(entries):
        try:
            _read(intake.replica, checks, place, entry, batch)
        except Invalid as error:
            raise _located(error, place) if located else error from None
    if batch.acts:
        publish_acts(intake, batch.acts, business_day(intake.now_ms))
    for day, profile in batch.cadences:
        publish_cadence(intake, profile, day)
    for campaign in batch.campaigns:
        publish_campaign(intake, campaign)
    for version in batch.categories:
        publish_categories(intake, version)
    for form in batch.forms:
        publish_form(intake, form)
    _note(intake, batch)
    return {
        "unit": len(batch.acts),
        "cadence": len(batch.cadences),
        "campaign": len(batch.campaigns),
        "form": len(batch.forms),
        "categories": len(batch.categories),
    }


def _note(intake: Intake, batch: _Batch) -> None:
    (head,) = intake.db.execute("SELECT head FROM node_state").fetchone()
    acts = batch.acts
    words = [f"{act['act']} {act['unit']} {act['date']}" for act in acts[:MAX_NOTED]]
    words += [f"cadence {profile.name} {day}" for day, profile in batch.cadences[:MAX_NOTED]]
    words += [f"campaign {one.id} {one.first}..{one.last}" for one in batch.campaigns[:MAX_NOTED]]
    words += [f"categories {one.listed.key} {one.since}" for one in batch.categories[:MAX_NOTED]]
    words += [f"form {one.id} {one.version}" for one in batch.forms[:MAX_NOTED]]
    more = len(acts) + len(batch.cadences) + len(batch.campaigns) + len(batch.categories) + len(batch.forms)
    more -= len(words)
    audit.note(
        intake.replica, "published", unit=acts[0]["unit"] if len(acts) == 1 else None, subject=head,
        purpose="; ".join([*words, f"+{more}"] if more else words),
    )  # fmt: skip


def publish_campaign(intake: Intake, campaign: Campaign) -> None:
    """Signs a campaign; of one that was published before, the new words and days hold from now on."""
    intake.author(
        kind=CAMPAIGN_KIND,
        schema=CAMPAIGN_SCHEMA,
        unit=intake.me.city,
        day=campaign.first,
        public={"no": campaign_queries.next_number(intake.db), "campaign": campaign_payload(campaign)},
    )


def publish_categories(intake: Intake, version: Version) -> None:
    """Signs a version of a category list, in force from its day on."""
    intake.author(
        kind=CATEGORIES_KIND,
        schema=CATEGORIES_SCHEMA,
        unit=intake.me.city,
        day=version.since,
        public={"no": next_number(intake.db), "list": version_payload(version)},
    )


def _read(replica: Replica, checks: ActChecks, place: int, entry: Json, batch: _Batch) -> None:
    if not isinstance(entry, dict) or entry.get("type") not in TYPES:
        kind = entry.get("type") if isinstance(entry, dict) else entry
        raise Invalid("publish_type", field=f"{place}.type", value=kind, allowed=", ".join(TYPES))
    rest = {name: value for name, value in entry.items() if name != "type"}
    if entry["type"] == "unit":
        batch.acts.append(checks.take(rest))
        return
    if entry["type"] == "campaign":
        batch.campaigns.append(read_campaign(rest))
        return
    if entry["type"] == "categories":
        known = CategoryLists([*lists_of(replica.db).published, *batch.categories])
        batch.categories.append(read_version(rest, known))
        return
    if entry["type"] == "form":
        batch.forms.append(read_form(rest, Forms([*forms_of(replica.db).all(), *batch.forms])))
        return
    day = parse_day(rest.pop("date", None), f"{place}.date")
    batch.cadences.append((day, _profile(rest, f"{place}.profile")))


def _profile(entry: dict[str, Json], named: str) -> Profile:
    """The profile of a publication: the whole of it, or the name of one that is shipped."""
    for key in entry:
        if key != "profile":
            raise Invalid("unknown_field", field=key, value=entry[key])
    profile = entry.get("profile")
    if isinstance(profile, dict):
        return read_profile(profile)
    if not isinstance(profile, str) or profile not in PROFILES:
        raise Invalid("bad_profile", field=named, value=profile, allowed=", ".join(PROFILES))
    return PROFILES[profile]
