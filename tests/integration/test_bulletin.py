"""通报: every figure is the rollup's, what is issued is served as the same bytes ever after."""

from __future__ import annotations

import hashlib
import http.server
import io
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from casework import CaseFloor, Caseworker
from crafted import alter, column
from desk import assert_refused, desk_in
from flask.testing import FlaskClient
from pypdf import PdfReader

from builders import CITY, E_GROUPS, EAST, NOW_MS, W_GROUPS, W_TOWN, W_VILLAGE, WEST, City, Node, dump
from hub import bulletin, bulletin_files, issuing, pdf
from node.figures import bulletin_queries, rollup
from node.migrations import DERIVED
from node.people.accounts import Account
from schemas.bulletin_blocks import cell_text, figures_of
from schemas.errors import Conflict, GridError, Invalid, NotFound, TooLarge, Unavailable
from schemas.periods import parse_period
from sync.rebuild import rebuild

PERIOD = "2026-11"
BOSS = Account("boss", "admin", CITY)


@pytest.fixture(scope="module")
def worked() -> Iterator[CaseFloor]:
    """A city with cases of every end in two months, and some reports."""
    floor = CaseFloor()
    city, people = floor.emptied(), floor.people
    worker: Caseworker = people["west"]
    for place, source in enumerate(["self_found"] * 7 + ["court"] * 4 + ["petition", "police"]):
        day = f"2026-{10 if place % 5 == 0 else 11}-{place + 3:02d}"
        case = worker.register(source=source, date=day, category=f"{place % 3 + 1:02d}")
        case = worker.act(case, "accept", date=day)
        if place == 1:
            continue
        case = worker.act(case, "mediate", date=day)
        if place % 4 == 3:
            worker.act(case, "fail", date=day, advice="litigation")
        else:
            worker.act(case, "agree", date=day, performed_at_once=True)
    for group in W_GROUPS[:2]:
        city.hub.check(group, "2026-11-20")
    city.hub.check(W_GROUPS[0], "2026-11-19", disputes=2)
    city.settle()
    yield floor
    floor.close()


@pytest.fixture
def hub(worked: CaseFloor) -> Node:
    """The hub of that city."""
    return worked.city.hub


def made(node: Node, unit: str = CITY, period: str = PERIOD, **more: Any) -> bulletin.Document:
    return bulletin.draft(node.replica, unit, period, **{"language": "zh_CN", **more})


# ---- refusals


@pytest.mark.parametrize(
    ("unit", "period", "more", "error", "field"),
    [
        ("429999000000", PERIOD, {}, NotFound, "unit"),
        (CITY, "2026-13", {}, Invalid, "period"),
        (CITY, PERIOD, {"remarks": "字" * 2001}, Invalid, "remarks"),
        (CITY, PERIOD, {"no": 0}, Invalid, "no"),
        (CITY, PERIOD, {"no": 1000}, Invalid, "no"),
    ],
)  # fmt: skip
def test_what_makes_no_bulletin_is_refused_with_the_field(
    hub: Node, unit: str, period: str, more: dict[str, Any], error: type[GridError], field: str
) -> None:
    with pytest.raises(error) as refused:
        made(hub, unit, period, **more)
    assert refused.value.field == field


@pytest.mark.parametrize("role", ["worker", "mediator", "reviewer", "viewer"])
def test_who_makes_no_bulletins_gets_none(hub: Node, role: str) -> None:
    headers = hub.user(f"b-{role}", role) if not hub.count("account", f"name = 'b-{role}'") else {}
    for path in ("/bulletin", "/bulletin/file", f"/bulletin/issued/{'x' * 43}"):
        assert hub.browser().get(path, headers=headers).status_code == 403


def test_a_node_below_has_no_bulletins(worked: CaseFloor) -> None:
    east = worked.city.nodes[1]
    headers = east.user("east-admin", "admin")
    assert east.browser().get("/bulletin", headers=headers).status_code == 404


