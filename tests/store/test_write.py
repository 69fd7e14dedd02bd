from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from recorded_study import (
    CONDITIONS,
    EVALUATIONS,
    ORIGIN,
    accuracy,
    boundary_result,
    curve,
    evaluate_job,
    planned,
    train_job,
)
from sqlalchemy import func, select, text
from trainings import DIVERGED, training_result

from harness.errors import AlreadyRecorded, StoreError
from harness.measurement import EvaluationResult, ImageResult, Measurement, TrainingResult
from harness.spec import Place, PlannedJob
from harness.store import relations, runners, schema, seals, write
from harness.store.engine import Database
from harness.store.jobs import JobState, job_states
from harness.store.mending import forget_training
from harness.store.origins import SplitOrigin
from harness.store.plan import write_plan
from harness.store.upkeep import check


def count(db: Database, table: str) -> int:
    with db.reading() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")))


def contents(db: Database) -> dict[str, list[Any]]:
    """Every row of every table but the times of the suite's plan."""
    with db.reading() as connection:
        return {
            name: sorted(
                connection.execute(select(*[c for c in table.c if c.name not in {"planned_at", "id"}])), key=str
            )
            for name, table in schema.Base.metadata.tables.items()
        }


def plan(db: Database, jobs: list[PlannedJob] | None = None, suite: str = "study", **more: Any) -> None:
    write_plan(db, planned(suite=suite) if jobs is None else jobs, suite, "smoke", "A study", **more)


def state(db: Database, key: str) -> JobState:
    return job_states(db, [key])[key]


def trained(db: Database, condition: str = "none", seed: int = 0) -> str:
    key = train_job(condition, seed).key
    write.start(db, key, "Test CPU")
    write.finish_training(db, key, training_result(), ORIGIN, 4.0)
    return key


def evaluated(db: Database, result: EvaluationResult, name: str = "gaussian") -> str:
    key = evaluate_job(name).key
    write.start(db, key, "Test CPU")
    write.finish_evaluation(db, key, result, ORIGIN, 2.0)
    return key


def test_planning_twice_changes_nothing(db: Database) -> None:
    plan(db)
    before = contents(db)
    plan(db)
    assert contents(db) == before
    assert count(db, "job") == 1 + 2 * 2 * 6
    assert count(db, "place") == 2 * 2 * 6


def test_suites_share_models_and_jobs(db: Database) -> None:
    plan(db)
    plan(db, suite="other")
    assert count(db, "job") == 1 + 2 * 2 * 6
    assert count(db, "place") == 2 * (2 * 2 * 6)


def test_a_new_plan_replaces_the_places_and_forgets_what_never_ran(db: Database) -> None:
    plan(db)
    done = trained(db, seed=1)
    plan(db, planned(seeds=(0,)))
    assert count(db, "place") == 2 * 6
    keys = {job.job.key for job in planned(seeds=(0,))}
    with db.reading() as connection:
        assert set(connection.scalars(select(schema.Job.key))) == keys | {done}


def test_a_plan_with_a_place_in_another_suite_is_refused(db: Database) -> None:
    elsewhere = Place(suite="other", profile="smoke", condition="none", seed=0, evaluation=None)
    with pytest.raises(ValueError, match="other"):
        plan(db, [PlannedJob(job=train_job(), places=(elsewhere,), work=1.0)])
    assert count(db, "job") == 0


def test_blocked_jobs_say_why_and_wait_once_the_plan_says_so(db: Database) -> None:
    place = Place(suite="study", profile="smoke", condition="none", seed=0, evaluation=None)
    job = PlannedJob(job=train_job(), places=(place,), work=1.0, blocked="no digits; harness data prepare digits")
    plan(db, [job])
    assert state(db, train_job().key).state == "blocked"
    assert "harness data prepare" in (state(db, train_job().key).reason or "")
    assert count(db, "data_split") == 0  # what is missing has no content
    plan(db)
    assert (state(db, train_job().key).state, state(db, train_job().key).reason) == ("waiting", None)


def test_a_plan_never_touches_what_runs_failed_or_is_done(db: Database) -> None:
    plan(db)
    done = trained(db)
    running, failed = train_job(seed=1).key, train_job("threshold").key
    write.start(db, running, "Test CPU")
    write.fail(db, failed, "out of memory")
    plan(db)
    assert [state(db, key).state for key in (done, running, failed)] == ["done", "running", "failed"]
    assert state(db, failed).reason == "out of memory"


def test_what_is_known_of_data_is_kept(db: Database) -> None:
    facts = SplitOrigin(name="digits", split="train", sha256="a" * 64, n=1500, generated=False, origin="scikit-learn")
    plan(db, splits=[facts])
    plan(db)
    with db.reading() as connection:
        row = connection.execute(select(schema.DataSplit.__table__).where(schema.DataSplit.split == "train")).one()
    assert (row.n, row.generated, row.origin) == (1500, False, "scikit-learn")
    assert count(db, "data_split") == 2


