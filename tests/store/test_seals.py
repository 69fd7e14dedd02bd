"""Seals: what is changed behind the program's back is named, and only that."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from recorded_study import GAMMAS, ORIGIN, curve, evaluate_job, fill, loaded, planned, results, train_job
from sqlalchemy import Connection, Table, text
from test_views import plan_and_record_all_kinds
from trainings import training_result

from harness.errors import DatabaseUnusable
from harness.store import migrations, relations, schema, seals, upkeep, views, write
from harness.store.engine import Database, open_database
from harness.store.intact import require_intact
from harness.store.jobs import job_states
from harness.store.mending import mend
from harness.store.plan import write_plan


def change(db: Database, sql: str) -> None:
    with db.transaction() as session:
        assert session.execute(text(sql)).rowcount > 0


def broken(db: Database) -> list[str]:
    with db.reading() as connection:
        return seals.broken(connection)


KEY = evaluate_job("gaussian", "threshold", 1).key
ONE_EVALUATION = f"(SELECT id FROM evaluation WHERE key = '{KEY}')"
CHANGES = {
    "a number": f"UPDATE measurement SET value = 0.125 WHERE evaluation_id = {ONE_EVALUATION}",
    "a missing number": f"DELETE FROM measurement WHERE epsilon > 0 AND evaluation_id = {ONE_EVALUATION}",
    "a spec": f"UPDATE evaluation SET spec = '{{}}' WHERE key = '{KEY}'",
    "another model": f"UPDATE evaluation SET model_id = 1 WHERE key = '{KEY}'",
    "a state": f"UPDATE job SET state = 'waiting' WHERE key = '{KEY}'",
    "a duration": f"UPDATE job SET seconds = 3 WHERE key = '{KEY}'",
    "its seal": f"UPDATE seal SET digest = '0' WHERE subject = '{KEY}'",
    "no seal": f"DELETE FROM seal WHERE subject = '{KEY}'",
}


@pytest.mark.parametrize("sql", CHANGES.values(), ids=CHANGES)
def test_a_changed_result_is_named_and_no_other(filled: Database, sql: str) -> None:
    assert broken(filled) == []
    change(filled, sql)
    assert broken(filled) == [KEY]
    with filled.reading() as connection:
        assert seals.broken(connection, [KEY]) == [KEY]
        assert seals.broken(connection, [evaluate_job("gaussian", "none", 0).key]) == []
    assert any(KEY in problem for problem in upkeep.check(filled).problems)
    with pytest.raises(DatabaseUnusable, match=rf"1 result is not as recorded \(job {KEY}\).*run-suite study"):
        require_intact(filled, "study", "smoke")


def test_a_result_that_a_damaged_index_hides_is_named(filled_template: Path, tmp_path: Path) -> None:
    """Views join evaluations by their keys, and know nothing of one that the index of keys has no more."""
    file = Path(shutil.copy(filled_template, tmp_path))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_evaluation_1'"
        [[page]], [[size]] = (connection.execute(sql).fetchall() for sql in (root, "PRAGMA page_size"))
    content = file.read_bytes()
    index = content[(page - 1) * size : page * size]
    assert KEY.encode() in index
    altered = index.replace(KEY.encode(), b"0" * len(KEY))
    file.write_bytes(content[: (page - 1) * size] + altered + content[page * size :])
    with open_database(file, create=False) as database:
        hidden = f"SELECT count(*) FROM v_jobs WHERE job = '{KEY}'"
        assert relations.answer(database, hidden).rows == ((0,),)
        with pytest.raises(DatabaseUnusable, match=rf"not as recorded \(job {KEY}\)"):
            require_intact(database, "study", "smoke")


UNSEALED = {
    *("claim", "runner"),  # who does a job, and that it lives, is no part of a result
    "suite.planned_at",
    *("data_split.n", "data_split.generated", "data_split.origin"),  # beside the digest, each plan's to say
}
"""Tables and columns that are under no seal, beside the numbers of rows."""
SEALED = [
    (table, column.name)
    for table in schema.Base.metadata.sorted_tables
    for column in table.columns
    if column.name != "id" and not {table.name, str(column)} & UNSEALED
]


@pytest.fixture(scope="module")
def every_kind(filled_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with finished jobs alone, of every kind, and rows in every table that is sealed."""
    file = shutil.copy(filled_template, tmp_path_factory.mktemp("sealed"))
    with open_database(f"sqlite:///{file}") as database:
        plan_and_record_all_kinds(database)
        with database.reading() as connection:
            assert everything_broken(connection) == []
        yield database