def test_a_bulletin_of_a_unit_outside_ones_own_is_refused(hub: Node) -> None:
    headers = hub.user("of-the-east", "admin", EAST)
    assert hub.browser().get(f"/bulletin?unit={WEST}&period={PERIOD}", headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/bulletin?period=2026-13", "/bulletin/file?format=doc", "/bulletin?corrects=none"])
def test_a_bad_request_is_told_on_a_page(hub: Node, path: str) -> None:
    name = f"asks-{abs(hash(path))}"
    assert hub.browser().get(path, headers=hub.user(name, "admin")).status_code in (404, 422)


# ---- figures


@pytest.mark.parametrize("unit", [CITY, WEST, EAST, W_TOWN, E_GROUPS[0]])
@pytest.mark.parametrize("period", [PERIOD, "2026-10", "2026-Q4", "2026", "2026-11-03..2026-11-09", "2025-02"])
def test_every_figure_is_the_cell_of_the_rollup_that_it_names(hub: Node, unit: str, period: str) -> None:
    document = made(hub, unit, period)
    answers: dict[str | None, dict[str, Any]] = {}

    def cell(measure: str, filters: dict[str, str]) -> int:
        (dimension, key), *others = filters.items() or [(None, None)]
        assert others == []
        by = "children" if dimension == "unit" else dimension
        if by not in answers:
            answers[by] = dict(
                rollup.answer(hub.replica, unit, period, by=by, tree="then", now_ms=hub.env.now_ms())
            )  # fmt: skip
        rows = answers[by]["rows"]
        found = answers[by] if by is None else next(row for row in rows if row["key"] == key)
        return int(found["measures"][measure])

    figures = figures_of(document["blocks"])
    assert len(figures) >= 2
    for one in figures:
        assert one["n"] == (None if "x" in one else cell(one["m"], one["f"])), one


def test_the_paragraph_says_what_came_in_and_what_became_of_it(hub: Node) -> None:
    text = bulletin_files.markdown(made(hub))
    assert (
        "2026年11月，试点市共受理矛盾纠纷 10 件，其中自行受理 5 件、法院委托 3 件、信访 1 件、移送转办 1 件；" in text
    )
    assert "调解 9 件，调解率 90.00%（9/10）；调解成功 6 件，调解成功率 66.67%（6/9），调解不成 3 件；" in text
    assert "与上期（2026年10月，受理 3 件）相比，受理数增加 7 件，增长 233.33%（7/3）" in text
    assert "5＋3＋1＋1＝10；6＋3＝9；" in text
    assert "期末在办 1 件" in text


def test_in_english_words_and_sentences_stand_apart_and_headings_are_numbered(hub: Node) -> None:
    document = made(hub, language="en")
    text = bulletin_files.markdown(document)
    assert "accepted 10 disputes, of these: Own acceptance 5, " in text
    assert "; 9 were mediated, a mediation rate of 90.00% (9/10); 6 were agreed" in text
    assert "\n## 1. Overall\n" in text
    assert not re.search(r"[a-z0-9)]([.;:][A-Za-z]|,[A-Za-z])", text.split("## ")[1]), text


def test_a_period_without_cases_says_so_and_prints_no_rate(hub: Node) -> None:
    text = bulletin_files.markdown(made(hub, EAST, "2025-02"))
    assert "东县未受理矛盾纠纷和安全隐患" in text
    assert "调解率" not in text


def test_what_a_person_wrote_is_no_markup(hub: Node) -> None:
    document = made(hub, remarks="# 标题\n<b>粗</b> | *星* [链](http://x)\n1. 一")
    text = bulletin_files.markdown(document)
    for line in (r"\# 标题", r"\<b\>粗\</b\> \| \*星\* \[链\](http://x)", r"1\. 一"):
        assert line in text.splitlines(), line
    page = bulletin_files.html(document)
    assert "<b>粗" not in page
    assert "&lt;b&gt;粗" in page


@pytest.mark.parametrize(
    ("period", "before", "year_before"),
    [
        ("2026-11", "2026-10", "2025-11"),
        ("2026", "2025", None),
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2026-W53", "2026-W52", None),
        ("2024-02-29", "2024-02-28", "2023-02-28"),
        ("2024-02-01..2024-02-29", "2024-01-03..2024-01-31", "2023-02-01..2023-02-28"),
        ("2026-11-H2", "2026-11-H1", "2025-11-H2"),
    ],
)  # fmt: skip
def test_periods_are_compared_with_the_one_before_and_a_year_before(
    period: str, before: str, year_before: str | None
) -> None:
    found = bulletin.before(parse_period(period)), bulletin.year_before(parse_period(period))
    assert [one.key if one else None for one in found] == [before, year_before]


def test_the_first_periods_of_the_calendar_have_nothing_before() -> None:
    assert bulletin.before(parse_period("2000-01")) is None
    assert bulletin.year_before(parse_period("2000-01")) is None


def test_small_figures_below_the_township_are_masked_and_the_breakdowns_left_out(hub: Node) -> None:
    village = made(hub, W_VILLAGE)  # two groups said zero twice, one found something once
    text = bulletin_files.markdown(village)
    assert "零报告 \\<5 次" in text
    assert "数字过小" in text
    assert all(one["n"] is None or not 1 <= one["n"] <= 4 for one in figures_of(village["blocks"]))
    town = bulletin_files.markdown(made(hub, W_TOWN))
    assert "西村" not in town  # the only village: beside the township's total its figures could be worked out
    assert "数字过小" in town
    assert "自行受理 5 件" in town  # the township's own figures are exact


# ---- files


def test_the_pdf_says_the_same_and_needs_nothing_from_outside(hub: Node) -> None:
    document = made(hub, remarks='<img src="http://example.invalid/x.png"> 见 file:///etc/passwd')
    content = bulletin_files.rendered(document, "pdf")
    text = "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())
    for block in document["blocks"]:
        if block["t"] == "p":
            assert "".join(cell_text(block["spans"]).split()) in re.sub(r"\d+/\d+(?=[一二三四五六七八九])", "", text)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """The address of a server on this machine, and the paths that it was asked for."""
    asked: list[str] = []

    class Noted(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/css")
            self.end_headers()
            self.wfile.write(LEAK)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Noted)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()


LEAK = b"p::before {content: 'leaked'}"
REFERENCES = (
    '<img src="{}1.png">', '<link rel="stylesheet" href="{}2.css">', '<style>@import "{}3.css";</style>',
    '<style>p {{background: url("{}4.png")}}</style>', '<object data="{}5.svg"></object>', '<embed src="{}6.svg">',
    '<style>p::after {{content: url("{}7.png")}}</style>',
    '<link rel="attachment" href="{}8.css">', '<style>li {{list-style-image: url("{}9.png")}}</style><ul><li>x</ul>',
    '<svg width="9" height="9"><image href="{}10.png" width="9" height="9"/></svg>',
)  # fmt: skip


def test_a_document_that_refers_to_files_and_addresses_fetches_none(
    listener: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = listener
    for name in re.findall(r"\{\}([\w.]+)", "".join(REFERENCES)):
        (tmp_path / name).write_bytes(LEAK)
    bases = (f"{tmp_path.as_uri()}/", f"{address}/")  # the last of two rules holds: its picture is asked for
    content = "".join(source.format(base) for base in bases for source in REFERENCES)
    page = f"<html><head>{content}</head><body>{content}<p>whole</p></body></html>"
    reader = PdfReader(io.BytesIO(pdf.made(page.encode())))
    text = "".join(one.extract_text() for one in reader.pages)
    assert ("whole" in text, "leaked" in text, asked, reader.attachments) == (True, False, [], {})
    # With a fetcher that fetches the same page leaks: the test can tell.
    script = "import sys, weasyprint; sys.stdout.buffer.write(weasyprint.HTML(string=sys.stdin.read()).write_pdf())"
    fetched = subprocess.run([sys.executable, "-c", script], input=page.encode(), capture_output=True, check=True)
    text = "".join(one.extract_text() for one in PdfReader(io.BytesIO(fetched.stdout)).pages)
    assert "leaked" in text
    assert {path.strip("/").partition(".")[0] for path in asked} >= {"1", "2", "3", "4", "5", "8", "10"}


@pytest.mark.parametrize("limit", ["MAX_WAIT_S", "MAX_CPU_S", "MAX_MEMORY_BYTES"])
def test_the_process_that_makes_a_pdf_is_stopped_at_its_bounds_of_time_and_memory(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = b"<p>x</p>" if limit == "MAX_MEMORY_BYTES" else b"<table>" + b"<tr><td>x</td></tr>" * 4_000
    bound = {"MAX_WAIT_S": 1, "MAX_CPU_S": 1, "MAX_MEMORY_BYTES": 64 * 1024 * 1024}[limit]
    monkeypatch.setattr(pdf, limit, bound)
    with pytest.raises(Unavailable, match="pdf_failed"):
        pdf.made(page)
    monkeypatch.undo()
    assert pdf.made(b"<p>x</p>").startswith(b"%PDF-")


def test_without_the_extra_the_message_says_what_to_install(hub: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "installed", lambda: False)
    with pytest.raises(Conflict, match="pdf_missing"):
        bulletin_files.rendered(made(hub), "pdf")
    reply = hub.browser().get(f"/bulletin/file?period={PERIOD}&format=pdf", headers=hub.user("no-pdf", "admin"))
    assert reply.status_code == 409
    assert "libpango" in reply.text


def test_a_process_that_dies_or_hangs_is_told_and_the_next_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_: Any, **__: Any) -> Any:
        raise subprocess.TimeoutExpired("pdf", 1)

    with monkeypatch.context() as during:
        during.setattr(pdf.subprocess, "run", hangs)
        with pytest.raises(Unavailable, match="pdf_failed"):
            pdf.made(b"<p>x</p>")
        during.setattr(pdf.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], -9, b"", b"killed"))
        with pytest.raises(Unavailable, match="killed"):
            pdf.made(b"<p>x</p>")
    with pytest.raises(TooLarge):
        pdf.made(b"x" * (pdf.MAX_HTML_BYTES + 1))
    assert pdf.made(b"<p>x</p>").startswith(b"%PDF-")


