"""The result database, open for as long as a command needs it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from harness.settings import settings

if TYPE_CHECKING:
    from harness.store.engine import Database


def opened_database() -> Database:
    """The database; raises DatabaseUnusable, also if there is none yet."""
    from harness.store.engine import open_database

    return open_database(settings().database, create=False)


def found_database() -> AbstractContextManager[Database | None]:
    """The database, None if there is none yet; raises DatabaseUnusable."""
    from harness.store.engine import find_database

    return find_database(settings().database) or nullcontext()
