"""Opening, transactions, and what a user reads when the database refuses."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.queues import SimpleQueue as Queue
from pathlib import Path

import pytest
from databases import Cable, away, database_on, locked
from recorded_study import ORIGIN, curve, evaluate_job, planned
from sqlalchemy import Engine, make_url, text

from harness.errors import DatabaseAway, DatabaseLocked, DatabaseUnusable, SpecError, StoreError
from harness.store import migrations, relations, runners, schema, upkeep, write
from harness.store.engine import Database, find_database, open_database
from harness.store.engine.refusals import translated
from harness.store.plan import write_plan
from harness.store.runners import RunnerFacts

FORK = multiprocessing.get_context("fork")
"""Fast, and safe: a child opens its own connections and leaves without touching its parent's."""


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


def plan(db: Database, suite: str = "study") -> None:
    write_plan(db, planned(suite=suite), suite, "smoke", "A study")


def test_a_missing_database_is_made_with_its_folder(url: str) -> None:
    with open_database(url) as db:
        assert relations.rows(db, "v_models").rows == ()
    with open_database(url, create=False) as db:
        assert relations.rows(db, "v_models").rows == ()


@pytest.mark.postgres
def test_a_server_whose_databases_have_no_encoding_keeps_text_as_it_is(server: Engine) -> None:
    name = "without_encoding"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    url = server.url.set(database=name).render_as_string(hide_password=False)
    with open_database(url) as db:
        write_plan(db, planned(), "study", "smoke", "Über α")
        assert relations.answer(db, "SELECT title FROM suite").rows == (("Über α",),)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("name", ["g?h", "q?uri=true", "b%20c%3Fd", "100%", "e#f", "file:x", "a b"])
def test_a_folder_may_be_called_what_means_something_in_a_url(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path(name, "harness.sqlite")
    with open_database(file) as db:
        plan(db)
        copy = upkeep.backup(db)
        assert (db.path, db.title, copy.parent) == (file, str(file), file.parent)
    assert upkeep.restore(file, copy)
    with open_database(file, create=False) as db:
        assert len(relations.rows(db, "place").rows) == 24
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_who_only_reads_is_told_that_there_is_nothing_yet(url: str) -> None:
    with pytest.raises(DatabaseUnusable, match=r"no results yet: .* `harness run-suite quickstart` makes some"):
        open_database(url, create=False)
    assert find_database(url) is None


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable):
        open_database(sqlite_url(tmp_path / "results" / "harness.sqlite"), create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2)])
def test_connections_are_safe_ones(sqlite_db: Database, pragma: str, value: object) -> None:
    with sqlite_db.reading() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_an_exception_undoes_the_whole_transaction(db: Database) -> None:
    suite = schema.Suite(name="a", profile="smoke", title="A", planned_at=datetime.now(UTC))
    dangling = schema.Place(suite_id=99, condition="none", seed=0, evaluation="", job_key="0" * 16)
    with pytest.raises(StoreError, match=r"(?i)foreign key"), db.transaction() as session:
        session.add_all([suite, dangling])
    assert relations.rows(db, "suite").rows == ()


def test_readers_see_one_moment_and_do_not_wait_for_a_writer(db: Database) -> None:
    plan(db)
    with db.reading() as connection:
        count = text("SELECT count(*) FROM place")
        before = connection.scalar(count)
        plan(db, "other")
        assert connection.scalar(count) == before
    with db.transaction(), db.reading() as connection:
        assert connection.scalar(count) == 2 * before


def test_a_reading_connection_refuses_to_write(db: Database) -> None:
    with pytest.raises(DatabaseUnusable, match="cannot be written"), db.reading() as connection:
        connection.execute(text("DELETE FROM suite"))


def test_a_table_that_is_gone_is_damage_but_not_in_a_question(db: Database) -> None:
    with db.transaction() as session:
        session.execute(text("DROP TABLE seal"))
    with pytest.raises(DatabaseUnusable, match="is damaged; restore the newest backup"), db.reading() as connection:
        connection.execute(text("SELECT * FROM seal"))
    with pytest.raises(SpecError, match="seal"):
        relations.answer(db, "SELECT * FROM seal")


def test_something_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.sqlite"
    file.write_text("A note that is long enough to be a header of a database, and then some more words.\n" * 50)
    before = file.read_bytes()
    with pytest.raises(DatabaseUnusable, match=r"notes\.sqlite is not a database"):
        open_database(sqlite_url(file))
    assert file.read_bytes() == before