@pytest.mark.parametrize(("table", "column"), SEALED, ids=[f"{table.name}.{column}" for table, column in SEALED])
def test_every_column_of_every_row_of_a_result_is_sealed(every_kind: Database, table: Table, column: str) -> None:
    """Whether it had a value before or not."""
    keys = [each.name for each in table.primary_key]
    with every_kind.reading() as connection:
        found = connection.execute(text(f"SELECT {', '.join(keys)}, {column}, typeof({column}) FROM {table}")).all()
    kinds = {"integer": int, "real": float, "text": str}
    of_column = {"Whole": int, "Flag": int, "Real": float}.get(type(table.c[column].type).__name__, str)
    changed = set()
    for *row, value, kind in found:
        if kind in changed:
            continue
        changed.add(kind)
        where = " AND ".join(f"{key} = :key_{key}" for key in keys)
        given = {f"key_{key}": part for key, part in zip(keys, row, strict=True)}
        given["new"] = other(kinds.get(kind, of_column), value, column)
        sql = f"UPDATE {table} SET {column} = :new WHERE {where}"
        assert named(every_kind, sql, given), f"{kind} {value!r} became {given['new']!r}"
    assert changed


def other(kind: type, value: Any, column: str) -> Any:
    """Another value of a column; of a number of a row one that is of none, or of the first if there was none."""
    if kind is int and (value is None or column == "git_dirty"):
        return 1 - (value or 0)
    return (value or kind()) + {int: 1000, float: 0.125, str: "x"}[kind]  # type: ignore[operator]


def named(db: Database, sql: str, given: dict[str, Any]) -> list[Any]:
    """What is not as it was recorded after a change, which no constraint refuses and which is taken back."""
    with db.engine.connect() as connection:
        db.dialect.without_foreign_keys(connection)
        with connection.begin() as transaction:
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            assert connection.execute(text(sql), given).rowcount == 1
            found = everything_broken(connection)
            transaction.rollback()
        connection.invalidate()
    return found


def everything_broken(connection: Connection) -> list[Any]:
    return [*seals.broken(connection), *seals.broken_suites(connection), *seals.broken_environments(connection)]


def test_a_plan_that_is_gone_is_named(filled: Database) -> None:
    change(filled, "DELETE FROM place")
    change(filled, "DELETE FROM suite")
    with filled.reading() as connection:
        assert seals.broken_suites(connection) == ["study/smoke"]
        assert seals.broken_suites(connection, ("study", "smoke")) == ["study/smoke"]
        assert seals.broken_suites(connection, ("other", "smoke")) == []
    assert [problem for problem in upkeep.check(filled).problems if "the plan of study/smoke is not" in problem]


def test_a_training_and_all_of_its_model_are_sealed(filled: Database) -> None:
    key = train_job("threshold", 0).key
    change(filled, f"UPDATE gamma SET gamma = 0.375 WHERE model_id = (SELECT id FROM model WHERE key = '{key}')")
    assert broken(filled) == [key]
    change(filled, f"UPDATE model SET alpha = 11 WHERE key = '{key}'")
    assert len(broken(filled)) == 1 + 5


def test_what_a_suite_compares_with_is_sealed_with_its_plan(db: Database) -> None:
    write_plan(db, loaded("robust", baseline="plain"), "study", "smoke", "A study")
    with db.reading() as connection:
        assert seals.broken_suites(connection) == []
    change(db, "UPDATE place SET baseline = 'none' WHERE seed = 1 AND evaluation = ''")
    with db.reading() as connection:
        assert seals.broken_suites(connection) == ["study/smoke"]


def test_a_plan_and_an_environment_are_sealed_too(filled: Database) -> None:
    change(filled, "UPDATE place SET condition = 'nine' WHERE condition = 'none' AND seed = 1")
    with filled.reading() as connection:
        assert seals.broken_suites(connection) == ["study/smoke"]
    with pytest.raises(DatabaseUnusable, match="the plan of study"):
        require_intact(filled, "study", "smoke")
    write_plan(filled, planned(), "study", "smoke", "A study")
    require_intact(filled, "study", "smoke")
    change(filled, "UPDATE environment SET python = '3.11.8'")
    with pytest.raises(DatabaseUnusable, match="restore the newest backup"):
        require_intact(filled, "study", "smoke")


def test_mending_forgets_what_is_damaged_and_its_identity_is_written_anew(filled: Database) -> None:
    before = {view: sorted(relations.rows(filled, view).rows, key=str) for view in ("v_models", "v_curves", "v_gammas")}
    damaged = train_job("threshold", 0)
    change(filled, f"UPDATE model SET alpha = 11, spec = '{{}}' WHERE key = '{damaged.key}'")
    by_key = {each.key: each for each in planned()}
    forgotten = mend(filled, by_key)
    assert damaged.key in forgotten
    assert len(forgotten) == 6
    write_plan(filled, planned(), "study", "smoke", "A study")
    states = job_states(filled, by_key)
    assert {key for key, state in states.items() if state.state == "waiting"} == set(forgotten)
    assert relations.answer(filled, f"SELECT alpha FROM model WHERE key = '{damaged.key}'").rows == ((10.0,),)
    assert broken(filled) == []
    assert mend(filled, by_key) == []
    kept = relations.rows(filled, "v_curves").rows
    assert set(kept) < set(before["v_curves"])


