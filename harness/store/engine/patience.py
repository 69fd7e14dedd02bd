"""Waiting for a lock, however long somebody else has it (an analyst's open transaction, say), and for a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from harness.errors import DatabaseAway, DatabaseLocked

if TYPE_CHECKING:
    from harness.store.engine import Database

P = ParamSpec("P")
T = TypeVar("T")

LOCKED = "is locked by another process; wait for it, or end it, and run the same command again"
"""How it is said where nobody waits."""
AWAY_SECONDS = 600.0
"""How long a server that is away is waited for: a restart takes seconds, that of its machine minutes."""
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
"""Before the next attempt; twice as long after each that found the server away. One that met a lock has waited."""


def patient(work: Callable[Concatenate[Database, P], T]) -> Callable[Concatenate[Database, P], T]:
    """A function that is one transaction, begun anew until it is committed, where the database has somebody to tell.

    A transaction that met a lock, or lost its server, has been undone whole, wherever in it that was, so nothing is
    written twice. Only where the server went away while it committed, it may have been done and the answer lost:
    done again, it must find that out (`runners.claim`, `write.start`), or its caller (`Peers.recording`).
    """

    @wraps(work)
    def persistent(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> T:
        wait = _Wait(database)
        while True:
            try:
                found = work(database, *args, **kwargs)
            except (DatabaseLocked, DatabaseAway) as error:
                wait.go_on(error)
            else:
                wait.end()
                return found

    return persistent


class _Wait:
    """What a transaction waits for, and since when."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reason: type[DatabaseLocked | DatabaseAway] | None = None

    def go_on(self, error: DatabaseLocked | DatabaseAway) -> None:
        """Wait a moment; raises the error where nobody is told of it, or where the server is away for too long."""
        database, now = self._database, time.monotonic()
        if database.tell is None:
            raise error
        begins = self._reason is not type(error)
        if begins:
            self._reason, self._since, self._pause = type(error), now, PAUSE_SECONDS
        if isinstance(error, DatabaseAway):
            if now >= self._since + database.absence_seconds:
                raise error
            announcement = f"{error}: waiting until it is back, for {database.absence_seconds / 60:.0f} minutes at most"
        else:
            announcement = f"{database.title} is locked by another process: waiting until that one has ended"
        if begins:
            database.tell(announcement)
        database.meanwhile()
        time.sleep(self._pause)
        if isinstance(error, DatabaseAway):
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def end(self) -> None:
        """It is done."""
        if self._reason and self._database.tell:
            again = "is back" if self._reason is DatabaseAway else "is free again"
            self._database.tell(f"{self._database.title} {again}")
