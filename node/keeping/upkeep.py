"""What a serving node does for itself beside its requests: copies of its database, and a ballast for a full disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Final

from node.home import Home
from node.keeping import ballast
from node.keeping.copies import keep_up
from schemas.errors import GridError

FIRST_S: Final = 60.0  # whoever starts a node wants its pages first
EVERY_S: Final = 60.0
AFTER_FAILURE_S: Final = 3_600.0
STOP_WAIT_S: Final = 5.0


class Upkeep:
    """A thread that looks after the folder from time to time."""

    def __init__(self, home: Home, told: Callable[[str], None]) -> None:
        self._home = home
        self._told = told
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._connection: sqlite3.Connection | None = None  # of its thread

    def start(self) -> None:
        """Starts the thread, in the worker process."""
        self._thread.start()

    def stop(self) -> None:
        """Lets a copy under way end, if it soon does; else breaks it off, and what is half a copy goes again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WAIT_S)
        if self._thread.is_alive() and self._connection is not None:
            self._connection.interrupt()
            self._thread.join(STOP_WAIT_S)

    def _run(self) -> None:
        wait_s = FIRST_S
        while not self._stop.wait(wait_s):
            wait_s = EVERY_S if look_after(self._home, self._told, self._works_on) else AFTER_FAILURE_S
        self._home.close()

    def _works_on(self, connection: sqlite3.Connection) -> None:
        self._connection = connection


def look_after(
    home: Home, told: Callable[[str], None], works_on: Callable[[sqlite3.Connection], None] = lambda _: None
) -> bool:
    """One round, on a connection that `works_on` gets to know. False when something could not be done, which is told,
    and worth another try later.
    """
    try:
        works_on(home.replica().db.conn)
        ballast.take_in(home.folder, home.env.free_bytes())
        return keep_up(home)
    except (OSError, GridError, sqlite3.Error) as error:
        told(f"upkeep: {error}")
        return False