def everything(db: Database) -> dict[str, list[object]]:
    """What the database says, but for times."""
    found = {name: relations.rows(db, name).rows for name in views.PUBLIC if name not in ("v_models", "v_jobs")}
    for facts in ("key, kind, state, work FROM job", "key, seed, spec, target, alpha, threshold FROM model"):
        found[facts] = relations.answer(db, f"SELECT {facts}").rows
    return {name: sorted(rows, key=str) for name, rows in found.items()}


def test_what_was_mended_and_done_again_is_what_it_was(filled: Database) -> None:
    before = everything(filled)
    by_key = {each.key: each for each in planned()}
    damaged = train_job("threshold", 1).key
    mend(filled, by_key, lost=[KEY])  # so that one evaluation of the model only waits, and vouches for nothing
    write_plan(filled, planned(), "study", "smoke", "A study")
    change(filled, f"UPDATE model SET alpha = 11, spec = '{{}}' WHERE key = '{damaged}'")
    change(filled, f"UPDATE job SET kind = 'load', work = 3 WHERE key = '{damaged}'")
    mend(filled, by_key)
    write_plan(filled, planned(), "study", "smoke", "A study")
    write.finish_training(filled, damaged, training_result(GAMMAS), ORIGIN, 4.0)
    for name, result in results("threshold", 1).items():
        write.finish_evaluation(filled, evaluate_job(name, "threshold", 1).key, result, ORIGIN, 2.0)
    assert everything(filled) == before
    assert upkeep.check(filled).problems == ()


def test_results_whose_files_are_lost_are_forgotten_as_well(filled: Database) -> None:
    assert mend(filled, {each.key: each for each in planned()}, lost=[KEY]) == [KEY]
    write_plan(filled, planned(), "study", "smoke", "A study")
    write.start(filled, KEY, "Test CPU")
    write.finish_evaluation(filled, KEY, curve(0.5, 0.25), ORIGIN, 1.0)
    assert broken(filled) == []


def test_mending_one_result_leaves_those_whole_that_an_older_version_recorded_of_the_same_model(
    filled: Database,
) -> None:
    """Its specs had fewer fields, so that its models' rows are not what would be written today."""
    older = "UPDATE model SET spec = '{}'"
    change(filled, older)
    with filled.transaction() as session:
        seals.seal(session.connection(), [each.key for each in planned()])
    assert broken(filled) == []
    by_key = {each.key: each for each in planned()}
    assert mend(filled, by_key, lost=[KEY]) == [KEY]
    assert broken(filled) == []
    assert relations.answer(filled, "SELECT count(*) FROM model WHERE spec <> '{}'").rows == ((0,),)


def test_seals_are_the_same_on_both_databases(db: Database, filled_sqlite: Database) -> None:
    """But for times, which differ between two runs: they are made equal first."""
    fill(db)
    times = "UPDATE job SET planned_at = 'p', started_at = 's', finished_at = 'f'"
    found = []
    for each in (db, filled_sqlite):
        change(each, times)
        with each.reading() as connection:
            found.append(seals.digests(connection, [job.key for job in planned()]))
    assert found[0] == found[1]


def test_an_upgrade_seals_what_an_older_version_recorded(filled_sqlite: Database) -> None:
    with filled_sqlite.engine.connect() as connection:
        filled_sqlite.dialect.without_foreign_keys(connection)
        with connection.begin():
            migrations.migrate(connection, "0002")
        connection.invalidate()
    upkeep.upgrade(str(filled_sqlite.engine.url))
    with open_database(str(filled_sqlite.engine.url)) as db:
        assert upkeep.check(db).problems == ()
        assert relations.answer(db, "SELECT count(*) FROM seal").rows[0][0] > 20


def test_a_clock_that_was_set_back_ends_no_job_before_its_start(db: Database) -> None:
    write_plan(db, planned(), "study", "smoke", "A study")
    key = train_job("none", 0).key
    write.start(db, key, "Test CPU")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="microseconds")
    change(db, f"UPDATE job SET started_at = '{tomorrow}' WHERE key = '{key}'")
    write.fail(db, key, "it broke")
    assert relations.answer(db, f"SELECT finished_at FROM job WHERE key = '{key}'").rows == ((tomorrow,),)
