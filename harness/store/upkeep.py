"""Care for the database: upgrade, check, back up, restore, export."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy import table as sql_table

from harness.csv_text import csv_text
from harness.errors import DatabaseUnusable, HarnessError, NoResults
from harness.files import flush, remove_abandoned, unfinished, write_whole
from harness.store import definitions, migrations, relations, seals, views
from harness.store.engine import Database, connected, schema_version
from harness.store.engine.address import Address
from harness.store.engine.refusals import translated
from harness.store.engine.sqlite import ENDINGS, PARTIAL, REPLACED, absorb_log, remove_files, write_copy
from harness.store.schema import Base


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What an upgrade did."""

    before: str
    after: str
    """Schema versions; equal if there was nothing to do."""
    backup: Path | None
    """The copy that was made before; None if nothing was to do, or the database is on a server."""


def upgrade(where: str | Path) -> Upgrade:
    """Bring a database of an older version of this program to the present one.

    An SQLite database is copied first; either way the change happens whole or not at all.
    """
    with connected(where, create=False) as database:
        before = schema_version(database)
        if before is None:
            raise NoResults(f"no results yet: {database.title} is empty")
        if before == migrations.NEWEST:
            return Upgrade(before=before, after=before, backup=None)
        copy = backup(database) if database.path else None
        with translated(database.engine.url), database.engine.connect() as connection:
            database.dialect.without_foreign_keys(connection)
            with connection.begin():
                migrations.migrate(connection)
                seals.seal_everything(connection)
            connection.invalidate()  # foreign keys are off in it
        return Upgrade(before=before, after=migrations.NEWEST, backup=copy)


@dataclass(frozen=True, kw_only=True)
class Check:
    """The health of a database."""

    version: str
    problems: tuple[str, ...]
    """Empty for a sound database."""
    rows: dict[str, int]
    """How many rows each table has."""


def check(database: Database) -> Check:
    """Look at every page, index and reference, and at every result's seal."""
    with database.reading() as connection:
        version = migrations.version(connection)
        assert version is not None
        tables = sorted(Base.metadata.tables)
        return Check(
            version=version,
            problems=(*database.dialect.problems(connection), *_altered(connection)),
            rows={name: connection.scalar(select(func.count()).select_from(sql_table(name))) or 0 for name in tables},
        )


def _altered(connection: Connection) -> Iterator[str]:
    """What is not as it was recorded, each in a line; of changed content SQLite itself knows nothing."""
    yield from definitions.altered(connection)
    for name in seals.broken_suites(connection):
        yield f"the plan of {name} is not as it was written; the next `harness run-suite` writes it again"
    for key in seals.broken(connection):
        yield f"the result of job {key} is not as it was recorded; `harness run-suite` of its suite makes it again"
    for number in seals.broken_environments(connection):
        yield f"what environment {number} says is not as it was recorded; restore the newest backup"


def backup(database: Database, target: Path | None = None) -> Path:
    """A copy of the database as of one moment, checked; where it lies. Others may write meanwhile.

    target: a new file; by default beside the database, named by the time.

    Raises:
        HarnessError: the target exists.
        DatabaseUnusable: the copy cannot be written, or is not sound; or the database is on a server.
    """
    source = database.path
    if source is None:
        tool = f"pg_dump --format=custom --file={target or 'harness.dump'}"
        raise DatabaseUnusable(f"back up PostgreSQL with its own tool: {tool}")
    alike = f"{source.stem}-" if target is None else target.name
    target = target or _dated(source)
    if target.exists():
        raise HarnessError(f"{target} exists already; backups are never overwritten")
    if not target.parent.is_dir():
        raise HarnessError(f"{target.parent} is not a folder; make it first")
    remove_abandoned(target.parent, f"{escape(alike)}*.tmp*")  # with what SQLite had beside it
    begun = unfinished(target)
    try:
        with database.engine.connect() as connection:
            write_copy(connection, begun)
        _require_sound(begun, target)
        flush(begun)
        begun.rename(target)
        flush(target.parent)
    except OSError as error:
        raise HarnessError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        remove_files(begun)
    return target


def _dated(path: Path, said: str = "") -> Path:
    """A name beside a file that has the time in it."""
    return path.with_name(f"{path.stem}{said}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}{path.suffix}")


def restore(where: str | Path, backup: Path) -> Path | None:
    """Put a copy of a backup in the place of an SQLite database; where what was there lies now, None if nothing was.

    Killed at any moment, it leaves the one or the other under the database's name. A killed writer's log belongs to
    what was there, and one beside the backup to that.

    Raises:
        HarnessError: the database is on a server, the files cannot be written, or the backup is half of a copy.
        DatabaseUnusable: the backup is not sound; nothing was changed.
    """
    path = Address.parsed(where).file
    if path is None:
        raise HarnessError("the database is on a server, whose own tools restore it (pg_restore)")
    if not backup.is_file():
        raise HarnessError(f"there is no file {backup}")
    aside = _dated(path, REPLACED)
    partial = path.with_name(path.name + PARTIAL)
    if partial.exists() and partial.samefile(backup):
        raise HarnessError(f"{backup} is half of a copy; restore the backup that it was made of")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_files(partial)  # of an attempt that was killed; its log would be written into the copy
        shutil.copyfile(backup, partial)
        with suppress(FileNotFoundError):
            shutil.copyfile(backup.with_name(f"{backup.name}-wal"), partial.with_name(f"{partial.name}-wal"))
        _require_sound(partial, backup)  # which has SQLite write the log into the copy
        flush(partial)
        there = path.exists()
        _set_aside(path, aside)
        partial.replace(path)
        flush(path.parent)
    except OSError as error:
        raise HarnessError(f"{path} cannot be replaced: {error.strerror}") from error
    finally:
        remove_files(partial)
    return aside if there else None


def _set_aside(path: Path, aside: Path) -> None:
    """Give a database another name as well, and leave nothing beside it that SQLite would write into the next one.

    Its log cannot be replaced in one step with it, so it is written into it before. What SQLite cannot do that with,
    because it is damaged or open, has its log with it under the other name.
    """
    if path.exists():
        absorb_log(path)
        try:
            aside.hardlink_to(path)
        except OSError:  # the file system has no links
            shutil.copyfile(path, aside)
            flush(aside)
    for ending in filter(None, ENDINGS):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    flush(path.parent)


def _require_sound(copy: Path, backup: Path) -> None:
    """Raises DatabaseUnusable if the copy of a backup holds no results of this program, or damaged ones."""
    try:
        with connected(copy, create=False) as database:
            with database.reading() as connection:
                problems = database.dialect.problems(connection)
            if schema_version(database) is None:
                problems = ["it is empty"]
    except DatabaseUnusable as error:
        raise DatabaseUnusable(str(error).replace(str(copy), str(backup))) from None
    if problems:
        raise DatabaseUnusable(f"the backup {backup} is not sound: {problems[0]}")


def export(database: Database, folder: Path) -> list[Path]:
    """Every view as a CSV file with a header; the files.

    Raises:
        HarnessError: the folder cannot be written, or the disk is full; each file is whole or as it was.
    """
    files = []
    for name in views.PUBLIC:
        found = relations.rows(database, name)
        files.append(folder / f"{name}.csv")
        write_whole(files[-1], csv_text(found.columns, found.rows).encode())
    return files