# ---- issuing


@pytest.fixture
def fresh() -> Node:
    """A hub of its own, so that numbers begin at 1."""
    hub = City().hub
    worker = Caseworker(hub, "west", "mediator", W_TOWN)
    worker.act(worker.register(date="2026-11-05"), "accept", date="2026-11-05")
    return hub


def seen(node: Node, corrects: str | None = None) -> str:
    return bulletin.digest(issuing.prepared(node.replica, CITY, PERIOD, corrects, "zh_CN"))


def issued(node: Node, corrects: str | None = None) -> str:
    return issuing.issue(node.replica, BOSS, CITY, PERIOD, corrects, seen(node, corrects), "zh_CN")


def files(node: Node, event: str) -> list[bytes]:
    return [issuing.issued_file(node.replica, event, kind) for kind in bulletin_files.FORMATS]


def test_what_changed_since_it_was_shown_is_not_issued(fresh: Node) -> None:
    before = seen(fresh)
    issuing.write_draft(fresh.replica, BOSS, CITY, PERIOD, None, 1, "另有说明")
    with pytest.raises(Conflict, match="bulletin_changed"):
        issuing.issue(fresh.replica, BOSS, CITY, PERIOD, None, before, "zh_CN")
    assert fresh.count("bulletin") == 0


def test_a_number_is_given_once_a_year(fresh: Node) -> None:
    issued(fresh)
    assert issuing.prepared(fresh.replica, CITY, PERIOD, None, "zh_CN")["no"] == 2
    issuing.write_draft(fresh.replica, BOSS, CITY, PERIOD, None, 1, "")
    with pytest.raises(Conflict, match="bulletin_no_taken"):
        issued(fresh)


