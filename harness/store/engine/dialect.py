"""What differs from database to database: the functions that `sqlite` and `postgresql` both have."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, Table

from harness.names import lookup
from harness.store.engine import postgresql, sqlite


class Dialect(Protocol):
    """One kind of database."""

    def engine(self, url: URL, timeout: float, *, reading: bool) -> Engine:
        """For one database; `timeout` seconds are waited for another writer. reading: it need not be written."""

    def begin(self, connection: Connection, *, writing: bool) -> None:
        """Begin a transaction: the only one that writes, or one that sees one moment and refuses to write."""

    def sentence(self, error: BaseException | None) -> str | None:
        """What the database says, for a user; None for an error that is not about the database itself."""

    def is_away(self, error: BaseException | None) -> bool:
        """Whether the database's server cannot be reached; it may be back soon."""

    def lacks_schema(self, error: BaseException | None) -> bool:
        """Whether a table or column is not there that a statement names."""

    def refused_to_write(self, error: BaseException | None) -> bool:
        """Whether a statement wanted to write where only reading is allowed."""

    def took_too_long(self, error: BaseException | None) -> bool:
        """Whether a statement was stopped because its time was over."""

    def only_questions(self, connection: Connection, seconds: float) -> AbstractContextManager[None]:
        """Nothing but one query at a time, each for so long."""

    def without_foreign_keys(self, connection: Connection) -> None:
        """Let tables be copied and replaced, as migrations do; before the transaction, and for this connection."""

    def problems(self, connection: Connection) -> list[str]:
        """What is wrong inside: damaged pages or indices, rows that point nowhere."""

    def resume_numbers(self, connection: Connection, table: Table) -> None:
        """Let a table whose rows were copied with their numbers count on after the largest."""


_DIALECTS: Mapping[str, Dialect] = {"sqlite": sqlite, "postgresql": postgresql}


def dialect_of(url: URL) -> Dialect:
    """The dialect of a database; raises UnknownName if this program has none for it."""
    return lookup(_DIALECTS, "database", url.get_backend_name())
