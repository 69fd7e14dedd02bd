from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_study import (
    ORIGIN,
    TEST_DATA,
    accuracy,
    diverged_result,
    evaluate_job,
    planned,
    train_job,
    training_result,
)

from harness.errors import SpecError
from harness.measurement import EvaluationResult, Measurement
from harness.spec import EvaluateJob, OwnMinimalAttackSpec, Place, PlannedJob
from harness.store import read, write
from harness.store.engine import Database


def test_states_are_those_of_known_jobs(filled: Database) -> None:
    training, evaluation = train_job().key, evaluate_job().key
    states = read.job_states(filled, [training, evaluation, "0" * 16])
    assert set(states) == {training, evaluation}
    assert states[training].weights == "best-0123.safetensors"
    assert states[evaluation].weights is None
    assert read.job_states(filled, []) == {}


def test_rates_are_work_per_second_of_finished_jobs_on_that_device(filled: Database) -> None:
    width = train_job().spec.network.base_width
    by_kind = {
        "train": 25.0, "clean": 5.0, "gaussian": 5.0, "fgsm_transfer": 5.0, "boundary": 5.0, "corruption": 5.0,
    }  # fmt: skip
    assert read.rates(filled, "Test CPU") == {(kind, width): rate for kind, rate in by_kind.items()}
    assert read.rates(filled, "Another CPU") == {}


def test_views_are_filtered_by_value_list_and_null(filled: Database) -> None:
    assert len(read.relation(filled, "v_models", condition="none", seed=0).rows) == 1
    assert len(read.relation(filled, "v_models", seed=[0, 1]).rows) == 4
    assert len(read.relation(filled, "v_models", alpha=None).rows) == 2
    assert len(read.relation(filled, "v_models", seed=[]).rows) == 0


def test_tables_are_frames_with_the_columns_of_the_view(filled: Database) -> None:
    frame = read.frame(filled, "v_curves", evaluation="gaussian", condition="threshold")
    assert sorted(frame["epsilon"].unique()) == [0.0, 0.1]
    assert frame["accuracy"].dtype == float
    empty = read.frame(filled, "v_curves", suite="unknown")
    assert list(empty.columns) == list(frame.columns)


def test_sql_is_taken_as_it_is_written(filled: Database) -> None:
    found = read.answer(filled, "SELECT ':name' AS a, '50%' AS b, '%s' AS c")
    assert (found.columns, found.rows) == (("a", "b", "c"), ((":name", "50%", "%s"),))


@pytest.mark.parametrize("sql", ["SELECT * FROM v_nothing", "SELEC 1", "SELECT 1; SELEC", "", "CREATE TABLE a (b INT)"])
def test_wrong_sql_is_one_line(filled: Database, sql: str) -> None:
    with pytest.raises(SpecError, match=r"^SQL: [^\n]+$"):
        read.answer(filled, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM job",
        "COMMIT",
        "COMMIT; DELETE FROM job",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = 0",
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
    before = read.answer(filled, "SELECT count(*) FROM job")
    with pytest.raises(SpecError, match=r"^SQL: [^\n]+$"):
        read.answer(filled, sql)
    assert read.answer(filled, "SELECT count(*) FROM job") == before
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(("attached", "copied"))]


def test_a_question_without_end_is_stopped(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "SQL_SECONDS", 0.05)
    with pytest.raises(SpecError, match=r"SQL: stopped after 0\.05 seconds"):
        read.answer(filled, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")


def test_an_answer_that_fills_the_memory_is_refused(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MOST_ROWS", 2)
    assert len(read.answer(filled, "SELECT 1 UNION ALL SELECT 2").rows) == 2
    with pytest.raises(SpecError, match="more than 2 rows"):
        read.answer(filled, "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")


def test_a_question_may_ask_what_there_is(filled: Database) -> None:
    assert read.answer(filled, "SELECT upper('a') AS a").rows == (("A",),)
    if filled.path:  # SQLite
        assert "state" in {row[1] for row in read.answer(filled, "PRAGMA table_info(job)").rows}


def test_median_distances_say_their_norm_and_are_missing_where_they_are_infinite(db: Database) -> None:
    spec = OwnMinimalAttackSpec(function="mine.py:fmn", norm="linf")
    place = Place(suite="study", profile="smoke", condition="none", seed=0, evaluation="fmn")
    numbers = {
        0: Measurement(metric="median_linf", value=0.02, n=9, n_failed=1),
        1: Measurement(metric="median_linf", value=None, n=4, n_failed=6, reason="the median is infinite"),
    }
    jobs = [EvaluateJob(model=train_job(seed=seed), evaluation=spec, data=TEST_DATA) for seed in numbers]
    here = [PlannedJob(job=job, places=(replace(place, seed=seed),), work=1.0) for seed, job in enumerate(jobs)]
    write.plan(db, [*planned((0, 1), evaluations=("clean",)), *here], "study", "smoke", "A study")
    for seed, job in enumerate(jobs):
        result = EvaluationResult(measurements=(numbers[seed], accuracy(0.5, epsilon=0.1)))
        write.finish_evaluation(db, job.key, result, ORIGIN, 1.0)
    found = read.median_distances(db, "study", "smoke").set_index("seed").sort_index()
    assert found.loc[0].tolist() == ["none", "fmn", "linf", 0.02, 9, 1]
    assert math.isnan(found["distance"].loc[1])
    assert found[["n", "n_failed"]].loc[1].tolist() == [4, 6]
    assert [each.reason for each in read.missing(db, "study", "smoke") if each.state == read.NO_NUMBER] == [
        "the median is infinite"
    ]
    assert read.median_distances(db, "another", "smoke").empty
    images = read.images_behind(db, "study", "smoke").set_index("evaluation")
    assert images.loc["fmn"].tolist() == ["none", "own_minimal_attack", 10]


def test_missing_places_say_why(db: Database) -> None:
    jobs = planned(seeds=(0,), evaluations=("clean", "gaussian"))
    blocked = "no digits; harness data prepare digits"
    jobs = [
        PlannedJob(job=job.job, places=job.places, work=1.0, blocked=blocked if job == jobs[1] else None)
        for job in jobs
    ]
    write.plan(db, jobs, "study", "smoke", "A study")
    write.finish_training(db, train_job("none").key, training_result(), ORIGIN, 1.0)
    write.finish_training(db, train_job("threshold").key, diverged_result(), ORIGIN, 1.0)
    found = [(each.condition, each.evaluation, each.state, each.reason) for each in read.missing(db, "study", "smoke")]
    why = "epoch 1, step 3: loss is nan"
    assert found == [
        ("none", "clean", "blocked", blocked),
        ("none", "gaussian", "waiting", read.NOT_RUN),
        ("threshold", None, "diverged", why),
        ("threshold", "clean", "blocked", f"its model's training diverged: {why}"),
        ("threshold", "gaussian", "blocked", f"its model's training diverged: {why}"),
    ]


def test_what_waits_for_a_failed_training_says_so(db: Database) -> None:
    write.plan(db, planned(seeds=(0,), evaluations=("clean",)), "study", "smoke", "A study")
    write.fail(db, train_job().key, "out of memory")
    reasons = {each.evaluation: each.reason for each in read.missing(db, "study", "smoke") if each.condition == "none"}
    assert reasons == {None: "out of memory", "clean": "out of memory"}


def test_a_finished_suite_misses_nothing(filled: Database) -> None:
    assert read.missing(filled, "study", "smoke") == []
