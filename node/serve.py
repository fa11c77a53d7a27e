"""`serve`: gunicorn with one worker, and the sync loop as a thread beside it."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication

from node.console.terminal import progress
from node.evidence import audit
from node.folder import CONFIG, SERVE_LOCK, locked
from node.grid import Grid
from node.home import Home
from node.keeping.unprojected import project_again
from node.keeping.upkeep import Upkeep
from node.listening import require_certificate, require_free
from schemas.errors import Conflict
from sync.loop import run_forever

THREADS: Final = 8
REQUEST_LINE: Final = 8_190  # bytes; the most that gunicorn takes: what is longer it refuses before we can say why
LOCK_WAIT_S: Final = 5.0
LOCK_POLL_S: Final = 0.2
GRACEFUL_S: Final = 30  # then gunicorn kills the worker, and the write-ahead log would stay behind
STOP_WAIT_S: Final = 5.0
ACCESS_LOG: Final = '%(t)s %(h)s "%(r)s" %(s)s %(b)s %(M)sms'


class Bell:
    """A bell for the loop's thread; ringing it before the loop runs is remembered."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        """True when it was rung before the time was up."""
        return self._event.wait(timeout_s)

    def clear(self) -> None:
        """Forgets earlier rings."""
        self._event.clear()

    def ring(self) -> None:
        """Wakes whoever waits."""
        self._event.set()


class LoopThread:
    """The sync loop of a node that has a parent; does nothing at the city."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stop = threading.Event()
        self.bell = Bell()
        self._thread = threading.Thread(target=self._run, name="sync-loop", daemon=True)
        self.has_parent = home.config.parent is not None

    def start(self) -> None:
        """Starts the thread, in the worker process."""
        if self.has_parent:
            self._thread.start()

    def stop(self) -> None:
        """Lets the exchange under way end, if it soon does; one that is cut short is made good by the next."""
        self._stop.set()
        self.bell.ring()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)

    def wake(self) -> bool:
        """Rings; False where there is no parent to call."""
        if self.has_parent:
            self.bell.ring()
        return self.has_parent

    def _run(self) -> None:
        """Exchanges until it is stopped. What nobody foresaw is told and tried again: had the thread ended, the node
        would go on taking work and send none of it.
        """
        home = self._home
        client = home.client()
        assert client is not None
        pace = home.config.pace
        while not self._stop.is_set():
            try:
                run_forever(client, pace, self.bell, home.sync_turn, self._stop.is_set, home.env.uniform)
            except Exception:  # noqa: BLE001
                traceback.print_exc()
                self._stop.wait(pace.interval_s)
        home.close()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, make_app: Callable[[Grid], Flask], home: Home, options: dict[str, Any]) -> None:
        self._make_app = make_app
        self._home = home
        self._options = options
        self._loop: LoopThread | None = None
        self._upkeep = Upkeep(home, progress)
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)
        self.cfg.set("post_worker_init", self._started)
        self.cfg.set("worker_exit", self._stopped)

    def load(self) -> Flask:
        self._loop = LoopThread(self._home)
        home = self._home
        grid = Grid(
            home.replica, home.secret, self._loop.wake, home.config.pace, home.config.address, home.ca_files,
            home.make_room,
        )  # fmt: skip
        return self._make_app(grid)

    def _started(self, _worker: object) -> None:
        assert self._loop is not None
        self._loop.start()
        self._upkeep.start()

    def _stopped(self, _server: object, _worker: object) -> None:
        if self._loop is not None:
            self._loop.stop()
        self._upkeep.stop()
        self._home.close_all()


def serve(
    home: Home,
    make_app: Callable[[Grid], Flask],
    announce: Callable[[str], None],
    bind: str | None = None,
    certfile: str | None = None,
    keyfile: str | None = None,
) -> None:
    """Serves until SIGTERM. Raises Conflict when the folder is served already or the port is taken, Invalid for an
    address or a certificate that can't be used.
    """
    require_certificate(certfile, keyfile)
    options: dict[str, Any] = {
        "bind": bind or home.config.bind,
        "worker_class": "gthread",
        "workers": 1,
        "threads": THREADS,
        "control_socket_disable": True,
        "accesslog": "-",
        "errorlog": "-",
        "loglevel": "warning",
        "access_log_format": ACCESS_LOG,
        "graceful_timeout": GRACEFUL_S,
        "keepalive": 15,
        "limit_request_line": REQUEST_LINE,
        "proc_name": f"grid {home.folder.name}",
    }
    if certfile is not None:
        options |= {"certfile": certfile, "keyfile": keyfile}
    with _held(home):
        require_free(options["bind"])
        project_again(home.replica())  # what an older version of this program could not read
        audit.note_settings(home.replica(), hashlib.sha256((home.folder / CONFIG).read_bytes()).hexdigest())
        home.close()  # opened again in the worker: a connection must not cross the fork
        announce(options["bind"])
        sys.stdout.flush()
        _Server(make_app, home, options).run()


@contextmanager
def _held(home: Home) -> Iterator[None]:
    """The serve lock; a predecessor that is just dying gets a few seconds."""
    deadline = time.monotonic() + LOCK_WAIT_S
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(locked(home.folder / SERVE_LOCK, wait=False))
                break
            except Conflict as error:
                if time.monotonic() > deadline:
                    raise Conflict("served_already", field="--data", value=home.folder) from error
                time.sleep(LOCK_POLL_S)
        yield
