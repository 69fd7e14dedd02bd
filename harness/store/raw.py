"""Rows as the driver has them: numbers and text that no column type has converted.

Both databases keep those exactly (doubles to the last bit), and what is damaged may be no JSON and no time any more.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, Table, TableClause, column, type_coerce
from sqlalchemy import table as sql_table
from sqlalchemy.types import NULLTYPE

from harness.store.schema import Base


def raw(value: Any) -> Any:
    """A column as the database holds it."""
    return type_coerce(value, NULLTYPE).label(value.name)


def raw_columns(table: type[Base], *left_out: str) -> list[Any]:
    """All columns of a table but its row number."""
    source: FromClause = table.__table__
    return [raw(each) for each in source.columns if each.name not in {"id", *left_out}]


def raw_table(table: Table | FromClause) -> TableClause:
    """A table that is written and read as it is."""
    assert isinstance(table, Table)  # which is all that `__table__` is here
    return sql_table(table.name, *(column(each.name) for each in table.columns))