def test_tables_of_another_program_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipe (id INTEGER)")
    with pytest.raises(DatabaseUnusable, match="of another program"):
        open_database(sqlite_url(file))


def test_a_truncated_database_is_reported(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5000])
    with pytest.raises(DatabaseUnusable, match="is damaged; restore the newest backup"):
        open_database(sqlite_url(file))


def test_text_that_is_none_is_damage(sqlite_db: Database) -> None:
    plan(sqlite_db)
    with sqlite_db.transaction() as session:
        session.execute(text("UPDATE suite SET title = CAST(x'ff41' AS TEXT)"))
    with pytest.raises(DatabaseUnusable, match="is damaged; restore the newest backup"):
        relations.rows(sqlite_db, "suite")


def test_a_damaged_name_in_the_schema_is_damage(file: Path) -> None:
    content = file.read_bytes()
    assert b'CREATE TABLE "place"' in content
    file.write_bytes(content.replace(b'CREATE TABLE "place"', b'CREATE TABLE "pl\xffce"'))
    with pytest.raises(DatabaseUnusable, match="is damaged; restore the newest backup"):
        open_database(sqlite_url(file))


def test_a_newer_version_is_refused_and_unchanged(db: Database) -> None:
    url = db.engine.url.render_as_string(hide_password=False)
    with db.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for create in (True, False):
        with pytest.raises(DatabaseUnusable, match=r"newer version.*9999.*upgrade the program"):
            open_database(url, create=create)


def test_an_older_version_is_sent_to_the_upgrade(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    url = db.engine.url.render_as_string(hide_password=False)
    monkeypatch.setattr(migrations, "VERSIONS", (*migrations.VERSIONS, "9999"))
    monkeypatch.setattr(migrations, "NEWEST", "9999")
    backup = "makes a backup and upgrades it" if db.path else r"upgrades it; make a backup before \(pg_dump\)"
    with pytest.raises(DatabaseUnusable, match=f"older version.*`harness db upgrade` {backup}$"):
        open_database(url)


@pytest.mark.parametrize("url", ["harness.sqlite", "mysql://host/name"])
def test_what_is_no_url_of_a_known_database_is_refused(url: str) -> None:
    with pytest.raises(SpecError, match=r"not a database URL|no database called 'mysql'"):
        open_database(url)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("sqlite", "?detect_types=x", "invalid literal"),
        ("sqlite", "?uri=maybe", "not true/false"),
        ("sqlite", "?plugin=none", "Can't load plugin"),
        ("sqlite+none", "", "Can't load plugin"),
        ("sqlite+aiosqlite", "", "No module named 'aiosqlite'"),
    ],
)
def test_a_driver_or_an_option_that_there_is_not_is_refused(tmp_path: Path, start: str, end: str, said: str) -> None:
    with pytest.raises(SpecError, match=f"the database URL of .*harness.sqlite cannot be used: .*{said}"):
        open_database(f"{start}:///{tmp_path / 'harness.sqlite'}{end}")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["bogus=1", "port=none", "password=secret&bogus=1"])
@pytest.mark.postgres
def test_an_option_that_a_server_s_driver_has_not_is_refused_without_the_password(option: str) -> None:
    with pytest.raises((DatabaseUnusable, SpecError), match=r"invalid connection option|non-integer port") as caught:
        open_database(f"postgresql://user:secret@127.0.0.1:9/harness?{option}")
    assert "secret" not in str(caught.value)


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_reported_without_the_password() -> None:
    with pytest.raises(DatabaseUnusable, match="cannot be reached") as caught:
        open_database("postgresql://user:secret@127.0.0.1:9/harness")
    assert "secret" not in str(caught.value)


def test_a_locked_database_says_so_after_the_timeout(db: Database) -> None:
    url = db.engine.url.render_as_string(hide_password=False)
    with open_database(url, timeout=0.2) as other, db.transaction():
        start = time.monotonic()
        with pytest.raises(DatabaseUnusable, match="is locked by another process"), other.transaction():
            pass
        assert 0.1 < time.monotonic() - start < 10
    plan(db)


