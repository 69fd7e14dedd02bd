"""Rows and keys in parts: more than one statement takes, or than need be in memory at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import DeclarativeBase, Session

T = TypeVar("T")
MOST = 10_000
"""In one statement: SQLite takes 32,766 variables, PostgreSQL 65,535."""


def batches(items: Iterable[T], most: int = MOST) -> Iterator[list[T]]:
    """The items, so many at once; none of no items."""
    waiting = iter(items)
    while some := list(islice(waiting, most)):
        yield some


def rows_among(connection: Connection | Session, query: Any, column: Any, keys: Collection[str]) -> Iterator[Any]:
    """The rows of a select whose `column` is one of the keys, however many those are."""
    for some in batches(keys):
        yield from connection.execute(query.where(column.in_(some)))


def keys_among(connection: Connection | Session, column: Any, keys: Collection[str]) -> set[str]:
    """Those of the keys that the column has."""
    return {key for (key,) in rows_among(connection, select(column), column, keys)}


def insert_rows(session: Session, table: type[DeclarativeBase], rows: Iterable[dict[str, Any]]) -> None:
    """Insert many rows; a suite may have a million, so they need not all be in memory at once."""
    for some in batches(rows):
        session.execute(insert(table), some)
