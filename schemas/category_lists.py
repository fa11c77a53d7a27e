"""Category lists as versioned data: which version is in force on a day, and what an old code is in a later one.

A code means the same in every version that has it; what it meant before is never given to it again. So a code alone
says what a case is about, and the mapping of a version only speaks of codes that it no longer has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from schemas.cases.lists import HAZARDS, HUBEI_15, CategoryList
from schemas.errors import Invalid
from schemas.periods import FIRST_DAY, parse_day
from schemas.strict_json import Json

MAX_CODES: Final = 99
MAX_WORD: Final = 40
LANGUAGES: Final = ("zh_CN", "en")
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,19}")
_FIELDS: Final = ("name", "version", "kind", "date", "codes", "mapping")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a list, from a day on: `words` name codes that the program has no words for, `mapping` says what
    codes of the version before became, None where nothing took their place.
    """

    listed: CategoryList
    since: date
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    mapping: Mapping[str, str | None] = field(default_factory=dict, hash=False)


SHIPPED: Final = (Version(HUBEI_15, FIRST_DAY), Version(HAZARDS, FIRST_DAY))


class CategoryLists:
    """All versions held: those shipped, and those published since."""

    def __init__(self, published: Iterable[Version] = ()) -> None:
        self.published = tuple(published)
        by_key = {one.listed.key: one for one in (*SHIPPED, *self.published)}
        self._versions: dict[str, list[Version]] = {}
        for one in sorted(by_key.values(), key=lambda one: one.listed.version):
            self._versions.setdefault(one.listed.name, []).append(one)

    def latest(self, name: str) -> Version | None:
        """The greatest version of a list, in force already or not."""
        versions = self._versions.get(name)
        return versions[-1] if versions else None

    def on(self, day: date) -> dict[str, CategoryList]:
        """The list in force on a day, by kind."""
        found: dict[str, CategoryList] = {}
        for versions in self._versions.values():
            current = [one for one in versions if one.since <= day]
            if current:
                found[current[-1].listed.kind] = current[-1].listed
        return found

    def codes_on(self, day: date) -> tuple[str, ...]:
        """Every code in force on a day, list after list."""
        return tuple(code for one in self.on(day).values() for code in one.codes)

    def codes_with(self, key: str, codes: Iterable[str]) -> tuple[str, ...]:
        """The codes of one version of a list, and of some codes those of the other lists."""
        name = key.partition("/")[0]
        wanted = next((one.listed.codes for one in self._versions.get(name, ()) if one.listed.key == key), ())
        ever = self.ever(name)
        return tuple(dict.fromkeys((*wanted, *(code for code in codes if code not in ever))))

    def word(self, code: str, language: str) -> str | None:
        """The name that was published with a code; None for one that the program has its own words for."""
        for versions in self._versions.values():
            for one in reversed(versions):
                if code in one.words:
                    return one.words[code].get(language)
        return None

    def ever(self, name: str) -> frozenset[str]:
        """Every code that a version of the list ever had."""
        return frozenset(code for one in self._versions.get(name, ()) for code in one.listed.codes)

    def others(self, name: str) -> frozenset[str]:
        """Every code of the other lists."""
        return frozenset(code for other in self._versions if other != name for code in self.ever(other))

    def mapping_to(self, key: str) -> dict[str, str]:
        """{code of an earlier version: its code in this one}, of those that it no longer has and that became another.

        Raises: Invalid("unknown_list") for a version that is not held.
        """
        name, _, _ = key.partition("/")
        versions = self._versions.get(name, [])
        target = next((one for one in versions if one.listed.key == key), None)
        if target is None:
            known = [one.listed.key for held in self._versions.values() for one in held]
            raise Invalid("unknown_list", field="categories", value=key, allowed=", ".join(known))
        found: dict[str, str] = {}
        for code in self.ever(name):
            at: str | None = code
            for one in versions:
                if one.listed.version <= target.listed.version and at is not None:
                    at = one.mapping.get(at, at)
            if at is not None and at != code and at in target.listed.codes:
                found[code] = at
        return found