def test_who_is_told_of_a_lock_waits_until_it_is_gone_and_writes_once(db: Database) -> None:
    plan(db)
    url = db.engine.url.render_as_string(hide_password=False)
    key, said = planned()[0].key, list[str]()
    with open_database(url, timeout=0.1, tell=said.append) as patient:
        runner = runners.enter(patient, RunnerFacts(folder="f", title="t", machine="m", process=1))
        with locked(url, 0.8):
            assert runners.claim(patient, key, runner, 0)
        with locked(url, 0.8):
            write.start(patient, key, "Test CPU")
        assert said == 2 * [
            f"{db.title} is locked by another process: waiting until that one has ended",
            f"{db.title} is free again",
        ]
    assert relations.answer(db, "SELECT attempts FROM job WHERE state = 'running'").rows == ((1,),)
    assert relations.answer(db, "SELECT count(*) FROM claim").rows == ((1,),)


@pytest.mark.postgres
def test_who_is_told_that_the_server_is_away_waits_until_it_is_back_and_writes_once(server: Engine) -> None:
    key, said = planned()[0].key, list[str]()
    with database_on(server, "template") as url, open_database(url, tell=said.append) as db:
        plan(db)
        with away(server, url):
            writer = threading.Thread(target=write.start, args=(db, key, "Test CPU"))
            writer.start()
            while not said:
                time.sleep(0.01)
            time.sleep(0.5)
            assert writer.is_alive()
        writer.join()
        assert relations.answer(db, "SELECT attempts FROM job WHERE state = 'running'").rows == ((1,),)
        assert said[0].startswith(f"{db.title} cannot be reached: ")
        assert said[0].endswith(": waiting until it is back, for 10 minutes at most")
        assert said[1:] == [f"{db.title} is back"]


@pytest.mark.postgres
def test_a_server_that_stays_away_is_an_error_at_last_and_at_once_where_nobody_is_told(server: Engine) -> None:
    said = list[str]()
    with database_on(server, "template") as url, open_database(url, tell=said.append) as db:
        plan(db)
        with away(server, url):
            with pytest.raises(DatabaseAway, match="cannot be reached"):
                plan(replace(db, tell=None))
            with pytest.raises(DatabaseAway, match="cannot be reached"):
                open_database(url, tell=said.append)
            assert said == []
            with pytest.raises(DatabaseAway, match="cannot be reached"):
                plan(replace(db, absence_seconds=0.3))
            assert len(said) == 1


@pytest.mark.postgres
def test_what_was_written_before_the_connection_broke_is_written_once(server: Engine) -> None:
    """The hardest moment to lose a connection: the server has committed, and its answer is lost."""
    key, said = planned()[0].key, list[str]()
    with database_on(server, "template") as url, closing(Cable(url)) as cable:
        with open_database(cable.url, tell=said.append) as db:
            plan(db)
            runner = runners.enter(db, RunnerFacts(folder="f", title="t", machine="m", process=1))
            for act in (lambda: runners.claim(db, key, runner, 0), lambda: write.start(db, key, "Test CPU") is None):
                cable.lost = {cable.commits + 1}
                assert act()
        assert [line.endswith("is back") for line in said] == [False, True] * 2
        with open_database(url) as db:
            assert relations.answer(db, "SELECT state, attempts FROM job WHERE attempts > 0").rows == (("running", 1),)


@pytest.mark.postgres
def test_a_statement_that_the_server_stops_is_no_lock_to_wait_for(server: str) -> None:
    def too_long() -> None:
        with db.transaction() as session:
            session.execute(text("SET LOCAL statement_timeout = 10"))
            session.execute(text("SELECT pg_sleep(1)"))

    with (
        database_on(server, "template") as url,
        open_database(url) as db,
        pytest.raises(DatabaseUnusable, match="stopped a statement: its time limit") as raised,
    ):
        too_long()
    assert not isinstance(raised.value, DatabaseLocked)


@pytest.mark.postgres
def test_a_writer_sees_what_another_wrote_while_it_waited_whatever_the_servers_default_is(server: Engine) -> None:
    with database_on(server, "template") as url:
        name = make_url(url).database
        with server.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
        with open_database(url) as db, db.transaction() as session:
            assert session.scalar(text("SHOW transaction_isolation")) == "read committed"


