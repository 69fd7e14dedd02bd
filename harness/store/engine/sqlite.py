"""What only SQLite has: pragmas, immediate transactions, its error codes, its online backup."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.exc import OperationalError

from harness.errors import DatabaseUnusable
from harness.store.engine.patience import LOCKED

ENDINGS = ("-wal", "-shm", "-journal", "")
"""Of the files that a database consists of."""
PARTIAL, REPLACED = ".partial", "-replaced"
"""In the names of what a restoration writes, and of what it has put in another place."""

_DAMAGED = "is damaged; restore the newest backup: harness db restore FILE (`harness db backup` makes them)"
_SENTENCES = {
    "SQLITE_NOTADB": "is not a database; move it away or set HARNESS_DATABASE_URL",
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_FULL": "could not grow: the disk is full; free some space and run the same command again",
    "SQLITE_READONLY": "cannot be written: the file or its folder is read-only",
    "SQLITE_CANTOPEN": "cannot be opened: its folder does not exist, or is not yours to write"
    " (SQLite writes beside the file even to read)",
    "SQLITE_PERM": "cannot be opened: no permission",
    "SQLITE_AUTH": "refused: no permission",
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_PROTOCOL": "cannot be locked: too many processes use it, or its file system has no locks that work",
    "SQLITE_IOERR": "could not be read or written: the disk reports an error",
    "SQLITE_TOOBIG": "refused a value that is too big",
}

_DESCRIBING = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"}
"""Pragmas that only say what there is."""
_STEPS = 100_000  # of SQLite's virtual machine between two looks at the clock: about a millisecond


def engine(url: URL, timeout: float, *, reading: bool) -> Engine:
    """An engine for one file; `timeout` seconds are waited for another writer. reading: it need not be written."""
    path = Path(url.database or "").absolute()
    if reading and path.is_file() and not os.access(path, os.W_OK):
        return create_engine(_only_read(url, path), connect_args={"timeout": timeout})
    made = create_engine(url, connect_args={"timeout": timeout})

    @event.listens_for(made, "connect")
    def _connect(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver begins no transaction of its own: `begin` does
        connection.execute("PRAGMA foreign_keys = ON")
        # Readers and the writer do not wait for each other.
        connection.execute("PRAGMA journal_mode = WAL")
        # A job that was reported as done survives a power cut: a commit costs milliseconds, a job minutes.
        connection.execute("PRAGMA synchronous = FULL")

    return made


def _only_read(url: URL, path: Path) -> URL:
    """For who may not write a file: no files are made beside it, which would be this user's and in the owner's way.

    While nobody has it open, for which there is a sign, it is read as one that does not change.
    """
    query = {"mode": "ro", "uri": "true"}
    if not path.with_name(f"{path.name}-wal").exists():
        query["immutable"] = "1"
    return url.set(database=f"file:{quote(str(path))}", query=query)


def begin(connection: Connection, *, writing: bool) -> None:
    """Begin a transaction.

    A writer takes the lock at once: one that reads first and upgrades later fails at the upgrade, whatever the
    timeout, when another has written in between.
    """
    connection.exec_driver_sql(f"PRAGMA query_only = {0 if writing else 1}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def sentence(error: BaseException | None) -> str | None:
    """What the database says, for a user; None for an error that is not about the database itself."""
    # the driver's own errors, which have no name
    if isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error):
        return _DAMAGED
    name = getattr(error, "sqlite_errorname", "")
    return next((text for code, text in _SENTENCES.items() if name.startswith(code)), None)


def is_away(error: BaseException | None) -> bool:
    """Never: there is no server."""
    return False


def lacks_schema(error: BaseException | None) -> bool:
    """Whether a table or column is not there that a statement names."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR" and str(error).startswith("no such")


def refused_to_write(error: BaseException | None) -> bool:
    """Whether a statement wanted to write, or more than a question may, where only reading is allowed."""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_READONLY", "SQLITE_AUTH"))


def took_too_long(error: BaseException | None) -> bool:
    """Whether a statement was stopped because its time was over."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT"


@contextmanager
def only_questions(connection: Connection, seconds: float) -> Iterator[None]:
    """Nothing but queries, each for so long: none writes, attaches a file, loads an extension or changes a setting."""
    driver = _driver(connection)
    end = time.monotonic() + seconds
    driver.set_authorizer(_judgement)
    driver.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        driver.set_authorizer(None)
        driver.set_progress_handler(None, _STEPS)


def _judgement(action: int, first: str | None, second: str | None, _database: str | None, _inside: str | None) -> int:
    """Whether SQLite may do this for a question."""
    pragma = action == sqlite3.SQLITE_PRAGMA and first in _DESCRIBING
    function = action == sqlite3.SQLITE_FUNCTION and second != "load_extension"
    reads = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
    return sqlite3.SQLITE_OK if reads or function or pragma else sqlite3.SQLITE_DENY


def without_foreign_keys(connection: Connection) -> None:
    """Let tables be copied and replaced, as migrations do; before the transaction, and for this connection only."""
    _driver(connection).execute("PRAGMA foreign_keys = OFF")


def problems(connection: Connection) -> list[str]:
    """What is wrong inside: damaged pages or indices, rows that point nowhere."""
    damaged = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
    try:
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    except OperationalError as error:
        if "foreign key mismatch" not in str(error.orig):
            raise
        return [*damaged, f"a table's definition is damaged: {error.orig}"]
    return damaged + [f"{table} row {row} points to a missing row of {parent}" for table, row, parent, _ in dangling]


def resume_numbers(connection: Connection, table: Table) -> None:
    """Nothing to do: SQLite counts on after the largest number that is there."""


def write_copy(connection: Connection, target: Path) -> None:
    """Copy the database, as of one moment, to a new file that needs nothing beside it; outside any transaction."""
    driver = _driver(connection)
    driver.execute("PRAGMA query_only = 0")
    try:
        driver.execute("VACUUM INTO ?", (str(target.absolute()),))  # a relative one may look like a URI
    except sqlite3.Error as error:
        raise DatabaseUnusable(f"{target} {sentence(error) or f'cannot be written: {error}'}") from error


def absorb_log(path: Path) -> None:
    """Have the log of a killed writer written into its database, if that is sound and nobody else has it open."""
    where = f"file:{quote(str(path.absolute()))}?mode=rw"
    with suppress(sqlite3.Error), closing(sqlite3.connect(where, uri=True)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()  # or it has not looked at the log yet
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def find_set_aside(path: Path) -> Path | None:
    """What a restoration that was stopped left beside a database that is missing, the database itself if it can be."""
    replaced = sorted(path.parent.glob(f"{escape(path.stem + REPLACED)}-*{escape(path.suffix)}"))
    partial = path.with_name(path.name + PARTIAL)
    return replaced[-1] if replaced else partial if partial.exists() else None


def remove_files(path: Path) -> None:
    """Remove a database, with all of its files."""
    for ending in ENDINGS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, which begins no transaction."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
