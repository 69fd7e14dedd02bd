"""What only PostgreSQL has: its read-only transactions, its lock, its error codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine

from harness.errors import DatabaseUnusable
from harness.store.engine.patience import LOCKED

_WRITER = 0x4841524E455353
"""Number of the advisory lock that a writer holds until its transaction ends ("HARNESS" in ASCII)."""

_SENTENCES = {
    "53300": "cannot be reached: all of the server's connections are taken",
    "53": "could not grow: the server's disk or memory is exhausted",
    "25006": "cannot be written: the server or the connection is read-only",
    "55P03": LOCKED,
    "57014": "stopped a statement: its time limit (statement_timeout), or someone, cancelled it",
    "42501": "cannot be used: this user lacks the permission",
    "08": "cannot be reached: the connection broke",
    "57P": "cannot be reached: the server is shutting down or starting",
    "XX": "is damaged: the server reports an internal error",
}
_NOTICING = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that is gone without a word, with its network for instance, is noticed within a minute: seconds, the last in
milliseconds. By itself the system takes hours."""
_AWAY = ("08", "53300", "57P")
"""How the codes begin that say that the server cannot be reached; where there is no server, there is no code."""


def engine(url: URL, timeout: float, *, reading: bool) -> Engine:
    """An engine for one database; `timeout` seconds are waited for another writer."""
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={
                **_NOTICING,
                # a writer sees what was written while it waited for its turn, whatever the server's default is
                "options": f"-c lock_timeout={int(timeout * 1000)} -c timezone=UTC"
                " -c default_transaction_isolation=read\\ committed",
                "client_encoding": "utf8",  # or text from a database without an encoding would be bytes
            },
            pool_pre_ping=True,
        )
    except ModuleNotFoundError as error:
        raise DatabaseUnusable("PostgreSQL needs its driver: pip install 'robustness-harness[postgres]'") from error


def begin(connection: Connection, *, writing: bool) -> None:
    """Begin a transaction: one writer at a time, as in SQLite, or a reader that sees one moment."""
    if writing:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def sentence(error: BaseException | None) -> str | None:
    """What the database says, for a user; None for an error that is not about the database itself."""
    if isinstance(error, UnicodeDecodeError):
        return "holds text that is not UTF-8; give the results a database of their own, whose encoding is UTF8"
    code = getattr(error, "sqlstate", None) or ""
    if not code and (is_away(error) or "connection option" in str(error)):  # the latter: one that the driver has not
        return "cannot be reached: " + str(error).strip().splitlines()[0]
    return next((text for start, text in _SENTENCES.items() if code.startswith(start)), None)


def is_away(error: BaseException | None) -> bool:
    """Whether the server cannot be reached; it may be back soon."""
    code = getattr(error, "sqlstate", None)
    return code.startswith(_AWAY) if code else type(error).__name__ == "OperationalError"


def lacks_schema(error: BaseException | None) -> bool:
    """Whether a table or column is not there that a statement names."""
    return getattr(error, "sqlstate", None) in {"42P01", "42703"}


def refused_to_write(error: BaseException | None) -> bool:
    """Whether a statement wanted to write where only reading is allowed."""
    return getattr(error, "sqlstate", None) == "25006"


def took_too_long(error: BaseException | None) -> bool:
    """Whether a statement was stopped because its time was over."""
    return getattr(error, "sqlstate", None) == "57014"


@contextmanager
def only_questions(connection: Connection, seconds: float) -> Iterator[None]:
    """One statement at a time, each for so long; that it only reads is the transaction's doing.

    Several at once could end the transaction first and then write. A statement that is prepared is alone.
    """
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
    driver: Any = connection.connection.dbapi_connection
    before, driver.prepare_threshold = driver.prepare_threshold, 0
    try:
        yield
    finally:
        driver.prepare_threshold = before


def without_foreign_keys(connection: Connection) -> None:
    """Nothing to do: PostgreSQL changes tables in place."""


def problems(connection: Connection) -> list[str]:
    """Nothing to look for: the server checks pages and keys itself."""
    return []


def resume_numbers(connection: Connection, table: Table) -> None:
    """Let a table whose rows were copied with their numbers count on after the largest."""
    number = table.autoincrement_column
    if number is not None:
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{number.name}'), max({number.name}))"
            f" FROM {table.name} HAVING count(*) > 0"
        )