def test_a_full_disk_loses_nothing_and_says_so(sqlite_db: Database) -> None:
    plan(sqlite_db)
    before = relations.answer(sqlite_db, "SELECT count(*) FROM job").rows
    with sqlite_db.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(DatabaseUnusable, match="the disk is full; free some space"):
        write_plan(sqlite_db, planned(tuple(range(100))), "study", "smoke", "A study")
    assert relations.answer(sqlite_db, "SELECT count(*) FROM job").rows == before
    with sqlite_db.reading() as connection:
        assert sqlite_db.dialect.problems(connection) == []
    with sqlite_db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    plan(sqlite_db, "later")


def _say_what_happens(url: str, said: Queue[str]) -> None:
    """Open and write as somebody without root's rights, who may write anywhere."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        with open_database(url).transaction():
            said.put("written")
    except DatabaseUnusable as error:
        said.put(str(error))


@pytest.mark.parametrize("name", ["harness.sqlite", "new.sqlite"])
def test_a_read_only_file_or_folder_is_reported(file: Path, public_folder: Path, name: str) -> None:
    folder = public_folder / f"read-only-{name}"
    folder.mkdir()
    shutil.copy(file, folder / "harness.sqlite")
    (folder / "harness.sqlite").chmod(0o444)
    folder.chmod(0o555)
    said: Queue[str] = FORK.SimpleQueue()
    process = FORK.Process(target=_say_what_happens, args=(sqlite_url(folder / name), said))
    process.start()
    process.join()
    folder.chmod(0o755)
    assert re.search(r"sqlite cannot be (written|opened): (the file or )?its folder", said.get())


def _record_forever(url: str) -> None:
    """Plan, start and finish evaluations until killed."""
    with open_database(url) as db:
        for number in range(100_000):
            suite = f"suite{number}"
            seeds = (number,)
            write_plan(db, planned(seeds, suite), suite, "smoke", "A study")
            key = evaluate_job("gaussian", "none", number).key
            write.start(db, key, "Test CPU")
            write.finish_evaluation(db, key, curve(*[0.5] * 200), ORIGIN, 1.0)


def test_a_writer_killed_at_any_moment_leaves_whole_records(sqlite_db: Database) -> None:
    url = str(sqlite_db.engine.url)
    done = 0
    for wait in (0.05, 0.13, 0.29):
        process = FORK.Process(target=_record_forever, args=(url,))
        process.start()
        assert process.pid is not None
        while (now := _done(sqlite_db)) == done:  # until it writes
            time.sleep(0.01)
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        done = max(now, _done(sqlite_db))
        with sqlite_db.reading() as connection:
            assert sqlite_db.dialect.problems(connection) == []
        counts = relations.answer(
            sqlite_db,
            "SELECT DISTINCT j.state, count(x.id) FROM job j JOIN evaluation e ON e.key = j.key"
            " LEFT JOIN measurement x ON x.evaluation_id = e.id GROUP BY j.key",
        )
        assert set(counts.rows) <= {("done", 200), ("waiting", 0), ("running", 0)}
        places = relations.answer(sqlite_db, "SELECT DISTINCT count(*) FROM place GROUP BY suite_id")
        assert places.rows == ((2 * 6,),)
        runners.release(sqlite_db, None)
        with sqlite_db.transaction() as session:  # the next writer begins anew
            session.execute(text("DELETE FROM measurement"))
            session.execute(text("UPDATE job SET state = 'waiting' WHERE state = 'done'"))
        done = 0


def _done(db: Database) -> int:
    return int(relations.answer(db, "SELECT count(*) FROM job WHERE state = 'done'").rows[0][0])


def _claim(url: str, claimed: Queue[str]) -> None:
    with open_database(url) as db:
        for planned_job in planned():
            with db.transaction() as session:
                state = session.scalar(text("SELECT state FROM job WHERE key = :key"), {"key": planned_job.key})
                if state == "waiting":
                    session.execute(text("UPDATE job SET state = 'running' WHERE key = :key"), {"key": planned_job.key})
                    claimed.put(planned_job.key)


def test_processes_that_look_and_then_write_never_collide(db: Database) -> None:
    plan(db)
    url = db.engine.url.render_as_string(hide_password=False)
    claimed: Queue[str] = FORK.SimpleQueue()
    processes = [FORK.Process(target=_claim, args=(url, claimed)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    keys = [claimed.get() for _ in planned()]
    assert sorted(keys) == sorted(job.key for job in planned())


def _open(url: str) -> None:
    open_database(url).close()


def test_processes_that_make_the_database_at_once_make_one(url: str) -> None:
    processes = [FORK.Process(target=_open, args=(url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def test_sql_of_a_user_only_reads(db: Database) -> None:
    plan(db)
    with pytest.raises(SpecError, match="only queries are answered"):
        relations.answer(db, "DELETE FROM place")
    assert len(relations.rows(db, "place").rows) == 24


def _say_what_is_read(url: str, said: Queue[str]) -> None:
    """Open and read as somebody without root's rights, then try to write."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        with open_database(url, create=False) as database:
            with database.reading() as connection:
                said.put(str(connection.exec_driver_sql("SELECT count(*) FROM suite").scalar()))
            write_plan(database, planned((0,)), "study", "smoke", "A study")
            said.put("written")
    except DatabaseUnusable as error:
        said.put(str(error))


