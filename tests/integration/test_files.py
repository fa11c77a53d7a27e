"""Tables and record lists as files: the same bytes for the same question, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest

from builders import CITY, E_GROUPS, E_VILLAGE, GROUPS, HOUR_MS, City
from node.figures.exports import definitions, rollup_file, text_table
from node.figures.rollup import answer
from node.figures.sheets import Sheet, csv_chunks, csv_file, harmless, pieces, xlsx_file
from schemas.labels import LANGUAGES

HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1+1", "＠x")


def cells_of(content: bytes) -> list[list[str]]:
    assert content[:3] == b"\xef\xbb\xbf"
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    (row,) = cells_of(b"".join(csv_chunks([[text, -1, 1.5, None, "a=b"]])))
    assert row == [f"'{text}", "-1", "1.5", "", "a=b"]
    with xlsx_file([Sheet("a", [[text]])], 0) as content:
        sheet = zipfile.ZipFile(content).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet


def test_a_large_table_comes_in_pieces_and_a_workbook_without_holding_it() -> None:
    rows: Any = ([number, "文字" * 20] for number in range(9_000))
    parts = list(csv_chunks(rows))
    assert len(parts) > 5
    assert len(cells_of(b"".join(parts))) == 9_000
    with csv_file([[1]]) as small:
        assert small.read() == b"\xef\xbb\xbf1\r\n"
    assert b"".join(pieces(csv_file([[1]]))) == b"\xef\xbb\xbf1\r\n"


def test_a_workbook_says_what_each_figure_means_and_is_the_same_at_any_hour() -> None:
    city = City()
    city.hub.check(E_GROUPS[0], "2026-11-20")
    asked: Any = {"by": "children", "tree": "then", "now_ms": city.hub.env.now_ms()}
    document = answer(city.hub.replica, CITY, "2026-11", **asked)
    first, _, name = rollup_file(document, "xlsx", "zh_CN")
    city.clock.forward(50 * HOUR_MS)
    assert rollup_file(document, "xlsx", "zh_CN")[0] == first
    assert name == f"rollup-{CITY}-2026-11.xlsx"
    book = zipfile.ZipFile(io.BytesIO(first))
    assert book.read("xl/workbook.xml").count(b"<sheet ") == 3
    notes = book.read("xl/worksheets/sheet2.xml").decode()
    assert all(word in notes for word in ("单位代码", CITY, "期间", "隶属", "按当时隶属", "截至", document["as_of"]))
    for language in LANGUAGES:
        table = definitions(document, language)
        assert len(table) == 1 + len(document["measures"]) + len(document["rates"]) + 2
        rates = table[1 + len(document["measures"]) : -2]
        assert all(all(row) for row in rates)


def test_a_rate_in_a_file_has_its_numerator_and_denominator_beside_it_and_says_why_it_is_over_100() -> None:
    city = City()
    city.hub.check(E_GROUPS[0], "2026-11-20")
    document = answer(city.hub.replica, CITY, "2026-11-20", by=None, tree="then", now_ms=city.hub.env.now_ms())
    rate = {"value": "", "numerator": 1, "denominator": 1}
    document["rates"]["mediation_rate"] = {"value": "200.00", "numerator": 2, "denominator": 1, "note": "另有原因"}
    header, total = cells_of(rollup_file(document, "csv", "zh_CN")[0])
    row = dict(zip(header, total, strict=True))
    assert len(row) == len(header)  # no two columns of one name
    assert (row["覆盖率 %"], row["覆盖率 分子"], row["覆盖率 分母"]) == ("16.67", "1", "6")
    assert (row["调解成功率 %"], row["调解成功率 分子"], row["调解成功率 分母"]) == ("", "0", "0")
    assert (row["调解率 %"], row["说明"]) == ("200.00", "调解率：另有原因")
    book = zipfile.ZipFile(io.BytesIO(rollup_file(document, "xlsx", "zh_CN")[0]))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert ("<v>200</v>" in sheet, "调解率：另有原因" in sheet) == (True, True)
    plain = text_table(document, "zh_CN")
    assert "16.67 (1/6)" in plain
    assert "另有原因" in plain
    assert max(len(line) for line in plain.splitlines()) < 80  # a terminal is 80 columns wide
    row = {"key": "x", "label": "东县", "measures": document["measures"], "rates": document["rates"]}
    document["rows"], document["rates"] = [row], {**document["rates"], "mediation_rate": {**rate, "value": "100.00"}}
    assert text_table(document, "zh_CN").splitlines()[-2] == "东县 调解率：另有原因"


def test_a_masked_rate_in_a_file_gives_away_neither_numerator_nor_denominator() -> None:
    city = City()
    city.hub.check(E_GROUPS[0], "2026-11-20")
    browser = city.hub.browser()
    said = browser.get(
        f"/api/v1/rollup?unit={E_VILLAGE}&period=2026-11-20&format=csv", headers=city.hub.user("ann", "analyst")
    )
    header, total = cells_of(said.get_data())
    row = dict(zip(header, total, strict=True))
    assert (row["覆盖率 %"], row["覆盖率 分子"], row["覆盖率 分母"]) == ("*", "*", "*")
    as_of, position = said.headers["Grid-As-Of"], said.headers["Grid-Position"]
    exact = browser.get(
        f"/api/v1/rollup?unit={E_VILLAGE}&period=2026-11-20", headers=city.hub.user("bob", "admin")
    ).json
    assert (as_of, position) == (exact["as_of"], str(exact["position"]))


def test_the_records_behind_a_cell_come_as_a_file_all_of_them() -> None:
    city = City()
    for group in GROUPS:
        for day in ("2026-11-19", "2026-11-20"):
            city.hub.check(group, day)
    headers, browser = city.hub.user("ann", "admin"), city.hub.browser()
    asked = f"/api/v1/rollup/records?unit={CITY}&period=2026-11&measure="
    said = browser.get(f"{asked}checks_zero&format=csv&limit=3", headers=headers)
    header, *rows = cells_of(said.get_data())
    listed = browser.get(f"{asked}checks_zero&limit=500", headers=headers).json["items"]
    assert header == ["日期", "单位代码", "单位", "结果", "记录"]
    assert [(row[0], row[1], row[4]) for row in rows] == [
        (one["date"], one["unit"], harmless(one["event"])) for one in listed
    ]
    assert said.headers["Content-Disposition"] == f'attachment; filename="checks_zero-{CITY}-2026-11.csv"'
    body = {
        "unit": E_VILLAGE, "date": "2026-11-20", "kind": "dispute", "category": "02", "source": "court",
        "complexity": "simple", "urgency": "red",
    }  # fmt: skip
    assert browser.post("/api/v1/cases", json=body, headers=headers).status_code == 201
    header, row = cells_of(browser.get(f"{asked}registered&format=csv", headers=headers).get_data())
    assert (row[header.index("类别")], row[header.index("来源")]) == ("邻里", "法院委托")
    book = browser.get(f"{asked}registered&format=xlsx", headers=headers)
    assert book.content_type.endswith("spreadsheetml.sheet")
    opened = zipfile.ZipFile(io.BytesIO(book.get_data()))
    assert opened.read("xl/workbook.xml").count(b"<sheet ") == 2
    one = browser.get(f"{asked}registered", headers=headers).json
    assert (book.headers["Grid-As-Of"], book.headers["Grid-Position"]) == (one["as_of"], str(one["position"]))
    assert one["as_of"] in opened.read("xl/worksheets/sheet2.xml").decode()
    assert cells_of(browser.get(f"{asked}closed&format=csv", headers=headers).get_data())[1:] == []
    viewer = city.hub.user("vera", "viewer")
    assert browser.get(f"{asked}registered&format=csv", headers=viewer).status_code == 403
    page = browser.get(f"/rollup/records?unit={CITY}&period=2026-11&measure=registered", headers=headers)
    assert "format=xlsx" in page.get_data(as_text=True)