def test_a_correction_is_of_the_same_unit_and_period(fresh: Node) -> None:
    event = issued(fresh)
    with pytest.raises(Invalid, match="bulletin_of_another"):
        issuing.prepared(fresh.replica, CITY, "2026-10", event, "zh_CN")
    with pytest.raises(NotFound, match="unknown_bulletin"):
        issuing.prepared(fresh.replica, CITY, PERIOD, "x" * 43, "zh_CN")


def test_an_issued_bulletin_is_the_same_to_the_byte_after_anything(fresh: Node) -> None:
    issuing.write_draft(fresh.replica, BOSS, CITY, PERIOD, None, 3, "重点排查")
    event = issued(fresh)
    before = files(fresh, event)
    worker = Caseworker(fresh, "late", "mediator", W_TOWN)
    worker.register(date="2026-11-06")
    fresh.publish({"type": "unit", "act": "rename", "unit": CITY, "date": "2026-11-01", "name": "新市"})
    kept = dump(fresh.db, DERIVED)
    rebuild(fresh.replica)
    assert dump(fresh.db, DERIVED) == kept
    fresh.db.execute("DELETE FROM bulletin_file")  # a hub that was made anew makes them again from the event
    assert files(fresh, event) == before
    one = bulletin_queries.issued(fresh.db, event)
    assert one is not None
    assert (one.no, one.year, one.by, one.issued_at) == (3, 2026, "boss", NOW_MS)
    assert one.sha256 == hashlib.sha256(before[0]).hexdigest()
    assert "重点排查" in before[0].decode()


