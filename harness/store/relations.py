"""The rows of views and tables, and of whatever SQL a user writes. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, Select, column, literal_column, select
from sqlalchemy import table as sql_table
from sqlalchemy.exc import DBAPIError

from harness.errors import SpecError, UnknownName
from harness.store import schema, views
from harness.store.engine import Database

if TYPE_CHECKING:
    import pandas

SQL_SECONDS = 600.0  # that a user's query may take
MOST_ROWS = 1_000_000  # that it may answer with: they are held in memory
_ONLY_QUERIES = "SQL: only queries are answered, nothing is changed"


@dataclass(frozen=True)
class Rows:
    """What a query found."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        """Each row by its columns' names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    @classmethod
    def of(cls, found: CursorResult[Any], rows: Iterable[Sequence[Any]]) -> Rows:
        """Rows of what a statement found."""
        return cls(tuple(found.keys()), tuple(tuple(row) for row in rows))


def rows(db: Database, name: str, /, **filters: Any) -> Rows:
    """The rows of a view or table with those values.

    filters: column=value, column=[values], column=None, or column=a query like `read.models_of`.
    """
    query: Select[Any] = select(literal_column("*")).select_from(sql_table(name))
    for key, value in filters.items():
        wanted: Any = column(key)
        several = isinstance(value, Collection | Select) and not isinstance(value, str)
        # `=` and IS NULL: PostgreSQL finds nothing by an index that IS NOT DISTINCT FROM asks for.
        query = query.where(wanted.in_(value) if several else wanted == value)
    with db.reading() as connection:
        found = connection.execute(query)
        return Rows.of(found, found)


def named(db: Database, name: str) -> Rows:
    """All rows of the view or table that a user names; raises UnknownName if there is none."""
    known = {*views.VIEWS, *schema.Base.metadata.tables}
    if name not in known:
        raise UnknownName("view or table", name, known)
    return rows(db, name)


def frame(db: Database, name: str, /, **filters: Any) -> pandas.DataFrame:
    """`rows` as a data frame."""
    import pandas

    found = rows(db, name, **filters)
    return pandas.DataFrame.from_records(found.rows, columns=list(found.columns))


def answer(db: Database, sql: str) -> Rows:
    """What a user's query finds.

    Raises:
        SpecError: it is wrong, wants to write, takes too long or finds too much.
    """
    try:
        sql.encode()
    except UnicodeEncodeError:  # bytes of a command that were no text stand in it as what is no letter
        raise SpecError("SQL: the query is not text in UTF-8") from None
    with db.reading() as connection, _sql_errors(db), db.dialect.only_questions(connection, SQL_SECONDS):
        # As written: neither `:name` nor `%` is a parameter.
        found = connection.execution_options(no_parameters=True).exec_driver_sql(sql.strip())
        if not found.returns_rows:
            raise SpecError(_ONLY_QUERIES)
        answers = found.fetchmany(MOST_ROWS + 1)
        if len(answers) > MOST_ROWS:  # they are held in memory
            raise SpecError(f"SQL: more than {MOST_ROWS:,} rows; ask for less, for instance with LIMIT")
        return Rows.of(found, answers)


@contextmanager
def _sql_errors(db: Database) -> Iterator[None]:
    """Mistakes in a user's SQL leave as SpecError; trouble with the database itself as it is."""
    try:
        yield
    except DBAPIError as error:
        if db.dialect.refused_to_write(error.orig):
            raise SpecError(_ONLY_QUERIES) from error
        if db.dialect.took_too_long(error.orig):
            raise SpecError(f"SQL: stopped after {SQL_SECONDS:g} seconds; ask for less") from error
        if db.dialect.sentence(error.orig) is not None:
            raise
        raise SpecError(f"SQL: {str(error.orig).strip().splitlines()[0]}") from error