def test_a_training_is_recorded_whole(db: Database) -> None:
    plan(db)
    key = train_job("threshold").key
    write.start(db, key, "Test CPU")
    gammas = (0.1, 0.2, 0.3, 0.2, 0.2)
    write.finish_training(db, key, training_result(gammas), ORIGIN, 4.0)
    assert state(db, key) == JobState(
        state="done", attempts=1, reason=None, weights="weights-0123.safetensors", weights_sha256="d" * 64
    )
    with db.reading() as connection:
        rows = connection.execute(select(schema.Gamma.tap, schema.Gamma.gamma).where(schema.Gamma.epoch == 0)).all()
        assert [tuple(row) for row in rows] == list(enumerate(gammas))
        assert connection.scalar(select(func.count()).select_from(schema.Epoch)) == 2
        job = connection.execute(select(schema.Job.__table__).where(schema.Job.key == key)).one()
    assert (job.seconds, job.device, job.command) == (4.0, "Test CPU", "harness run-suite study")
    assert job.started_at <= job.finished_at
    assert job.finished_at.utcoffset().total_seconds() == 0


def test_a_diverged_training_blocks_the_evaluations_that_need_it(db: Database) -> None:
    plan(db)
    substitute = train_job("none", 10_000).key
    write.start(db, substitute, "Test CPU")
    write.finish_training(db, substitute, DIVERGED, ORIGIN, 4.0)
    assert state(db, substitute).state == "diverged"
    attack = state(db, evaluate_job("fgsm_transfer").key)
    assert attack.state == "blocked"
    assert attack.reason == "its substitute's training diverged: epoch 1, step 3: loss is nan"
    assert state(db, evaluate_job("gaussian").key).state == "waiting"
    plan(db)
    assert state(db, evaluate_job("fgsm_transfer").key).state == "blocked"


def test_equal_environments_are_one_row(db: Database) -> None:
    plan(db)
    trained(db)
    trained(db, seed=1)
    assert count(db, "environment") == 1


@pytest.mark.parametrize("again", [
    lambda db, key: write.finish_training(db, key, training_result(epochs=5), ORIGIN, 1.0),
    lambda db, key: write.start(db, key, "Test CPU"),
    lambda db, key: write.fail(db, key, "late news"),
])  # fmt: skip
def test_what_is_recorded_is_never_written_again(db: Database, again: Callable[[Database, str], None]) -> None:
    plan(db)
    key = trained(db)
    before = contents(db)
    with pytest.raises(AlreadyRecorded, match=key):
        again(db, key)
    assert contents(db) == before


def test_a_second_evaluation_result_is_refused(db: Database) -> None:
    plan(db)
    key = evaluated(db, curve(0.9, 0.5))
    before = contents(db)
    with pytest.raises(AlreadyRecorded):
        write.finish_evaluation(db, key, curve(0.1, 0.1), ORIGIN, 1.0)
    assert contents(db) == before


def test_a_result_that_cannot_be_stored_leaves_nothing(db: Database) -> None:
    plan(db)
    before = contents(db)
    twice = EvaluationResult(measurements=(accuracy(0.5, epsilon=0.1), accuracy(0.6, epsilon=0.1)))
    with pytest.raises(StoreError, match="does not take this result"):
        write.finish_evaluation(db, evaluate_job().key, twice, ORIGIN, 1.0)
    assert contents(db) == before


def test_a_job_of_no_plan_is_refused(db: Database) -> None:
    with pytest.raises(StoreError, match="no plan"):
        write.start(db, "0" * 16, "Test CPU")


def test_failed_and_interrupted_jobs_can_run_again(db: Database) -> None:
    plan(db)
    key = train_job().key
    write.start(db, key, "Test CPU")
    write.fail(db, key, "out of memory")
    assert state(db, key).reason == "out of memory"
    write.start(db, key, "Test CPU")
    assert runners.release(db, None) == 1
    assert runners.release(db, None) == 0
    assert state(db, key).state == "waiting"
    trained(db)
    assert (state(db, key).state, state(db, key).attempts) == ("done", 3)


def test_a_job_that_is_started_again_has_neither_end_nor_reason(db: Database) -> None:
    plan(db)
    key = train_job().key
    write.start(db, key, "Test CPU")
    write.fail(db, key, "out of memory")
    ends = f"SELECT finished_at IS NULL, reason, device FROM job WHERE key = '{key}'"
    assert relations.answer(db, ends).rows == ((0, "out of memory", "Test CPU"),)
    write.start(db, key, "Another CPU")
    assert relations.answer(db, ends).rows == ((1, None, "Another CPU"),)


def test_a_training_whose_weights_are_lost_waits_again(db: Database) -> None:
    plan(db)
    before = contents(db)
    key = trained(db)
    forget_training(db, key)
    assert (state(db, key).state, state(db, key).weights) == ("waiting", None)
    assert contents(db)["epoch"] == before["epoch"]
    trained(db)
    forget_training(db, train_job(seed=1).key)  # never trained: nothing to forget
    assert state(db, train_job(seed=1).key).state == "waiting"
    write.start(db, train_job(seed=1).key, "Test CPU")
    forget_training(db, train_job(seed=1).key)
    assert state(db, train_job(seed=1).key).state == "running"


