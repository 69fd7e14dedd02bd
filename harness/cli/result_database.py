"""The result database, open for as long as a command needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from harness.settings import settings

if TYPE_CHECKING:
    from harness.store.engine import Database


@contextmanager
def opened_database() -> Iterator[Database]:
    """The database; raises DatabaseUnusable, also if there is none yet."""
    from harness.store.engine import open_database

    with closing(open_database(settings().database, create=False)) as database:
        yield database


@contextmanager
def found_database() -> Iterator[Database | None]:
    """The database, None if there is none yet; raises DatabaseUnusable."""
    from harness.store.engine import find_database

    database = find_database(settings().database)
    if database is None:
        yield None
        return
    with closing(database):
        yield database
