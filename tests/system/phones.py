"""A worker's phone and the bad network in front of the node, for browser tests.

Debian's Chromium, driven by Playwright; its profile stays on the disk, so that a restart is a restart. The network is a
small proxy on a port of its own: it can be gone, answer for the node, or lose a reply after the node has acted.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from fakes import CITY, E_TOWN, E_VILLAGE, EAST
from live import Live, Nodes, wait_for
from playwright.sync_api import BrowserContext, Error, Page, Playwright

ARGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--host-resolver-rules=MAP grid.lan 127.0.0.1",
)  # fmt: skip
LAN: Final = "grid.lan"
PASSWORD: Final = "grid-password"
WAIT_S: Final = 120  # a busy machine is slow and not wrong
WAIT_MS: Final = WAIT_S * 1000
LEASE_S: Final = 25  # of send.js: on plain http a page that dies while it sends holds the next one up so long
GROUPS: Final = tuple(f"{E_VILLAGE}{number:03d}" for number in range(1, 41))
Answer = tuple[int, str, str]  # status, content type, body
DROP: Final = "drop"
OF_THE_HOP: Final = ("content-length", "connection", "transfer-encoding", "date", "server")


def city_of_many_groups() -> str:
    """One county, town and village with forty groups: every test takes its own."""
    rows = [f"{CITY},试点市,city,", f"{EAST},东县,county,{CITY}", f"{E_TOWN},东镇,township,{EAST}"]
    rows += [f"{E_VILLAGE},东村,village,{E_TOWN}"]
    rows += [f"{group},东村{number}组,group,{E_VILLAGE}" for number, group in enumerate(GROUPS, 1)]
    return "\n".join(["code,name,level,parent_code", *rows]) + "\n"


class Network:
    """What stands between the phone and the node. `down`: nobody answers. `answers`: (method, path) → what the node is
    made to say, DROP to let it act and lose its reply, None to leave it alone. `renamed`: (as the phone sees it, as the
    node has it): a version of the page under another name. `gate`: cleared, it holds every POST back until set again,
    and `waiting_at_gate` is set once one is held.
    """

    def __init__(self, node: Live) -> None:
        self.node_port = node.port
        self.down = False
        self.answers: Callable[[str, str], Answer | str | None] = lambda method, path: None
        self.renamed: tuple[str, str] | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.posts: list[str] = []
        self.waiting_at_gate = threading.Event()
        handler = type("Handler", (_Handler,), {"network": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, host: str = "127.0.0.1") -> str:
        """Where the phone finds the node."""
        return f"http://{host}:{self.port}"

    def hold(self, path: str) -> None:
        """Notes a POST, and holds it back while the gate is shut."""
        self.posts.append(path)
        if not self.gate.is_set():
            self.waiting_at_gate.set()
        self.gate.wait()

    def shown(self, content: bytes) -> bytes:
        """A body as the phone sees it."""
        return content if self.renamed is None else content.replace(self.renamed[1].encode(), self.renamed[0].encode())

    def held(self, path: str) -> str:
        """A path as the node has it."""
        return path if self.renamed is None else path.replace(*self.renamed)

    def close(self) -> None:
        """No thread and no port is left."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    """One request through the network; `network` is set by the class made for it."""

    protocol_version = "HTTP/1.1"
    network: Network

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """A page, or a question."""
        self._serve()

    def do_POST(self) -> None:
        """A form, or an entry."""
        self._serve()

    def _serve(self) -> None:
        self.close_connection = True
        if self.network.down:
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if self.command == "POST":
            self.network.hold(path)
        told = self.network.answers(self.command, path)
        if isinstance(told, tuple):
            self._reply(told[0], [("Content-Type", told[1])], told[2].encode())
            return
        status, headers, content = self._ask(body)
        if told != DROP:
            self._reply(status, headers, self.network.shown(content))

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        asked = http.client.HTTPConnection("127.0.0.1", self.network.node_port, timeout=WAIT_S)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            asked.request(self.command, self.network.held(self.path), body or None, headers)
            reply = asked.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            asked.close()

    def _reply(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the page was reloaded meanwhile
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in OF_THE_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)


class Phone:
    """One phone: a profile on the disk, a browser that can be closed and opened again."""

    def __init__(self, playwright: Playwright, folder: Path, network: Network, host: str = "127.0.0.1") -> None:
        self._playwright, self.folder, self.network, self._host = playwright, folder, network, host
        self._context: BrowserContext | None = None
        self.problems: list[str] = []

    @property
    def context(self) -> BrowserContext:
        """The open browser."""
        if self._context is None:
            self._context = self._playwright.chromium.launch_persistent_context(
                self.folder, executable_path=chromium(), args=list(ARGS), locale="zh-CN",
                viewport={"width": 360, "height": 740}, timezone_id="America/New_York", timeout=WAIT_MS,
            )  # fmt: skip
            self._context.set_default_timeout(WAIT_MS)
            self._context.on("weberror", lambda error: self.problems.append(str(error.error)))
        return self._context

    @property
    def page(self) -> Page:
        """Its one page."""
        return self.context.pages[0] if self.context.pages else self.context.new_page()

    def close(self) -> None:
        """The browser ends; what it keeps stays on the disk."""
        if self._context is not None:
            self._context.close()
            self._context = None

    def url(self, path: str = "") -> str:
        """A page of the node as this phone names it."""
        return self.network.url(self._host) + path

    def open(self, path: str = "/today") -> None:
        """Opens a page and waits until it shows what it knows."""
        self.page.goto(self.url(path))
        self.page.wait_for_selector("body[data-ready]")

    def sign_in(self, name: str, secret: str = PASSWORD) -> None:
        """By the form; with a one-time code a password is chosen too."""
        page = self.page
        page.goto(self.url("/sign-in?next=/today"))
        page.fill("[name=name]", name)
        page.fill("[name=secret]", secret)
        page.click("main form:has([name=secret]) button")
        page.wait_for_load_state()
        if "/set-password" in page.url:
            page.fill("[name=password]", PASSWORD)
            page.fill("[name=again]", PASSWORD)
            page.click("main form:has([name=again]) button")
        page.wait_for_selector("body[data-ready]")

    def ready_offline(self) -> None:
        """Waits until the service worker holds the page."""
        self.until("navigator.serviceWorker.controller !== null")

    def until(self, script: str) -> None:
        """Waits until a script gives true, through reloads too. The page's policy forbids Playwright's own way."""

        def holds() -> bool:
            with contextlib.suppress(Error):  # the page is just being replaced by another
                return bool(self.page.evaluate(script))
            return False

        wait_for(holds, WAIT_S, lambda: f"never true: {script}")

    def shows_version(self, version: str) -> None:
        """Waits until the page of one version stands there."""
        self.until(f"JSON.parse(document.getElementById('phone-kit').textContent).version === '{version}'")
        self.page.wait_for_selector("body[data-ready]")

    def found(self, path: str, word: str = "邻里", narrative: str = "排水沟") -> None:
        """Fills in what was found, and saves."""
        self.page.click(path)
        self.page.click(f".tiles--pic >> text={word}")
        self.page.fill("[name=narrative]", narrative)
        self.page.click("text=保存并上报")
        self.page.wait_for_selector("#t-today")

    def waiting(self) -> int:
        """How many entries stand in the outbox."""
        return len(self.stored("outbox"))

    def stored(self, name: str) -> list[dict[str, Any]]:
        """All rows of one of the phone's stores."""
        script = """(name) => new Promise((resolve, reject) => {
            const open = indexedDB.open("grid");
            open.onerror = () => reject(open.error);
            open.onsuccess = () => {
              const rows = open.result.transaction(name).objectStore(name).getAll();
              rows.onsuccess = () => { open.result.close(); resolve(rows.result); };
            };
          })"""
        rows: list[dict[str, Any]] = self.page.evaluate(script, name)
        return rows

    def all_sent(self) -> None:
        """Waits until nothing waits."""
        wait_for(lambda: self.waiting() == 0, LEASE_S + WAIT_S, lambda: self.stored("outbox"))


