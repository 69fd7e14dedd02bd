from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SpecError, UnknownName
from harness.store import relations
from harness.store.engine import Database


def test_views_are_filtered_by_value_list_and_null(filled: Database) -> None:
    assert len(relations.rows(filled, "v_models", condition="none", seed=0).rows) == 1
    assert len(relations.rows(filled, "v_models", seed=[0, 1]).rows) == 4
    assert len(relations.rows(filled, "v_models", alpha=None).rows) == 2
    assert len(relations.rows(filled, "v_models", seed=[]).rows) == 0


def test_a_view_or_table_is_named_or_the_nearest_name_is(filled: Database) -> None:
    assert relations.named(filled, "suite").columns == relations.rows(filled, "suite").columns
    with pytest.raises(UnknownName, match="no view or table called 'v_model'; did you mean 'v_models'"):
        relations.named(filled, "v_model")


def test_tables_are_frames_with_the_columns_of_the_view(filled: Database) -> None:
    frame = relations.frame(filled, "v_curves", evaluation="gaussian", condition="threshold")
    assert sorted(frame["epsilon"].unique()) == [0.0, 0.1]
    assert frame["accuracy"].dtype == float
    empty = relations.frame(filled, "v_curves", suite="unknown")
    assert list(empty.columns) == list(frame.columns)


def test_sql_is_taken_as_it_is_written(filled: Database) -> None:
    found = relations.answer(filled, "SELECT ':name' AS a, '50%' AS b, '%s' AS c")
    assert (found.columns, found.rows) == (("a", "b", "c"), ((":name", "50%", "%s"),))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM v_nothing",
        "SELEC 1",
        "SELECT 1; SELEC",
        "",
        "CREATE TABLE a (b INT)",
        "SELECT 'not UTF-8: \udcff'",
    ],
)
def test_wrong_sql_is_one_line(filled: Database, sql: str) -> None:
    with pytest.raises(SpecError, match=r"^SQL: [^\n]+$"):
        relations.answer(filled, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM job",
        "COMMIT",
        "COMMIT; DELETE FROM job",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = 0",
        "PRAGMA busy_timeout = 0",
        "PRAGMA writable_schema = 1",
        "ATTACH DATABASE 'attached.sqlite' AS other",
        "VACUUM INTO 'copied.sqlite'",
        "SELECT load_extension('anything')",
        "WITH gone AS (SELECT 1) DELETE FROM job",
    ],
)
def test_a_question_cannot_change_anything(
    filled: Database, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = relations.answer(filled, "SELECT count(*) FROM job")
    with pytest.raises(SpecError, match=r"^SQL: [^\n]+$"):
        relations.answer(filled, sql)
    assert relations.answer(filled, "SELECT count(*) FROM job") == before
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(("attached", "copied"))]


def test_a_question_without_end_is_stopped(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "SQL_SECONDS", 0.05)
    with pytest.raises(SpecError, match=r"SQL: stopped after 0\.05 seconds"):
        relations.answer(
            filled, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        )


def test_an_answer_that_fills_the_memory_is_refused(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "MOST_ROWS", 2)
    assert len(relations.answer(filled, "SELECT 1 UNION ALL SELECT 2").rows) == 2
    with pytest.raises(SpecError, match="more than 2 rows"):
        relations.answer(filled, "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")


def test_a_question_may_ask_what_there_is(filled: Database) -> None:
    assert relations.answer(filled, "SELECT upper('a') AS a").rows == (("A",),)
    if filled.path:  # SQLite
        assert "state" in {row[1] for row in relations.answer(filled, "PRAGMA table_info(job)").rows}