def test_a_correction_names_the_old_one_and_both_stay(fresh: Node) -> None:
    first = issued(fresh)
    before = [issuing.issued_file(fresh.replica, first, kind) for kind in ("md", "html")]
    Caseworker(fresh, "late", "mediator", W_TOWN).register(date="2026-11-06")
    second = issued(fresh, first)
    text = issuing.issued_file(fresh.replica, second, "md").decode()
    assert "第 1 期（更正）" in text
    assert first.replace("_", r"\_") in text
    assert [issuing.issued_file(fresh.replica, first, kind) for kind in ("md", "html")] == before
    assert [one.event for one in bulletin_queries.correcting(fresh.db, first)] == [second]


def test_a_bulletin_whose_text_was_altered_is_not_served(fresh: Node) -> None:
    event = issued(fresh)
    alter(fresh, event, "part", "text", column(fresh, event, "part", "text").replace("试点市", "别的市"))
    with pytest.raises(GridError, match="unreadable"):
        issuing.issued_file(fresh.replica, event, "md")


def test_issuing_stands_in_the_audit_log(fresh: Node) -> None:
    event = issued(fresh)
    rows = fresh.db.execute("SELECT unit, subject, purpose FROM audit WHERE act = 'bulletin_issued'").fetchall()
    assert rows == [(CITY, event, "2026-11 no. 1")]


# ---- pages


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page[:400]
    return found[1]


def signed_in(node: Node) -> FlaskClient:
    from node.people import accounts

    accounts.add(node.replica, "analyst", "analyst", None)
    browser = node.browser()
    browser.set_cookie("grid_session", accounts.open_session(node.replica, "analyst"))
    return browser


def test_from_remarks_over_the_preview_to_the_issued_bulletin(fresh: Node) -> None:
    browser = signed_in(fresh)
    page = browser.get(f"/bulletin?period={PERIOD}").text
    assert "还没有签发过通报" in page
    form = {"csrf_token": hidden(page, "csrf_token"), "unit": CITY, "period": PERIOD}
    assert browser.post("/bulletin/draft", data={**form, "no": "1", "remarks": "一\r\n二"}).status_code == 302
    page = browser.get(f"/bulletin?period={PERIOD}").text
    assert '<p class="ind">一</p><p class="ind">二</p>' in page
    digest = hidden(page, "digest")
    refused = browser.post("/bulletin/issue", data={**form, "digest": digest})
    assert (refused.status_code, fresh.count("bulletin")) == (422, 0)
    done = browser.post("/bulletin/issue", data={**form, "digest": digest, "confirm": "yes"})
    assert done.status_code == 302
    page = browser.get(done.headers["Location"]).text
    assert "已签发" in page
    assert "analyst" in page
    assert 'href="/rollup/records?' in page
    event = done.headers["Location"].rpartition("/")[2]
    reply = browser.get(f"/bulletin/issued/{event}/file?format=md")
    assert reply.get_data() == issuing.issued_file(fresh.replica, event, "md")
    assert event in browser.get(f"/bulletin?period={PERIOD}").text


def test_a_bad_number_keeps_what_was_written(fresh: Node) -> None:
    browser = signed_in(fresh)
    token = hidden(browser.get("/bulletin").text, "csrf_token")
    reply = browser.post(
        "/bulletin/draft",
        data={"csrf_token": token, "unit": CITY, "period": PERIOD, "no": "x", "remarks": "写了很久"},
    )
    assert reply.status_code == 422
    assert "写了很久" in reply.text
    assert fresh.count("bulletin_draft") == 0


# ---- the terminal


def test_the_command_writes_files_and_refuses_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_in(tmp_path, capsys, monkeypatch)
    assert desk.at_hub("init", "--units", desk.units).code == 0
    asked = ("bulletin", "--unit", CITY, "--period", "2026-10")
    assert_refused(desk.at_hub("bulletin", "--unit", "429999000000", "--period", "2026-10"))
    assert_refused(desk.at_hub("bulletin", "--unit", CITY, "--period", "2026-1"))
    assert_refused(desk.at_hub(*asked, "--format", "pdf"))
    assert_refused(desk.at_hub(*asked, "--remarks", tmp_path / "none"))
    assert_refused(desk.at_hub(*asked, "-o", tmp_path / "no" / "folder.md"))
    said = desk.at_hub(*asked)
    assert said.code == 0
    assert said.out.startswith("# 矛盾纠纷多元化解工作情况通报\n")
    target = tmp_path / "b.html"
    assert desk.at_hub(*asked, "--format", "html", "-o", target).code == 0
    assert "<svg" in target.read_text("utf-8") or "未受理" in target.read_text("utf-8")
