"""Waiting for a lock however long somebody else has it: an analyst's open transaction, for instance."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from harness.errors import DatabaseLocked

if TYPE_CHECKING:
    from harness.store.engine import Database

P = ParamSpec("P")
T = TypeVar("T")

LOCKED = "is locked by another process; wait for it, or end it, and run the same command again"
"""How it is said where nobody waits."""
PAUSE_SECONDS = 0.1  # before the next attempt, should one fail without having waited


def patient(work: Callable[Concatenate[Database, P], T]) -> Callable[Concatenate[Database, P], T]:
    """A function that is one transaction, begun anew until it is committed, where the database has somebody to tell.

    A transaction that met a lock has been undone whole, wherever in it that was, so nothing is written twice.
    """

    @wraps(work)
    def persistent(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> T:
        waits = False
        while True:
            try:
                found = work(database, *args, **kwargs)
            except DatabaseLocked:
                if database.tell is None:
                    raise
                if not waits:
                    database.tell(f"{database.title} is locked by another process: waiting until that one has ended")
                waits = True
                database.meanwhile()
                time.sleep(PAUSE_SECONDS)
                continue
            if waits and database.tell:
                database.tell(f"{database.title} is free again")
            return found

    return persistent
