"""Queries about more keys than one statement takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

MOST_KEYS = 10_000
"""In one statement: SQLite takes 32,766 variables, PostgreSQL 65,535."""


def rows_among(connection: Connection | Session, query: Any, column: Any, keys: Collection[str]) -> Iterator[Any]:
    """The rows of a select whose `column` is one of the keys, however many those are."""
    listed = list(keys)
    for start in range(0, len(listed), MOST_KEYS):
        yield from connection.execute(query.where(column.in_(listed[start : start + MOST_KEYS])))
