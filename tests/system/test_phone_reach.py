"""The phone's page for everybody: plain http, a wrong clock, a file instead of a network, small screens, no script."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from live import today
from phones import LAN, WAIT_S, Field

pytestmark = [pytest.mark.system, pytest.mark.browser]
FIRST_LOAD_BYTES: Final = 60 * 1024
TARGET_PX: Final = 44
HOUR_MS: Final = 3_600_000
PUBLIC: Final = (
    "SELECT p.text FROM event e JOIN part p ON p.event = e.n AND p.name = 'pub' WHERE e.kind = 'chk' AND e.unit = ?"
)


def test_on_plain_http_the_page_saves_while_it_is_open_says_so_and_sends_when_the_node_is_back(field: Field) -> None:
    unit, day = field.group(), str(today())
    yesterday = str(today() - timedelta(days=1))
    with field.phone(unit, LAN) as phone:
        secure = phone.page.evaluate("[isSecureContext, 'serviceWorker' in navigator, 'randomUUID' in crypto]")
        assert secure == [False, False, False]
        assert "此网址没有加密，断网后不要关掉或刷新本页" in phone.page.inner_text("#phone")
        phone.network.down = True
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=待传 1 条")
        phone.page.click(f"#zero-{yesterday}")
        phone.found("text=又发现情况")
        phone.page.wait_for_selector("text=连不上节点，3 条待传")
        phone.close()  # closed all the same: what was kept is still there when the page can be opened again
        phone.network.down = False
        phone.open()
        phone.all_sent()
        field.arrives(unit, [(day, "zero"), (yesterday, "zero"), (day, "found")])
        assert phone.problems == []


def test_two_pages_of_one_phone_send_each_entry_once_on_plain_http_too(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit, LAN) as phone:
        phone.network.down = True
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=待传 1 条")
        phone.network.down = False
        phone.network.gate.clear()
        second = phone.context.new_page()
        second.goto(phone.url("/today"))
        phone.page.evaluate("document.getElementById('send')?.click()")
        assert phone.network.waiting_at_gate.wait(WAIT_S)
        second.wait_for_selector("#phone")
        phone.network.gate.set()
        phone.all_sent()
        field.arrives(unit, [(day, "zero")])


@pytest.mark.parametrize("hours", [-26, 26])
def test_a_phone_with_a_wrong_clock_reports_for_the_right_day_and_is_told(field: Field, hours: int) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        wrong = phone.page.evaluate("Date.now()") + hours * HOUR_MS
        phone.context.clock.install(time=wrong / 1000)
        phone.open()
        phone.page.wait_for_selector(f"text=手机时间{'快' if hours > 0 else '慢'}了约")
        assert f"{today().month}月{today().day}日" in phone.page.inner_text("#t-today")
        phone.page.click("#zero")
        phone.all_sent()
        field.arrives(unit, [(day, "zero")])
        ((text,),) = field.node.rows(PUBLIC, unit)
        assert abs(json.loads(text)["clock_offset_s"] + hours * 3600) < 60


def test_what_waits_is_carried_in_a_file_and_sending_it_later_doubles_nothing(field: Field, tmp_path: Path) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        phone.ready_offline()
        phone.network.down = True
        phone.page.click("#zero")
        phone.page.wait_for_selector("text=待传 1 条")
        phone.found("text=又发现情况")
        with phone.page.expect_download() as download:
            phone.page.click("#export")
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)

        with field.phone(field.group(), role="admin") as desk:  # may not: another unit's
            desk.page.goto(desk.url("/today/take-in"))
            desk.page.set_input_files("[name=file]", file)
            desk.page.click("text=收下 >> nth=-1")
            desk.page.wait_for_selector("text=没收 2 条")
        assert field.checks(unit) == []
        clerk = field.node.pages()
        token = re.search(r'name="csrf_token" value="([^"]+)"', clerk.get(f"{field.node.url}/today/take-in").text)
        assert token is not None
        with file.open("rb") as content:
            done = clerk.post(
                f"{field.node.url}/today/take-in", {"csrf_token": token[1]}, files={"file": content}, timeout=WAIT_S
            )
        assert "收下 2 条，早已有 0 条，没收 0 条" in done.text
        phone.network.down = False
        phone.page.click("#send")
        phone.all_sent()
        field.arrives(unit, [(day, "zero"), (day, "found")])


TAPPED: Final = "button, a[href], summary, select, input:not([type=hidden]), textarea"
SIZES: Final = """(tapped) => [...document.querySelectorAll(tapped)]
  .map((one) => (one.type === "radio" ? one.nextElementSibling : one))
  .filter((one) => one.getClientRects().length && !one.closest(".alert") && !one.classList.contains("skip"))
  .map((one) => [one.innerText || one.name, one.getBoundingClientRect().width, one.getBoundingClientRect().height])"""
NAMELESS: Final = """(tapped) => [...document.querySelectorAll(tapped)].filter((one) => {
    const labels = [...(one.labels ?? [])].map((label) => label.textContent).join("");
    return !(one.textContent + (one.getAttribute("aria-label") ?? "") + labels).trim();
  }).map((one) => one.outerHTML.slice(0, 120))"""


def test_every_target_is_large_named_and_on_the_screen_at_320_px_and_with_large_text(field: Field) -> None:
    unit = field.group()
    with field.phone(unit) as phone:
        for path in ("/today", f"/today/case?unit={unit}&date={today()}"):
            for width, size in ((320, "100%"), (320, "200%"), (360, "100%")):
                phone.page.set_viewport_size({"width": width, "height": 740})
                phone.open(path)
                sheet = f"const one = new CSSStyleSheet(); one.replaceSync('html {{font-size:{size}}}');"
                phone.page.evaluate(f"{sheet} document.adoptedStyleSheets = [one]")
                small = [one for one in phone.page.evaluate(SIZES, TAPPED) if min(one[1:]) < TARGET_PX]
                assert small == [], (path, width, size)
                wide = phone.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path, width, size)
                assert phone.page.evaluate(NAMELESS, TAPPED) == [], path


def test_the_page_works_by_keyboard_alone_and_says_what_happened(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        phone.network.down = True
        page = phone.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        for _ in range(30):
            if page.evaluate("document.activeElement.id") == "zero":
                break
            page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert (page.evaluate("document.activeElement.id"), outline) == ("zero", "solid")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=待传 1 条")
        assert "已存本机" in page.inner_text("[role=status].vh")
        page.locator("a[href^='/today/case']").first.focus()
        href = page.evaluate("document.activeElement.getAttribute('href')")
        page.evaluate("dispatchEvent(new Event('popstate'))")  # the page may be drawn anew at any time
        page.wait_for_timeout(300)
        assert page.evaluate("document.activeElement.getAttribute('href')") == href
        page.keyboard.press("Enter")
        page.wait_for_selector("#case")
        assert page.evaluate("document.activeElement.tagName") == "H1"
        page.focus("[name=category] >> nth=0")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        assert page.is_checked("[name=category][value='dispute.02']")
        page.focus("[name=place]")
        page.keyboard.type("晒谷场")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=待传 2 条")
        phone.network.down = False
        page.click("#send")
        phone.all_sent()
        field.arrives(unit, [(day, "zero"), (day, "found")])


def test_without_a_script_the_same_page_reports_and_offers_to_refresh(field: Field) -> None:
    unit, day = field.group(), str(today())
    with field.phone(unit) as phone:
        plain = field.without_script(phone)
        page = plain.pages[0]
        page.goto(phone.url("/today"))
        page.click("text=今日无事")
        page.wait_for_selector("text=零报告")
        assert page.is_visible("text=刷新")
        page.click("text=又发现情况")
        page.click(".tiles--pic >> text=物业")
        page.click("text=保存并上报")
        page.wait_for_selector("text=发现 1 件")
        plain.close()
        field.arrives(unit, [(day, "zero"), (day, "found")])


def test_the_first_load_is_under_60_kb_and_asks_nobody_else(field: Field) -> None:
    unit = field.group()
    with field.phone(unit) as phone:
        phone.ready_offline()
        asked = phone.page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        assert {urlsplit(address).netloc for address in asked} == {urlsplit(phone.url()).netloc}
    session = field.node.pages()
    worker = session.get(f"{field.node.url}/sw.js").text
    kept = re.search(r"const KEPT = (\[.*?\]);", worker)
    assert kept is not None
    chinese = [path for path in json.loads(kept[1]) if "/shell/en" not in path and "words-en" not in path]
    paths = [f"/today?unit={unit}", "/sw.js", "/static/manifest.webmanifest", "/static/tokens.css", "/static/app.css"]
    loaded = {path: len(gzip.compress(session.get(field.node.url + path).content)) for path in (*paths, *chinese)}
    assert len(loaded) > 20
    assert sum(loaded.values()) < FIRST_LOAD_BYTES, loaded
