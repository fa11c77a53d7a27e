"""Makes the pictures of the phone's page anew: `.venv/bin/python tests/system/phone_screens.py [FOLDER]`.

Three views, at 360 and 1280 px, light and dark, Chinese and English, into docs/screens; and the icons of the installed
page. Everything on them is generated.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # started as a file
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from live import today
from phones import Field, Phone, chromium
from playwright.sync_api import Playwright, sync_playwright

ROOT: Final = Path(__file__).resolve().parents[2]
SCREENS: Final = ROOT / "docs" / "screens"
STATIC: Final = ROOT / "node" / "static"
WIDTHS: Final = {360: 740, 1280: 800}
ICONS: Final = (192, 512)
MARK_PART: Final = 0.5  # of the icon's width: what a round mask leaves


def pictures(phone: Phone, name: str, folder: Path) -> None:
    """One view in every width, scheme and language, out of the phone itself."""
    path = phone.page.url.removeprefix(phone.url())
    for lang, short in (("zh_CN", "zh"), ("en", "en")):
        phone.network.down = False
        phone.page.goto(phone.url(f"/language/{lang}?next=/today"))
        phone.page.wait_for_selector(f"html[lang={'zh-CN' if short == 'zh' else 'en'}] body[data-ready]")
        phone.network.down = name != "phone-done"
        for scheme in ("light", "dark"):
            phone.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width, height in WIDTHS.items():
                phone.page.set_viewport_size({"width": width, "height": height})
                phone.open(path)
                phone.page.wait_for_timeout(700)  # the first round of sending is over, and says how it went
                dark = "-dark" if scheme == "dark" else ""
                phone.page.screenshot(path=folder / f"{name}-{short}-{width}{dark}.png", full_page=width == 360)


def views(field: Field, folder: Path) -> None:
    """A day that is not yet reported with two entries waiting, the form, and a day that has reached the city."""
    unit, day = field.group(), today()
    for back in range(2, 8):
        field.node.check(unit, day - timedelta(days=back), f"{unit}-{back}", "found" if back == 5 else "zero")
    with field.phone(unit) as phone:
        phone.ready_offline()
        held = ('{"status":503,"code":"busy","detail":"","field":null}',)
        phone.network.answers = lambda method, path: (
            (503, "application/problem+json", held[0]) if path == "/api/v1/entries" else None
        )
        phone.page.click(f"#zero-{day - timedelta(days=1)}")
        phone.page.wait_for_selector("#t-out")
        pictures(phone, "phone", folder)
        phone.page.goto(phone.url(f"/today/case?unit={unit}&date={day}"))
        pictures(phone, "phone-case", folder)
        phone.network.down = False
        phone.network.answers = lambda method, path: None
        phone.open()
        phone.page.click("#zero")
        phone.all_sent()
        field.arrives(unit, field.checks(unit))
        phone.page.wait_for_selector("#phone section:first-of-type .path li:nth-child(5).is-done")
        pictures(phone, "phone-done", folder)


def icons(playwright: Playwright, folder: Path) -> None:
    """The mark on white, small enough for a round mask."""
    browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
    for size in ICONS:
        page = browser.new_page(viewport={"width": size, "height": size})
        part = round(size * MARK_PART)
        mark = (STATIC / "mark.svg").read_text("utf-8").replace("<svg ", f'<svg width="{part}" height="{part}" ')
        page.set_content(f'<body style="margin:0;display:grid;place-items:center;height:100vh">{mark}</body>')
        page.screenshot(path=folder / f"mark-{size}.png")
    browser.close()


def main(argv: list[str]) -> int:
    """Makes them all; 0."""
    folder = Path(argv[0]) if argv else SCREENS
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as work:
        if not argv:
            icons(playwright, STATIC)
        field = Field(playwright, Path(work))
        try:
            views(field, folder)
        finally:
            field.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
