"""The code lists of cases: versioned data, each code with a label key (2-domain, Cases)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

KINDS: Final = ("dispute", "hazard")


@dataclass(frozen=True, slots=True)
class CategoryList:
    """One version of the categories of a kind. A code never changes its meaning within a version."""

    name: str
    version: int
    kind: str
    codes: tuple[str, ...]

    @property
    def key(self) -> str:
        """`hubei-15/1`: stands in every case that is registered by this list."""
        return f"{self.name}/{self.version}"


# The names are the province's 15 kinds; the codes are this project's own.
HUBEI_15: Final = CategoryList("hubei-15", 1, "dispute", (*(f"{number:02}" for number in range(1, 15)), "99"))
HAZARDS: Final = CategoryList(
    "hazards", 1, "hazard", ("fire", "traffic", "building", "water", "production", "public_place", "other")
)
CURRENT: Final[Mapping[str, CategoryList]] = MappingProxyType({one.kind: one for one in (HUBEI_15, HAZARDS)})
CATEGORIES: Final = HUBEI_15.codes + HAZARDS.codes

SOURCE_GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "self_found": "self",
        "self_applied": "self",
        "court": "court",
        "petition": "petition",
        "police": "transfer",
        "prosecutor": "transfer",
        "department": "transfer",
        "hotline": "transfer",
        "other": "transfer",
    }
)
SOURCES: Final = tuple(SOURCE_GROUPS)
GROUPS_OF_SOURCES: Final = tuple(dict.fromkeys(SOURCE_GROUPS.values()))
COURT: Final = "court"

COMPLEXITIES: Final = ("simple", "ordinary", "complex")
URGENCIES: Final = ("yellow", "orange", "red")
SCALES: Final = ("2", "3-9", "10-29", "30+")
AMOUNT_BANDS: Final = ("none", "under_10k", "10k_100k", "100k_500k", "500k_1m", "over_1m")

# Mediation committees by field; `committee` is the people's mediation committee of a village or township.
BODIES: Final = (
    "committee",
    "traffic",
    "labour",
    "property",
    "family",
    "medical",
    "land",
    "environment",
    "consumer",
    "commerce",
    "department",
    "other",
)
ADVICE: Final = ("arbitration", "litigation", "administrative")
REFER_TO: Final = ("arbitration", "litigation")
DECLINE_REASONS: Final = ("reserved", "in_court", "party_refused", "duplicate", "other")
REASONS: Final = (
    "other",
    "beyond_means",
    "several_units",
    "needs_profession",
    "not_ours",
    "better_locally",
    "incomplete",
    "mistake",
    "urgent",
    "overdue",
    "party_refused",
    "party_withdrew",
    "party_away",
    "in_court",
    "awaiting_expert",
)
DEFAULT_REASON: Final = "other"
RESULTS: Final = ("performed", "partly", "not_yet", "reneged", "lost_contact")
PARTY_ROLES: Final = ("applicant", "respondent", "other")


def category_label(code: str) -> str:
    """The label key of a category code of the shipped lists: `category.dispute.01`, `category.hazard.fire`."""
    return f"category.{'dispute' if code.isdigit() else 'hazard'}.{code}"
