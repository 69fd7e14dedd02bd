"""What the database says of its own views and columns: as this program made them, or damaged."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from harness.store import schema, views

_VIEWS = "SELECT name, CAST(sql AS BLOB) FROM sqlite_master WHERE type = 'view'"
_COLUMNS = (
    "SELECT CAST(t.name AS BLOB), CAST(c.name AS BLOB) FROM sqlite_master t, pragma_table_info(t.name) c"
    " WHERE t.type = 'table'"
)


def altered(connection: Connection) -> Iterator[str]:
    """What is not as this program made it, each in a line; nothing of a server, which looks after its own.

    SQLite takes a name in other letter case for the same, so it would show a column under a name that nobody gave it.
    """
    if connection.dialect.name != "sqlite":
        return
    if dict(connection.exec_driver_sql(_VIEWS).all()) != {name: views.statement(name).encode() for name in views.VIEWS}:
        yield "a view is not as this program made it"
    there = set(connection.exec_driver_sql(_COLUMNS).all())
    for table in schema.Base.metadata.sorted_tables:
        for column in table.columns:
            if (table.name.encode(), column.name.encode()) not in there:
                yield f"column {column.name} of table {table.name} is missing or has another name"