def read_version(body: Mapping[str, object], known: CategoryLists) -> Version:
    """A new version of a list that is held, as it is published.

    `codes` are codes that the list has already, or `{"code", "zh_CN", "en"}`; `mapping` gives each code that goes the
    one that takes its place, or null. Raises: Invalid naming the field.
    """
    for key in body:
        if key not in _FIELDS:
            raise Invalid("unknown_field", field=key, value=body[key])
    name = body.get("name")
    before = known.latest(name) if isinstance(name, str) else None
    if before is None or not isinstance(name, str):
        raise Invalid("unknown_list", field="name", value=name, allowed=", ".join(one.listed.name for one in SHIPPED))
    if body.get("version") != before.listed.version + 1 or isinstance(body.get("version"), bool):
        raise Invalid("list_version", field="version", value=body.get("version"), next=before.listed.version + 1)
    if body.get("kind", before.listed.kind) != before.listed.kind:
        raise Invalid("not_one_of", field="kind", value=body.get("kind"), allowed=before.listed.kind)
    since = parse_day(body.get("date"), "date")
    if since <= before.since:
        raise Invalid("list_too_early", field="date", value=since.isoformat(), since=before.since.isoformat())
    codes, words = _codes(body.get("codes"), name, before, known)
    listed = CategoryList(name, before.listed.version + 1, before.listed.kind, codes)
    return Version(listed, since, words, _mapping(body.get("mapping", {}), before.listed.codes, codes))


def _codes(
    value: object, name: str, before: Version, known: CategoryLists
) -> tuple[tuple[str, ...], dict[str, dict[str, str]]]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_CODES:
        raise Invalid("bad_category_codes", field="codes", value=value, limit=MAX_CODES)
    words: dict[str, dict[str, str]] = {}
    codes: list[str] = []
    for place, entry in enumerate(value):
        where = f"codes.{place}"
        code = entry.get("code") if isinstance(entry, Mapping) else entry
        if not isinstance(code, str) or not _CODE.fullmatch(code) or code in codes:
            raise Invalid("bad_category_code", field=where, value=code)
        if code not in before.listed.codes and code in known.ever(name) | known.others(name):
            raise Invalid("category_code_taken", field=where, value=code)
        if isinstance(entry, Mapping) and set(entry) != {"code"}:
            words[code] = _words(entry, where)
        elif code not in before.listed.codes:
            raise Invalid("category_words_missing", field=where, value=code)
        elif code in before.words:
            words[code] = dict(before.words[code])
        codes.append(code)
    return tuple(codes), words


def _words(entry: Mapping[object, object], where: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for language in LANGUAGES:
        text = entry.get(language)
        if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_WORD or not text.isprintable():
            raise Invalid("category_words_missing", field=f"{where}.{language}", value=entry.get("code"))
        words[language] = text.strip()
    unknown = [key for key in entry if key not in ("code", *LANGUAGES)]
    if unknown:
        raise Invalid("unknown_field", field=f"{where}.{unknown[0]}", value=unknown[0])
    return words


def _mapping(value: object, old: tuple[str, ...], new: tuple[str, ...]) -> dict[str, str | None]:
    if not isinstance(value, Mapping):
        raise Invalid("bad_category_mapping", field="mapping", value=value)
    gone = [code for code in old if code not in new]
    found: dict[str, str | None] = {}
    for code, to in value.items():
        if code == to and code in new:
            continue  # a code that stays
        if code not in gone or not (to is None or to in new):
            raise Invalid("bad_category_mapping", field=f"mapping.{code}", value=to)
        found[code] = to
    for code in gone:
        if code not in found:
            raise Invalid("category_not_mapped", field="mapping", value=code)
    return found


def version_payload(version: Version) -> dict[str, Json]:
    """A version as it is published; `stored_version` gives it back."""
    return {
        "name": version.listed.name,
        "version": version.listed.version,
        "kind": version.listed.kind,
        "date": version.since.isoformat(),
        "codes": list(version.listed.codes),
        "words": {code: dict(words) for code, words in version.words.items()},
        "mapping": dict(version.mapping),
    }


def stored_version(value: Mapping[str, Json]) -> Version:
    """A version as it stands in an event. Raises: Invalid where a field is not of its shape."""
    name, number, kind, codes = (value.get(key) for key in ("name", "version", "kind", "codes"))
    words, mapping = value.get("words"), value.get("mapping")
    if not (isinstance(name, str) and isinstance(number, int) and isinstance(kind, str) and isinstance(codes, list)):
        raise Invalid("bad_category_codes", field="codes", value=codes, limit=MAX_CODES)
    if not isinstance(words, Mapping) or not isinstance(mapping, Mapping):
        raise Invalid("bad_category_mapping", field="mapping", value=mapping)
    return Version(
        CategoryList(name, number, kind, tuple(str(code) for code in codes)),
        parse_day(value.get("date"), "date"),
        {
            code: {language: str(text) for language, text in each.items()}
            for code, each in words.items()
            if isinstance(each, Mapping)
        },
        {code: None if to is None else str(to) for code, to in mapping.items()},
    )
