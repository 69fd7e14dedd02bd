"""Copying a whole database to another, of either kind: every row as it is, or nothing.

Rows travel as the driver's own numbers and text, which both databases keep exactly (doubles to the last bit; SQLite has
no negative zero), so nothing is lost that no column type knows of. Both sides are read as of one moment, in batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, exists, insert, select

from harness.errors import DatabaseUnusable
from harness.store import migrations
from harness.store.engine import Database, connected, schema_version
from harness.store.engine.refusals import translated
from harness.store.engine.sqlite import remove_files
from harness.store.raw import raw_table
from harness.store.schema import Base

BATCH = 5_000
"""Rows in memory at once."""


@dataclass(frozen=True)
class Content:
    """What a table holds, however its rows are ordered."""

    rows: int = 0
    total: int = 0
    """The sum of the rows' SHA-256."""

    def with_rows(self, rows: Sequence[Sequence[Any]]) -> Content:
        """With these rows as well."""
        total = sum((int.from_bytes(hashlib.sha256(_text(row)).digest()) for row in rows), self.total)
        return Content(self.rows + len(rows), total % 2**256)

    @property
    def digest(self) -> str:
        """The first 12 of its 64 hex digits."""
        return f"{self.total:064x}"[:12]


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What a copy did; source and target were found to hold the same."""

    target: str
    """How messages call it."""
    tables: dict[str, Content]


def copy(source: Database, url: str) -> Copied:
    """Copy all rows to an empty database, in one transaction of it; others may use the source meanwhile.

    url: where to; an SQLite file is made if it is missing.

    Raises:
        DatabaseUnusable: the target holds something, cannot be written, or does not hold what was sent to it.
        StoreError: the target's kind cannot keep a value. Either way nothing was changed.
    """
    target = connected(url, create=True)
    made = target.path if target.path and not target.path.exists() else None
    try:
        with target:
            if schema_version(target) not in {None, migrations.NEWEST}:
                raise DatabaseUnusable(_not_empty(target, "older results"))
            with source.reading() as read, translated(target.engine.url), target.engine.begin() as written:
                migrations.migrate(written)
                for table in Base.metadata.sorted_tables:
                    if written.scalar(select(exists(select(1).select_from(table)))):
                        raise DatabaseUnusable(_not_empty(target, f"rows in {table.name}"))
                return Copied(target=target.title, tables=_copied(read, written, target))
    except BaseException:
        if made:
            remove_files(made)
        raise


def _not_empty(target: Database, what: str) -> str:
    return f"{target.title} is not empty, it has {what}; a copy needs a database of its own"


def _copied(read: Connection, written: Connection, target: Database) -> dict[str, Content]:
    found = {}
    for table in Base.metadata.sorted_tables:  # what others point to comes first
        sent = arrived = Content()
        for rows in _batches(read, table):
            sent = sent.with_rows(rows)
            names = table.columns.keys()
            written.execute(insert(raw_table(table)), [dict(zip(names, row, strict=True)) for row in rows])
        target.dialect.resume_numbers(written, table)
        for rows in _batches(written, table):
            arrived = arrived.with_rows(rows)
        if arrived != sent:
            raise DatabaseUnusable(
                f"{target.title} does not hold what was sent to it: {table.name} has {arrived.rows} rows"
                f" ({arrived.digest}), sent were {sent.rows} ({sent.digest})"
            )
        found[table.name] = sent
    return found


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[Sequence[Any]]]:
    with translated(connection.engine.url):  # or it would look as if the other database were in trouble
        yield from connection.execute(select(raw_table(table)), execution_options={"yield_per": BATCH}).partitions()


def _text(row: Sequence[Any]) -> bytes:
    """A row, its types, and its floats to the last bit."""
    return repr([value + 0.0 if isinstance(value, float) else value for value in row]).encode()