def test_evaluations_wait_again_where_training_again_gave_other_weights(filled: Database) -> None:
    own, substitute = train_job("none", 0).key, train_job("none", 10_000).key
    theirs = {evaluate_job(name, "none", 0).key for name in EVALUATIONS}
    attacks = {evaluate_job("fgsm_transfer", condition, seed).key for condition in CONDITIONS for seed in (0, 1)}
    other = replace(training_result(), weights="weights-ff.safetensors", weights_sha256="ff")

    def train_again(key: str, result: TrainingResult) -> set[str]:
        forget_training(filled, key)
        return set(write.finish_training(filled, key, result, ORIGIN, 4.0))

    assert [train_again(key, training_result()) for key in (own, substitute)] == [set(), set()]
    assert train_again(own, other) == theirs
    assert train_again(substitute, other) == attacks - theirs
    with filled.reading() as connection:
        waiting = set(connection.scalars(select(schema.Job.key).where(schema.Job.state == "waiting")))
        numbers = select(schema.Evaluation.key).join(schema.Measurement)
        assert not waiting & set(connection.scalars(numbers))
    assert waiting == theirs | attacks
    assert check(filled).problems == ()
    for key in sorted(waiting):
        write.finish_evaluation(filled, key, EvaluationResult(measurements=(accuracy(0.5),)), ORIGIN, 2.0)
    assert train_again(own, other) == set()


@pytest.mark.parametrize("known", [True, False], ids=["of known weights", "of an older version"])
def test_no_result_stays_of_a_model_whose_training_again_diverged(filled: Database, known: bool) -> None:
    own = train_job("none", 0).key
    theirs = [evaluate_job(name, "none", 0).key for name in EVALUATIONS]
    if not known:
        with filled.transaction() as session:
            session.execute(text("UPDATE evaluation SET weights_sha256 = NULL, substitute_sha256 = NULL"))
            seals.seal(session.connection(), [each.key for each in planned()])
    forget_training(filled, own)
    forgotten = write.finish_training(filled, own, DIVERGED, ORIGIN, 4.0)
    plan(filled)
    assert check(filled).problems == ()
    assert sorted(forgotten) == sorted(theirs)
    assert {(state(filled, key).state, state(filled, key).reason) for key in theirs} == {
        ("blocked", f"its model's training diverged: {DIVERGED.reason}")
    }
    assert state(filled, evaluate_job("gaussian", "threshold", 0).key).state == "done"


def test_losses_that_are_not_finite_are_kept_as_missing(db: Database) -> None:
    plan(db)
    key = train_job().key
    reports = [replace(report, validation_loss=math.nan) for report in training_result().epochs]
    write.finish_training(db, key, replace(DIVERGED, epochs=tuple(reports)), ORIGIN, 4.0)
    with db.reading() as connection:
        assert set(connection.scalars(select(schema.Epoch.validation_loss))) == {None}


def test_missing_numbers_keep_their_reason(db: Database) -> None:
    plan(db)
    numbers = (accuracy(None, n=0, epsilon=0.0, reason="logits are nan"), accuracy(0.5, epsilon=0.1))
    evaluated(db, EvaluationResult(measurements=numbers))
    with db.reading() as connection:
        rows = connection.execute(text("SELECT value, reason FROM measurement ORDER BY epsilon")).all()
    assert [tuple(row) for row in rows] == [(None, "logits are nan"), (0.5, None)]


def test_numpy_scalars_are_stored_as_numbers(db: Database) -> None:
    plan(db)
    number = Measurement(
        metric="score", value=np.float32(0.25), n=np.int64(7), epsilon=np.float64(0.1), repeat=np.int32(1),
        n_failed=np.uint8(2),
    )  # fmt: skip
    image = ImageResult(
        image=np.int64(3), repeat=np.int64(1), distance=np.float32(0.5), start_distance=None, queries=np.int64(9),
        outcome="ok",
    )  # fmt: skip
    evaluated(db, EvaluationResult(measurements=(number,), images=(image,), images_classified=np.int64(5)))
    with db.reading() as connection:
        row = connection.execute(text("SELECT value, n, epsilon, repeat, n_failed FROM measurement")).one()
        assert tuple(row) == (0.25, 7, 0.1, 1, 2)
        assert [type(value) for value in row] == [float, int, float, int, int]
        assert tuple(connection.execute(text("SELECT image, distance, queries FROM image_result")).one()) == (3, 0.5, 9)
        assert connection.scalar(text("SELECT images_classified FROM job WHERE state = 'done'")) == 5


def test_a_boundary_result_of_thousands_of_images_is_recorded_at_once(db: Database) -> None:
    plan(db)
    evaluated(db, boundary_result(*[0.01] * 5, images=1000), "boundary")
    assert count(db, "image_result") == 5000
