from __future__ import annotations

import csv
import multiprocessing
import os
import resource
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from recorded_study import planned
from sqlalchemy import text
from test_views import COLUMNS

from harness.errors import DatabaseUnusable, HarnessError
from harness.files import unfinished
from harness.store import migrations, relations, upkeep
from harness.store.engine import Database, find_database, open_database
from harness.store.intact import require_intact
from harness.store.plan import write_plan

FORK = multiprocessing.get_context("fork")


def make_older(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program know a newer version than the database has, which needs no change of tables."""
    newer = "9999"
    script = (
        f'revision = "{newer}"\ndown_revision = "{migrations.NEWEST}"\ndef upgrade(): pass\ndef downgrade(): pass\n'
    )
    folder = Path(str(db.path)).parent / "migrations"
    (folder / "versions").mkdir(parents=True)
    for file in (*migrations.FOLDER.glob("*.*"), *migrations.FOLDER.glob("versions/r*.py")):
        (folder / file.relative_to(migrations.FOLDER)).write_bytes(file.read_bytes())
    (folder / "versions" / f"r{newer}_later.py").write_text(script)
    monkeypatch.setattr(migrations, "FOLDER", folder)
    monkeypatch.setattr(migrations, "VERSIONS", (*migrations.VERSIONS, newer))
    monkeypatch.setattr(migrations, "NEWEST", newer)


def test_an_upgrade_copies_first_and_keeps_all_results(
    filled_sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = relations.rows(filled_sqlite, "v_curves").rows
    make_older(filled_sqlite, monkeypatch)
    url = str(filled_sqlite.engine.url)
    done = upkeep.upgrade(url)
    assert (done.before, done.after) == (migrations.VERSIONS[-2], "9999")
    assert done.backup is not None
    for database in (url, f"sqlite:///{done.backup}"):
        if database != url:
            upkeep.upgrade(database)
        with open_database(database) as db:
            assert relations.rows(db, "v_curves").rows == before
            with db.reading() as connection:
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_an_upgrade_that_fails_changes_nothing(filled_sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    make_older(filled_sqlite, monkeypatch)
    script = migrations.FOLDER / "versions" / "r9999_later.py"
    broken = "def upgrade():\n    from alembic import op\n    op.drop_table('image_result')\n    raise RuntimeError\n"
    script.write_text(script.read_text().replace("def upgrade(): pass\n", broken))
    before = relations.answer(filled_sqlite, "SELECT * FROM image_result").rows
    with pytest.raises(RuntimeError):
        upkeep.upgrade(str(filled_sqlite.engine.url))
    assert relations.answer(filled_sqlite, "SELECT * FROM image_result").rows == before
    assert relations.answer(filled_sqlite, "SELECT version_num FROM alembic_version").rows == (
        (migrations.VERSIONS[-2],),
    )
    assert len(relations.rows(filled_sqlite, "v_curves").rows) > 0


def test_an_upgrade_of_the_newest_version_does_nothing(db: Database) -> None:
    done = upkeep.upgrade(db.engine.url.render_as_string(hide_password=False))
    assert (done.before, done.after, done.backup) == (migrations.NEWEST, migrations.NEWEST, None)


def test_a_newer_database_is_not_upgraded(db: Database) -> None:
    with db.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnusable, match="upgrade the program"):
        upkeep.upgrade(db.engine.url.render_as_string(hide_password=False))


def test_a_sound_database_checks_out(filled: Database) -> None:
    found = upkeep.check(filled)
    assert (found.version, found.problems) == (migrations.NEWEST, ())
    assert (found.rows["model"], found.rows["job"], found.rows["image_result"]) == (5, 25, 4 * 2 * 3)


def test_a_check_names_a_reference_that_the_tables_no_longer_have(filled_sqlite: Database) -> None:
    with closing(sqlite3.connect(filled_sqlite.path)) as altered, altered:
        altered.execute("PRAGMA writable_schema = ON")
        altered.execute("UPDATE sqlite_master SET sql = replace(sql, 'training (model_id)', 'training (model_ie)')")
        altered.execute("PRAGMA schema_version = 1000")  # or other connections do not look
    assert any("foreign key mismatch" in problem for problem in upkeep.check(filled_sqlite).problems)


@pytest.mark.parametrize("name", ["epoch", "learning_rate"])
def test_a_name_with_another_letter_is_refused_though_sqlite_takes_both_for_the_same(
    name: str, filled_sqlite: Database
) -> None:
    with closing(sqlite3.connect(filled_sqlite.path)) as altered, altered:
        altered.execute("PRAGMA writable_schema = ON")
        damage = "UPDATE sqlite_master SET name = replace(name, ?1, ?2), tbl_name = replace(tbl_name, ?1, ?2),"
        altered.execute(f"{damage} sql = replace(sql, ?1, ?2) WHERE tbl_name = 'epoch'", (name, name.title()))
        altered.execute("PRAGMA schema_version = 1000")  # or other connections do not look
    problems = upkeep.check(filled_sqlite).problems
    assert "column learning_rate of table epoch is missing or has another name" in problems
    with pytest.raises(DatabaseUnusable, match=r"is damaged; restore the newest backup"):
        require_intact(filled_sqlite, "study", "smoke")


def test_a_check_finds_rows_that_point_nowhere(filled_sqlite: Database) -> None:
    with filled_sqlite.engine.connect() as connection:
        filled_sqlite.dialect.without_foreign_keys(connection)
        with connection.begin():
            connection.execute(text("DELETE FROM suite"))
        connection.invalidate()
    assert "place row 1 points to a missing row of suite" in upkeep.check(filled_sqlite).problems


def test_a_backup_is_a_whole_database_of_its_own(filled_sqlite: Database) -> None:
    copy = upkeep.backup(filled_sqlite)
    assert copy.parent == Path(str(filled_sqlite.path)).parent
    write_plan(filled_sqlite, planned(suite="later"), "later", "smoke", "Later")
    with open_database(f"sqlite:///{copy}", create=False) as db:
        assert relations.answer(db, "SELECT DISTINCT suite FROM v_jobs").rows == (("study",),)


def test_a_backup_that_is_not_sound_is_refused_and_nothing_stays(filled_sqlite: Database, tmp_path: Path) -> None:
    with filled_sqlite.engine.connect() as connection:
        filled_sqlite.dialect.without_foreign_keys(connection)
        with connection.begin():
            connection.execute(text("DELETE FROM suite"))
        connection.invalidate()
    (tmp_path / "backups").mkdir()
    with pytest.raises(DatabaseUnusable, match=r"the backup .*copy\.sqlite is not sound: place row 1 points to"):
        upkeep.backup(filled_sqlite, tmp_path / "backups" / "copy.sqlite")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_that_does_not_fit_leaves_nothing(filled_sqlite: Database, tmp_path: Path) -> None:
    """A large one, of which a part is written, with a journal, before the rest is read."""
    with filled_sqlite.transaction() as session:
        session.execute(text("UPDATE job SET command = hex(zeroblob(200000))"))
    (tmp_path / "backups").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, before[1]))
    try:
        with pytest.raises(DatabaseUnusable, match="the disk reports an error"):
            upkeep.backup(filled_sqlite, tmp_path / "backups" / "copy.sqlite")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_backup_takes_in_nothing_of_one_that_was_killed(filled_sqlite: Database, tmp_path: Path) -> None:
    """Which left a log; here that of another database."""
    copy, other = tmp_path / "copy.sqlite", tmp_path / "other.sqlite"
    upkeep.backup(filled_sqlite, other)
    process = FORK.Process(target=backup_and_die, args=(filled_sqlite, copy))
    process.start()
    process.join()
    [left] = tmp_path.glob("copy.sqlite*")
    with open_database(f"sqlite:///{other}") as database:
        with database.transaction() as session:
            session.execute(text("DELETE FROM gamma"))
        shutil.copyfile(f"{other}-wal", f"{left}-wal")
    upkeep.backup(filled_sqlite, copy)
    assert [path.name for path in tmp_path.glob("copy.sqlite*")] == [copy.name]
    with open_database(f"sqlite:///{copy}") as database:
        assert relations.answer(database, "SELECT count(*) FROM gamma").rows != ((0,),)


def backup_and_die(database: Database, target: Path | None) -> None:
    """Killed before the copy gets its name."""

    def look(event: str, _: object) -> None:
        if event == "os.rename":
            os._exit(137)

    sys.addaudithook(look)
    upkeep.backup(database, target)


def test_half_a_backup_of_one_that_was_killed_is_removed_by_the_next(filled_sqlite: Database) -> None:
    """Each has a name of its own, with the time in it."""
    assert filled_sqlite.path is not None
    folder = filled_sqlite.path.parent
    before = {*folder.iterdir()}
    for _ in range(2):
        process = FORK.Process(target=backup_and_die, args=(filled_sqlite, None))
        process.start()
        process.join()
        assert len({*folder.iterdir()} - before) == 1
    copy = upkeep.backup(filled_sqlite)
    assert {*folder.iterdir()} - before == {copy}


def test_half_a_backup_that_another_process_is_writing_stays(filled_sqlite: Database) -> None:
    assert filled_sqlite.path is not None
    half = unfinished(filled_sqlite.path.with_name("harness-20260101-000000-000000.sqlite"))
    half.write_bytes(b"half of it")
    upkeep.backup(filled_sqlite)
    assert half.exists()


def test_a_backup_is_possible_while_another_writes(filled_sqlite: Database, tmp_path: Path) -> None:
    with filled_sqlite.transaction():
        upkeep.backup(filled_sqlite, tmp_path / "copy.sqlite")


def test_a_backup_overwrites_nothing_and_makes_no_folder(filled_sqlite: Database, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"
    target.write_text("precious")
    with pytest.raises(HarnessError, match="exists already"):
        upkeep.backup(filled_sqlite, target)
    assert target.read_text() == "precious"
    with pytest.raises(HarnessError, match="not a folder"):
        upkeep.backup(filled_sqlite, tmp_path / "nowhere" / "copy.sqlite")


@pytest.mark.postgres
def test_a_server_is_backed_up_with_its_own_tool(db: Database, tmp_path: Path) -> None:
    if db.path is None:
        with pytest.raises(DatabaseUnusable, match=f"pg_dump --format=custom --file={tmp_path}/copy$"):
            upkeep.backup(db, tmp_path / "copy")
        with pytest.raises(DatabaseUnusable, match=r"--file=harness\.dump$"):
            upkeep.backup(db)


def test_an_export_is_every_view_as_csv(filled: Database, tmp_path: Path) -> None:
    files = upkeep.export(filled, tmp_path / "deep" / "export")
    assert [file.stem for file in files] == list(COLUMNS)
    for file in files:
        with file.open(newline="", encoding="utf-8") as opened:
            header, *rows = csv.reader(opened)
        assert ", ".join(header) == COLUMNS[file.stem]
        assert len(rows) == len(relations.rows(filled, file.stem).rows)


def test_a_backup_is_restored_also_beside_the_log_of_a_killed_writer(filled_sqlite: Database, tmp_path: Path) -> None:
    """Moved into place by hand it would have that log written into it."""
    path = filled_sqlite.path
    assert path is not None
    before = relations.rows(filled_sqlite, "v_curves").rows
    saved = upkeep.backup(filled_sqlite, tmp_path / "saved.sqlite")
    with filled_sqlite.transaction() as session:
        session.execute(text("DELETE FROM gamma"))
    log = path.with_name(f"{path.name}-wal").read_bytes()
    assert log
    filled_sqlite.close()
    path.with_name(f"{path.name}-wal").write_bytes(log)  # closing in order has removed it
    aside = upkeep.restore(f"sqlite:///{path}", saved)
    assert aside is not None
    with open_database(f"sqlite:///{aside}") as database:
        assert relations.answer(database, "SELECT count(*) FROM gamma").rows == ((0,),)
    assert not path.with_name(f"{path.name}-wal").exists()
    with open_database(f"sqlite:///{path}") as database:
        assert relations.rows(database, "v_curves").rows == before
        assert upkeep.check(database).problems == ()
    assert saved.exists()
    assert not list(path.parent.glob("*.partial*"))


def test_what_a_killed_writer_left_is_restored_with_its_log(filled_sqlite: Database, tmp_path: Path) -> None:
    path, killed = filled_sqlite.path, tmp_path / "killed.sqlite"
    assert path is not None
    with filled_sqlite.transaction() as session:
        session.execute(text("DELETE FROM gamma"))
    for ending in ("", "-wal"):
        shutil.copyfile(f"{path}{ending}", f"{killed}{ending}")
    filled_sqlite.close()
    path.with_name(f"{path.name}.partial-wal").write_bytes(b"of a restoration that was killed")
    upkeep.restore(f"sqlite:///{path}", killed)
    assert not list(path.parent.glob("*.partial*"))
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)  # nothing that counts is in it
    with open_database(f"sqlite:///{path}") as database:
        assert relations.answer(database, "SELECT count(*) FROM gamma").rows == ((0,),)


def restore_and_die(url: str, backup: Path, moment: int) -> None:
    """Killed before it makes, renames, removes or opens a file, or when it is done."""
    left = iter(range(moment))

    def look(event: str, _: object) -> None:
        if event in {"open", "sqlite3.connect", "os.link", "os.rename", "os.remove"} and next(left, None) is None:
            os._exit(137)

    sys.addaudithook(look)
    upkeep.restore(url, backup)
    os._exit(0)


@pytest.mark.parametrize("links", [True, False])
def test_a_restoration_killed_at_any_moment_leaves_the_old_database_or_the_new_one(
    links: bool, filled_sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, with what a killed writer had left in its log, and under its name."""

    def suites(path: Path) -> int:
        with open_database(f"sqlite:///{path}") as database:
            assert upkeep.check(database).problems == ()
            return len(relations.answer(database, "SELECT * FROM suite").rows)

    if not links:
        monkeypatch.setattr(os, "link", lambda *_, **__: os.open(tmp_path / "nowhere" / "at all", os.O_RDONLY))
    saved = upkeep.backup(filled_sqlite, tmp_path / "saved.sqlite")
    write_plan(filled_sqlite, planned(suite="later"), "later", "smoke", "Later")
    filled_sqlite.close()  # until here the file has everything
    write_plan(filled_sqlite, planned(suite="latest"), "latest", "smoke", "Latest")
    new, old = 1, 3
    code, moment, seen = None, 0, []
    while code != 0:
        folder = tmp_path / str(moment)
        folder.mkdir()
        for ending in ("", "-wal"):
            shutil.copyfile(f"{filled_sqlite.path}{ending}", folder / f"harness.sqlite{ending}")
        path = folder / "harness.sqlite"
        process = FORK.Process(target=restore_and_die, args=(f"sqlite:///{path}", saved, moment))
        process.start()
        process.join()
        code, moment = process.exitcode, moment + 1
        assert path.exists()
        seen.append(suites(path))
        assert seen[-1] in (old, new)
        if seen[-1] == new:
            assert suites(next(folder.glob("harness-replaced-*.sqlite"))) == old
        upkeep.restore(f"sqlite:///{path}", saved)
        assert suites(path) == new
        assert not list(folder.glob("*.partial*"))
    assert seen == sorted(seen, reverse=True)
    assert (seen[0], seen[-1], len(seen) > 10) == (old, new, True)


@pytest.mark.parametrize("left", ["harness-replaced-20260101-000000-000000.sqlite", "harness.sqlite.partial"])
def test_no_database_is_made_where_one_was_set_aside(left: str, tmp_path: Path) -> None:
    """As an older version left it that was killed."""
    path = tmp_path / "harness.sqlite"
    (tmp_path / left).write_bytes(b"results")
    with pytest.raises(DatabaseUnusable, match=f"harness.sqlite is missing, and .*{left} lies beside it"):
        open_database(f"sqlite:///{path}")
    assert find_database(f"sqlite:///{path}") is None
    assert [file.name for file in tmp_path.iterdir()] == [left]


def test_what_a_stopped_restoration_left_is_not_restored(filled_sqlite: Database) -> None:
    partial = Path(f"{filled_sqlite.path}.partial")
    partial.write_bytes(b"half of a backup")
    with pytest.raises(HarnessError, match="is half of a copy; restore the backup that it was made of"):
        upkeep.restore(f"sqlite:///{filled_sqlite.path}", partial)
    assert partial.exists()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3", b"no database at all"])
def test_what_is_no_backup_is_not_restored(content: bytes, filled_sqlite: Database, tmp_path: Path) -> None:
    (tmp_path / "saved").write_bytes(content)
    path = filled_sqlite.path
    assert path is not None
    with pytest.raises(DatabaseUnusable, match="saved"):
        upkeep.restore(f"sqlite:///{path}", tmp_path / "saved")
    with pytest.raises(HarnessError, match="there is no file"):
        upkeep.restore(f"sqlite:///{path}", tmp_path / "nowhere")
    assert relations.rows(filled_sqlite, "v_curves").rows
    assert not list(path.parent.glob("*replaced*"))


def test_a_database_on_a_server_is_restored_by_its_own_tools(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="pg_restore"):
        upkeep.restore("postgresql://somebody@nowhere/results", tmp_path)
