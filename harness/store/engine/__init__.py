"""Opening the database, and transactions.

What differs from database to database lies in `sqlite` and `postgresql`, each a `Dialect`.
One process writes at a time, on both, so writers may look and then insert; readers never wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, event, inspect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from harness.errors import DatabaseUnusable, NoResults, SpecError
from harness.store import migrations
from harness.store.engine.address import Address
from harness.store.engine.dialect import Dialect, dialect_of
from harness.store.engine.patience import AWAY_SECONDS, patient
from harness.store.engine.refusals import translated
from harness.store.engine.sqlite import find_set_aside

LOCK_TIMEOUT = 30.0
"""Seconds to wait for another writer, whose transactions take milliseconds."""


@dataclass(frozen=True)
class Database:
    """An open result database of this program's schema version; a `with` statement closes it."""

    engine: Engine
    moment: Connection | None = None
    """What `reading` gives, where all that is read shall be of one moment."""
    opened: tuple[int, int] | None = None
    """Device and inode of the file that was opened."""
    tell: Callable[[str], None] | None = None
    """Called with a line for the user while another process holds the lock, or the server is away: with it, calls wait
    until the lock is free, or the server back; without it, they fail."""
    absence_seconds: float = 0.0
    """For how long they wait for a server that is away; not at all while a database is being opened."""
    meanwhile: Callable[[], None] = lambda: None
    """Called again and again while a lock or the server is waited for."""

    @property
    def title(self) -> str:
        """How messages call it: the file, or the URL without its password."""
        return Address(self.engine.url).title

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database."""
        return Address(self.engine.url).file

    @property
    def dialect(self) -> Dialect:
        """The functions that differ from database to database."""
        return dialect_of(self.engine.url)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """The one session that writes now, all or nothing; DatabaseUnusable if the database refuses, or is gone."""
        if self.opened is not None and self.opened != _inode(self.path):
            raise DatabaseUnusable(
                f"{self.title} is no longer the file that this command opened: it was moved, removed or replaced. What "
                "was stored until then is in that file; put it where it belongs and run the same command again"
            )
        with translated(self.engine.url), Session(self.engine) as session, session.begin():
            session.connection()  # take the lock before anything is looked at
            yield session

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database, refuses to write, and waits for nobody."""
        with translated(self.engine.url):
            if self.moment is not None:
                yield self.moment
                return
            with self.engine.connect().execution_options(**READING) as connection, connection.begin():
                yield connection

    @contextmanager
    def at_one_moment(self) -> Iterator[Database]:
        """The same database, of which everything that is read is of one moment."""
        with self.reading() as connection:
            yield replace(self, moment=connection)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


READING = {"reading": True}
"""Execution options of a connection that only reads."""


def open_database(
    where: str | Path,
    *,
    create: bool = True,
    timeout: float = LOCK_TIMEOUT,
    tell: Callable[[str], None] | None = None,
    upgrade: str = "harness db upgrade",
) -> Database:
    """The database at an SQLAlchemy URL, or in an SQLite file; made if it is missing and `create`.

    timeout: seconds to wait for another writer.
    tell: see `Database`.
    upgrade: the command that brings it to this program's version.

    Raises:
        SpecError: the URL is none that this program can use.
        DatabaseUnusable: missing, not a database, of another program, of an older or newer version, not
            writable, locked or away. Nothing was changed.
    """
    database = replace(connected(where, create=create, timeout=timeout), tell=tell)
    try:
        found = schema_version(database)
        if found is None and create:
            _make_tables(database)
        elif found is None:
            raise NoResults(_no_results(database.title))
        elif found != migrations.NEWEST:
            does = "makes a backup and upgrades it" if database.path else "upgrades it; make a backup before (pg_dump)"
            raise DatabaseUnusable(
                f"{database.title} was made by an older version of this program (schema {found}, now"
                f" {migrations.NEWEST}): `{upgrade}` {does}"
            )
    except BaseException:
        database.close()
        raise
    return replace(database, opened=_inode(database.path), absence_seconds=AWAY_SECONDS)


@patient
def _make_tables(database: Database) -> None:
    with database.transaction() as session:
        migrations.migrate(session.connection())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise DatabaseUnusable(f"{path} cannot be looked at: {error.strerror}") from error


def _inode(path: Path | None) -> tuple[int, int] | None:
    """What a file is, whatever it is called; None if there is none."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def find_database(where: str | Path) -> Database | None:
    """The database that is there, None if it is missing or empty; raises DatabaseUnusable as `open_database`."""
    try:
        return open_database(where, create=False)
    except NoResults:
        return None


def connected(where: str | Path, *, create: bool, timeout: float = LOCK_TIMEOUT) -> Database:
    """A database whose version nobody has looked at yet."""
    address = Address.parsed(where)
    dialect, path = dialect_of(address.url), address.file
    if path is None and address.url.get_backend_name() == "sqlite":
        raise SpecError("an SQLite database in memory keeps nothing; name a file: sqlite:///FOLDER/FILE")
    if path is not None and not _exists(path):
        if not create:
            raise NoResults(_no_results(str(path)))
        if aside := find_set_aside(path):
            raise DatabaseUnusable(
                f"{path} is missing, and {aside} lies beside it, as a `harness db restore` left it that was stopped: "
                "restore it, or a backup (harness db restore FILE), or move it elsewhere to begin without results"
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseUnusable(f"{path.parent} cannot be made: {error.strerror}") from error
    try:
        engine = dialect.engine(address.url, timeout, reading=not create)
    except (ArgumentError, ValueError, ModuleNotFoundError) as error:  # an option or a driver that is none
        raise SpecError(f"the database URL of {address.title} cannot be used: {error}") from None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        dialect.begin(connection, writing="reading" not in connection.get_execution_options())

    return Database(engine)


@patient
def schema_version(database: Database) -> str | None:
    """The schema version; None for an empty database.

    Raises:
        DatabaseUnusable: it holds something else, or was made by a newer version of this program.
    """
    with database.reading() as connection:
        found = migrations.version(connection)
        if found is None and inspect(connection).get_table_names():
            raise DatabaseUnusable(
                f"{database.title} holds tables of another program; give the results a database of their own"
                " (HARNESS_DATABASE_URL)"
            )
    if found is not None and found not in migrations.VERSIONS:
        raise DatabaseUnusable(
            f"{database.title} was made by a newer version of this program (schema {found}, this one knows up to"
            f" {migrations.NEWEST}): upgrade the program"
        )
    return found


def _no_results(where: str) -> str:
    return f"no results yet: {where} does not exist or is empty; `harness run-suite quickstart` makes some"