class Field:
    """A hub and a county's node that serves forty groups, a network and phones; each test takes a group of its own."""

    def __init__(self, playwright: Playwright, folder: Path) -> None:
        self._playwright, self._folder = playwright, folder
        self._groups = iter(GROUPS)
        self._nodes = Nodes(folder)
        units = folder / "many.csv"
        units.write_text(city_of_many_groups(), "utf-8")
        self.hub = self._nodes.hub(units)
        self.node = self._nodes.below(self.hub, EAST)

    def group(self) -> str:
        """A group that nobody has reported for."""
        return next(self._groups)

    def user(self, name: str, unit: str, role: str = "worker") -> str:
        """A new account's one-time code."""
        return self.node.command("user", "add", name, "--role", role, "--unit", unit).stdout.strip()

    @contextmanager
    def phone(self, unit: str, host: str = "127.0.0.1", role: str = "worker") -> Iterator[Phone]:
        """A phone whose worker is signed in."""
        network = Network(self.node)
        phone = Phone(self._playwright, self._folder / f"phone-{unit}", network, host)
        try:
            phone.sign_in(f"w{unit}", self.user(f"w{unit}", unit, role))
            yield phone
        finally:
            phone.close()
            network.close()

    def without_script(self, phone: Phone) -> BrowserContext:
        """A second browser with the phone's cookies, in which no script runs."""
        made = self._playwright.chromium.launch_persistent_context(
            f"{phone.folder}-plain", executable_path=chromium(), args=list(ARGS), locale="zh-CN",
            viewport={"width": 360, "height": 740}, java_script_enabled=False, timeout=WAIT_MS,
        )  # fmt: skip
        made.set_default_timeout(WAIT_MS)
        made.add_cookies(phone.context.cookies())  # type: ignore[arg-type]
        return made

    def checks(self, unit: str, at: Live | None = None) -> list[tuple[str, str]]:
        """(day, result) of every report of a unit that a node holds, in the order in which they were taken in."""
        rows = (at or self.node).rows(
            "SELECT r.day, r.result FROM check_report r JOIN event e ON e.hash = r.event WHERE r.unit = ? ORDER BY e.n",
            unit,
        )
        return [(str(day), str(result)) for day, result in rows]

    def arrives(self, unit: str, expected: list[tuple[str, str]]) -> None:
        """Waits until node and hub hold exactly these reports."""
        for at in (self.node, self.hub):
            wait_for(partial(self._holds, at, unit, expected), WAIT_S, partial(self.checks, unit, at))

    def _holds(self, at: Live, unit: str, expected: list[tuple[str, str]]) -> bool:
        return self.checks(unit, at) == expected

    def close(self) -> None:
        """Ends the nodes."""
        self._nodes.close()


def chromium() -> str:
    """Debian's Chromium. Raises AssertionError with the line that installs it: these tests are never skipped."""
    path = shutil.which("chromium")
    assert path, "browser tests need chromium: apt-get install -y chromium fonts-noto-cjk"
    return path
