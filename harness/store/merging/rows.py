"""Rows on their way from one database to another, where they get other numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.orm import Session

from harness.store import schema
from harness.store.batches import batches, keys_among, rows_among
from harness.store.engine.refusals import translated
from harness.store.raw import raw_columns, raw_table

Row = dict[str, Any]


def read_rows(connection: Connection, query: Any, column: Any, keys: Collection[str]) -> Iterator[Row]:
    """The rows of a select whose `column` is one of the keys, by their columns' names."""
    with translated(connection.engine.url):  # or it would look as if the database here were in trouble
        for row in rows_among(connection, query, column, keys):
            yield dict(row._mapping)


def insert_new(session: Session, table: Any, rows: Iterable[Row]) -> None:
    """Insert the rows whose key is not there yet."""
    for some in batches(rows):
        known = keys_among(session, table.key, [row["key"] for row in some])
        insert_all(session, table, (row for row in some if row["key"] not in known))


def insert_all(session: Session, table: Any, rows: Iterable[Row]) -> None:
    """Insert the rows."""
    for some in batches(rows):
        session.execute(insert(raw_table(table.__table__)), some)


def insert_row(session: Session, table: Any, row: Row) -> int:
    """Insert a row; its number."""
    written = raw_table(table.__table__)
    number: int = session.scalars(insert(written).values(row).returning(written.c.id)).one()
    return number


def update_row(session: Session, table: Any, key: str, values: Row) -> None:
    """Give the row of a key these values."""
    written = raw_table(table.__table__)
    session.execute(update(written).where(written.c.key == key).values(values))


def link_data(session: Session, there: Connection, keys: Collection[str]) -> None:
    """Say what data jobs read, as another database does."""
    split, link = schema.DataSplit, schema.JobData
    query = select(link.job_key, *raw_columns(split)).join(split, split.id == link.data_split_id)
    numbers = {
        (name, part, sha256): number
        for number, name, part, sha256 in session.execute(select(split.id, split.name, split.split, split.sha256))
    }
    linked = set(rows_among(session, select(link.job_key, link.data_split_id), link.job_key, keys))
    for row in read_rows(there, query, link.job_key, keys):
        key, identity = row.pop("job_key"), (row["name"], row["split"], row["sha256"])
        if identity not in numbers:
            numbers[identity] = insert_row(session, split, row)
        if (key, numbers[identity]) not in linked:
            session.execute(insert(link).values(job_key=key, data_split_id=numbers[identity]))
