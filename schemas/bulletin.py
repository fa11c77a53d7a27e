"""The bulletin of a unit and period, from rollup documents alone: every figure is a cell of theirs, every rate prints
what it is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.bulletin_blocks import ORDINALS, Block, Cell, Span
from schemas.bulletin_writing import NONE, Row, Writer, table
from schemas.labels import label, period_text
from schemas.measures import rate
from schemas.periods import Period

MAX_UNITS: Final = 60  # rows of the table of units below; the rest is named by number
MAX_REMARKS: Final = 2_000
_CHECKS: Final = (
    "checks_due", "checks_excused", "checks_zero", "checks_found", "checks_late", "checks_missing", "checks_extra",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sources:
    """What a bulletin is made of: rollup documents of one instant. `before` and `year_before` are of the period before
    and of the same one a year earlier, None where there is none.
    """

    name: str
    period: Period
    total: Row
    source_groups: Sequence[Row]
    categories: Sequence[Row]
    kinds: Sequence[Row]
    children: Sequence[Row]
    before: tuple[Period, Row] | None
    year_before: tuple[Period, Row] | None
    ended: bool
    withheld: bool = False  # breakdowns in which a small figure stands are left out whole


def blocks(sources: Sources, remarks: str, language: str) -> list[Block]:
    """All sections in their order; those that have nothing to say are left out."""
    made = _Maker(sources, language)
    parts: list[tuple[str, list[Block]]] = [("overall", made.overall())]
    if made.count("accepted"):
        parts += [("sources", made.sources())] if sources.source_groups else []
        parts += [("results", made.results())]
        parts += [("categories", made.categories())] if sources.categories else []
    parts.append(("checks", made.checks()))
    if len(sources.children) > 1:
        parts.append(("units", made.units()))
    if remarks.strip():
        parts.append(("remarks", [{"t": "words", "text": remarks.strip()}]))
    parts.append(("proof", made.proof()))
    found: list[Block] = []
    for place, (name, listed) in enumerate(parts):
        words = label(language, f"bulletin.h.{name}")
        found += [{"t": "h", "text": label(language, "bulletin.numbered", no=_ordinal(place, language), text=words)}]
        found += listed
    return found


def _ordinal(place: int, language: str) -> str:
    return ORDINALS[place] if language == "zh_CN" else str(place + 1)


class _Maker(Writer):
    def __init__(self, sources: Sources, language: str) -> None:
        super().__init__(sources.total, language)
        self._sources = sources

    def overall(self) -> list[Block]:
        """What came in, what became of it, against the period before and the year before."""
        period, name = period_text(self._sources.period, self._language), self._sources.name
        period = period[0].upper() + period[1:]  # a sentence begins with it
        if self.count("accepted") == 0 and not self.count("mediated"):
            lines = [self._paragraph(self._say("bulletin.nothing", period=period, unit=name))]
        else:
            lines = [self._paragraph(
                self._say("bulletin.accepted", period=period, unit=name, what=self._word(self._what()),
                          accepted=self._figure("accepted"), parts=self._parts()),
                self._say("bulletin.mediated", mediated=self._figure("mediated"), rate=self._rate("mediation_rate")),
                self._say("bulletin.agreed", agreed=self._figure("agreed"), rate=self._rate("success_rate"),
                          not_agreed=self._figure("not_agreed")),
                self._say("bulletin.confirmed", confirmed=self._figure("confirmed"),
                          of_mediated=self._rate("confirmation_of_mediated"),
                          of_agreed=self._rate("confirmation_of_agreed")),
            )]  # fmt: skip
        against = [
            self._against(key, *found)
            for key, found in (("before", self._sources.before), ("year_before", self._sources.year_before))
            if found
        ]
        lines += [self._paragraph(*against)] if against else []
        open_ = self._say("bulletin.open", open=self._figure("open"), overdue=self._figure("overdue"))
        unended = [] if self._sources.ended else [self._say("bulletin.not_ended")]
        withheld = [self._say("bulletin.withheld")] if self._sources.withheld else []
        return [*lines, self._paragraph(open_, *unended, *withheld)]

    def _what(self) -> str:
        hazards = [row for row in self._sources.kinds if row["key"] == "hazard" and self.count("accepted", row) != 0]
        return "bulletin.what.both" if hazards else "bulletin.what.disputes"

    def _parts(self) -> list[Span]:
        """，其中自行受理 525 件、法院委托 276 件、信访 1 件; of both kinds these as well."""
        spans: list[Span] = []
        kinds = self._sources.kinds if self._what() == "bulletin.what.both" else ()
        for dimension, rows in (("kind", kinds), ("source_group", self._sources.source_groups)):
            present = [row for row in rows if self.count("accepted", row) != 0]
            for place, row in enumerate(present):
                joint = self._word("bulletin.comma" if place else "bulletin.of_these")
                figure = self._figure("accepted", row, **{dimension: row["key"]})
                spans += [joint, *self._say("bulletin.part", name=str(row["label"]), n=figure)]
        return spans

    def _against(self, key: str, period: Period, then: Row) -> list[Span]:
        now, was = self.count("accepted"), self.count("accepted", then)
        words = period_text(period, self._language)
        if now is None or was is None:
            return self._say("bulletin.against.masked", which=self._word(f"bulletin.against.{key}"), period=words)
        change = "more" if now > was else "less" if now < was else "same"
        by = f"{abs(now - was):,}"
        share = (
            self._of(f"{rate(abs(now - was), was)['value']}%", by, f"{was:,}")
            if was
            else self._word("bulletin.no_base")
        )
        how = label(self._language, f"bulletin.change.{change}", by=by, share=share)
        old, new = (row["rates"]["success_rate"]["value"] for row in (then, self._total))
        rates_ = [NONE if value is None else f"{value}%" for value in (old, new)]
        return self._say(
            "bulletin.against", which=self._word(f"bulletin.against.{key}"), period=words, was=f"{was:,}", change=how,
            old=rates_[0], new=rates_[1],
        )  # fmt: skip

    def sources(self) -> list[Block]:
        """Where the cases came from, each with its share."""
        return [self._shares("source_group", self._sources.source_groups)]

    def _shares(self, dimension: str, rows: Sequence[Row]) -> Block:
        whole = self.count("accepted")
        head = [self._word(f"bulletin.column.{name}") for name in (dimension, "accepted", "share")]
        body: list[list[Cell]] = [
            [
                str(row["label"]),
                self._figure("accepted", row, **{dimension: row["key"]}),
                self._share(self.count("accepted", row), whole),
            ]
            for row in rows
            if self.count("accepted", row) != 0
        ]
        foot: list[Cell] = [self._word("table.total"), self._figure("accepted"), self._share(whole, whole)]
        return table(head, body, foot, bar=1)

    def results(self) -> list[Block]:
        """What became of the cases, each rate with its denominator in a column of its own."""
        rates_ = self._total["rates"]
        lines = [
            ("mediated", rates_["mediation_rate"], "accepted"),
            ("agreed", rates_["success_rate"], "mediated"),
            ("not_agreed", rate(self.count("not_agreed") or 0, self.count("mediated") or 0), "mediated"),
            ("performed", rates_["performance_rate"], "agreed"),
            ("confirmed", rates_["confirmation_of_mediated"], "mediated"),
            ("confirmed", rates_["confirmation_of_agreed"], "agreed"),
        ]
        body: list[list[Cell]] = [
            [self._word(f"bulletin.measure.{name}"), self._figure(name),
             NONE if found["value"] is None or self.count(name) is None else f"{found['value']}%",
             [self._word(f"bulletin.measure.{base}"), " ", self._figure(base)]]
            for name, found, base in lines
        ]  # fmt: skip
        head = [self._word(f"bulletin.column.{name}") for name in ("measure", "cases", "rate", "base")]
        found = [table(head, body, None, words=(3,))]
        notes = [str(one["note"]) for one in rates_.values() if one.get("note")]
        return [*found, *(self._paragraph([note]) for note in notes)]

    def categories(self) -> list[Block]:
        """By category; those in which nothing came in and nothing was settled are left out."""
        rows = [
            row for row in self._sources.categories if self.count("accepted", row) != 0 or self.count("mediated", row)
        ]
        head = [
            self._word(f"bulletin.column.{name}") for name in ("category", "accepted", "mediated", "agreed", "success")
        ]

        def line(name: str, row: Row | None, **filters: str) -> list[Cell]:
            counts: list[Cell] = [self._figure(one, row, **filters) for one in ("accepted", "mediated", "agreed")]
            return [name, *counts, self._rate("success_rate", row)]

        body = [line(str(row["label"]), row, category=str(row["key"])) for row in rows]
        foot = line(self._word("table.total"), None)
        return [table(head, body, foot, bar=1)]

    def checks(self) -> list[Block]:
        """The daily checks: what was owed and what was said, a zero and a missing report apart."""
        if not any(self.count(name) != 0 for name in ("checks_due", "checks_extra")):
            return [self._paragraph(self._say("bulletin.no_checks"))]
        counts: dict[str, Cell] = {name.removeprefix("checks_"): self._figure(name) for name in _CHECKS}
        rates_: dict[str, Cell] = {name: self._rate(name) for name in ("coverage", "on_time_rate")}
        return [self._paragraph(self._say("bulletin.checks", **counts, **rates_))]

    def units(self) -> list[Block]:
        """The units below in directory order; never ranked."""
        head = [self._word(f"bulletin.column.{name}") for name in ("unit", "accepted", "agreed", "missing", "coverage")]
        listed = self._sources.children[:MAX_UNITS]
        body: list[list[Cell]] = []
        for row in listed:
            below = {"unit": str(row["key"])}
            counts: list[Cell] = [self._figure(name, row, **below) for name in ("accepted", "agreed", "checks_missing")]
            body.append([str(row["label"]), *counts, self._rate("coverage", row)])
        foot: list[Cell] = [self._figure(name) for name in ("accepted", "agreed", "checks_missing")]
        total = [self._word("table.total"), *foot, self._rate("coverage")]
        listed_below = table(head, body, total)
        more = len(self._sources.children) - len(listed)
        words = self._say("bulletin.more_units", n=f"{more:,}") if more else self._say("bulletin.directory_order")
        return [listed_below, self._paragraph(words)]

    def proof(self) -> list[Block]:
        """The sums written out; one that does not close says why it need not."""
        lines: list[str] = []
        parts = [self.count("accepted", row) for row in self._sources.source_groups]
        if all(part is not None for part in parts) and self.count("accepted"):
            lines.append(self._sum([part for part in parts if part], self.count("accepted") or 0))
        agreed, not_agreed, mediated = (self.count(name) for name in ("agreed", "not_agreed", "mediated"))
        if agreed is not None and not_agreed is not None and mediated:
            if agreed + not_agreed == mediated:
                lines.append(self._sum([agreed, not_agreed], mediated))
            else:
                lines.append(label(
                    self._language, "bulletin.proof.results", agreed=f"{agreed:,}", not_agreed=f"{not_agreed:,}",
                    mediated=f"{mediated:,}",
                ))  # fmt: skip
        lines += self._order()
        text = self._word("bulletin.proof.joint").join(lines)
        said: list[Span] = [f"{text}{self._word('bulletin.proof.stop')}"] if text else []
        rounding: list[Span] = [self._word("bulletin.proof.rounding")]
        return [self._paragraph(*([said] if said else []), rounding)]

    def _sum(self, parts: Sequence[int], whole: int) -> str:
        listed = self._word("bulletin.plus").join(f"{part:,}" for part in parts)
        return f"{listed}{self._word('bulletin.equals')}{whole:,}"

    def _order(self) -> list[str]:
        """司法确认 100 ≤ 调解成功 666 ≤ 调解 802 ≤ 受理 802, as far as it holds."""
        names = ("confirmed", "agreed", "mediated", "accepted")
        counts = [self.count(name) for name in names]
        if None in counts or not counts[-1] or sorted(counts, key=lambda n: n or 0) != counts:
            return []
        return [
            " ≤ ".join(f"{self._word(f'bulletin.measure.{name}')} {n:,}" for name, n in zip(names, counts, strict=True))
        ]