def read_by_nobody(database: Path) -> Queue[str]:
    """What somebody without root's rights says of reading a database and of writing it, afterwards."""
    said: Queue[str] = FORK.SimpleQueue()
    process = FORK.Process(target=_say_what_is_read, args=(sqlite_url(database), said))
    process.start()
    process.join()
    return said


def test_what_may_only_be_read_can_be_read(file: Path, public_folder: Path) -> None:
    folder = public_folder / "kept #1 100%"  # which means something in a URI
    folder.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(file, folder / "harness.sqlite")
    (folder / "harness.sqlite").chmod(0o444)
    folder.chmod(0o555)
    said = read_by_nobody(folder / "harness.sqlite")
    folder.chmod(0o755)
    assert said.get().isdigit()
    assert said.get() == f"{folder / 'harness.sqlite'} cannot be written: the file or its folder is read-only"
    assert [path.name for path in folder.iterdir()] == ["harness.sqlite"]


def test_what_is_read_at_one_moment_does_not_see_what_is_written_meanwhile(db: Database) -> None:
    with db.at_one_moment() as moment:
        before = relations.frame(moment, "suite")
        write_plan(db, planned((0,), "later"), "later", "smoke", "A study")
        with moment.at_one_moment() as same:
            assert len(relations.frame(same, "suite")) == len(before)
    assert len(relations.frame(db, "suite")) == len(before) + 1


def _write(db: Database) -> None:
    write_plan(db, planned((0,)), "study", "smoke", "A study")


@pytest.mark.parametrize("trouble", ["removed", "moved", "replaced"])
def test_nothing_is_written_to_a_file_that_is_no_longer_the_database(trouble: str, file: Path, tmp_path: Path) -> None:
    with open_database(sqlite_url(file)) as db:
        _write(db)
        if trouble == "removed":
            file.unlink()
        elif trouble == "moved":
            file.rename(tmp_path / "moved.sqlite")
        else:
            shutil.copy(file, tmp_path / "copy")
            (tmp_path / "copy").rename(file)
        with pytest.raises(DatabaseUnusable, match="no longer the file that this command opened"):
            _write(db)


def test_a_database_in_memory_is_refused() -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(SpecError, match="keeps nothing"):
            open_database(url)


def test_who_may_not_write_a_database_leaves_nothing_beside_it(file: Path, public_folder: Path) -> None:
    """What a colleague's look left there would be the colleague's, and in the owner's way."""
    folder = public_folder / "shared"
    folder.mkdir()
    shutil.copy(file, folder / "harness.sqlite")
    (folder / "harness.sqlite").chmod(0o444)
    folder.chmod(0o777)
    said = read_by_nobody(folder / "harness.sqlite")
    assert said.get().isdigit()
    assert [path.name for path in folder.iterdir()] == ["harness.sqlite"]


def test_who_may_not_write_a_database_reads_it_while_its_owner_works(file: Path, public_folder: Path) -> None:
    folder = public_folder / "at work"
    folder.mkdir()
    shutil.copy(file, folder / "harness.sqlite")
    folder.chmod(0o755)
    with open_database(sqlite_url(folder / "harness.sqlite")) as db:
        _write(db)
        for path in folder.iterdir():
            path.chmod(0o644)
        assert read_by_nobody(folder / "harness.sqlite").get() == "1"


def test_text_that_cannot_be_read_is_told_as_each_database_can_mend_it() -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    for url, said in {
        "sqlite:///results.sqlite": "results.sqlite is damaged; restore the newest backup: harness db restore",
        "postgresql://host/results": "host/results holds text that is not UTF-8",
    }.items():
        with pytest.raises(DatabaseUnusable, match=re.escape(said)), translated(make_url(url)):
            raise error
