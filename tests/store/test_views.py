"""The contract of the views: their columns exactly, their values by hand."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import statistics
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch
from recorded_study import (
    CLEAN,
    DATA,
    GAMMAS,
    NOISY,
    NONE,
    ORIGIN,
    SCORE,
    accuracy,
    boundary_result,
    curve,
    evaluate_job,
    loaded,
    planned,
    record_loaded,
    results,
    train_job,
)
from sqlalchemy import text
from trainings import DIVERGED, TRAINED, training_result

from harness.evaluations.boundary.evaluation import summary
from harness.measurement import EvaluationResult, ImageResult, Measurement, TrainingResult
from harness.spec import (
    AnalyseJob,
    BoundarySpec,
    CleanSpec,
    EvaluateJob,
    LoadJob,
    NoiseSpec,
    Place,
    PlannedJob,
    RobustBenchSpec,
    SimilaritySpec,
    SpectrumSpec,
    TrainJob,
)
from harness.store import migrations, relations, views, write
from harness.store.arrays import SavedArray
from harness.store.engine import Database
from harness.store.jobs import job_states
from harness.store.plan import write_plan

COMMON = (
    "suite, profile, condition, classification, regularization, target, alpha, threshold, architecture, color, seed"
)
OVER_SEEDS = COMMON.removesuffix(", seed")
COLUMNS = {
    "v_models": f"{COMMON}, model_id, pair_range, n_images, pairs_per_batch, base_width, status, best_epoch,"
    " clean_accuracy, train_seconds, device, git_commit, spec_digest, git_dirty",
    "v_gammas": f"{COMMON}, tap, gamma",
    "v_curves": f"{COMMON}, evaluation, epsilon, accuracy, n",
    "v_curve_summary": f"{OVER_SEEDS}, evaluation, epsilon, n_seeds, mean, sem",
    "v_corruptions": f"{COMMON}, corruption, frequency, severity, accuracy, n",
    "v_boundary": f"{COMMON}, steps, score, repeats, n, n_failed, queries, start_score, evaluation, score_all_images",
    "v_acceptable": f"{OVER_SEEDS}, evaluation, epsilon, n_seeds, r0, u0, rd, ud, clean_ratio, distorted_ratio,"
    " acceptable",
    "v_spectra": f"{COMMON}, evaluation, frequency, power, n",
    "v_analyses": "suite, profile, analysis, kind, metric, point, value, n",
    "v_arrays": "suite, profile, condition, seed, evaluation, kind, name, file, sha256, shape",
    "v_jobs": f"{COMMON}, job, kind, state, attempts, reason, started_at, finished_at, seconds, device, evaluation",
}
NONE_COMMON = ("study", "smoke", "none", "digits", "none", "none", None, None, "resnet18", "gray")
THRESHOLD_COMMON = ("study", "smoke", "threshold", "digits", "digits", "threshold", 10.0, 0.8, "resnet18", "gray")


EXTERNAL = LoadJob(spec=RobustBenchSpec(model="Standard"), data={"robustbench-standard/weights": "e" * 64})
SPECTRUM = EvaluateJob(model=EXTERNAL, evaluation=SpectrumSpec(steps=10, n_images=2), data={})
ANALYSIS = AnalyseJob(spec=SimilaritySpec(recording="v1"), data={"v1/neural": "f" * 64})


def plan_and_record_all_kinds(db: Database) -> None:
    """A suite with an external model, its spectrum with an array, and an analysis."""
    here = {"suite": "kinds", "profile": "smoke"}
    places = (
        (EXTERNAL, Place(**here, condition="standard", seed=0, evaluation=None)),
        (SPECTRUM, Place(**here, condition="standard", seed=0, evaluation="spectrum")),
        (ANALYSIS, Place(**here, condition="", seed=0, evaluation="similarity")),
    )
    jobs = [PlannedJob(job=job, places=(place,), work=1.0) for job, place in places]
    write_plan(db, jobs, "kinds", "smoke", "Every kind of job")
    taken_in = replace(TRAINED, epochs=(), best_epoch=None, weights="Standard.pt", weights_sha256="e" * 64)
    write.finish_training(db, EXTERNAL.key, taken_in, ORIGIN, 1.0)
    power = tuple(Measurement(metric="power", value=1.0 / (1 + r), n=2, radius=r) for r in range(3))
    file = SavedArray(name="power", file=f"{SPECTRUM.key}/power.safetensors", sha256="1" * 64, shape=(4, 4))
    write.finish_evaluation(db, SPECTRUM.key, EvaluationResult(measurements=power), ORIGIN, 1.0, [file])
    correlation = EvaluationResult(measurements=(Measurement(metric="correlation", value=0.7, n=64),))
    write.finish_evaluation(db, ANALYSIS.key, correlation, ORIGIN, 1.0)


def rows(db: Database, view: str, order: str = "1") -> list[tuple[object, ...]]:
    return list(relations.answer(db, f"SELECT * FROM {view} ORDER BY {order}").rows)


def test_every_view_of_the_contract_is_tested() -> None:
    assert set(views.PUBLIC) == set(COLUMNS)


@pytest.mark.parametrize("view", COLUMNS)
def test_a_view_has_exactly_its_columns(db: Database, view: str) -> None:
    assert ", ".join(relations.rows(db, view).columns) == COLUMNS[view]


def test_changed_views_have_a_revision_of_their_own() -> None:
    newest = import_module(f"harness.store.migrations.versions.{_module(migrations.NEWEST)}")
    digest = hashlib.sha256("".join(f"{name}{sql}" for name, sql in views.VIEWS.items()).encode()).hexdigest()[:16]
    assert digest == newest.VIEWS, (
        "the views changed: add a revision with this VIEWS digest, so that existing databases get them"
    )


def _module(version: str) -> str:
    return next((migrations.FOLDER / "versions").glob(f"r{version}_*.py")).stem


def test_models(filled: Database) -> None:
    found = rows(filled, "v_models", "condition, seed")
    assert [row[:11] for row in found] == [
        (*common, seed) for common in (NONE_COMMON, THRESHOLD_COMMON) for seed in (0, 1)
    ]
    job = train_job("threshold", 1)
    tail = ("ok", 0, 0.6, 4.0, "Test CPU", "c" * 40, job.spec_digest, 0)
    assert found[3][11:] == (job.key, "all", 100, 16, 64, *tail)
    job = train_job("none", 0)
    tail = ("ok", 0, 0.8, 4.0, "Test CPU", "c" * 40, job.spec_digest, 0)
    assert found[0][11:] == (job.key, None, None, None, 64, *tail)


def test_diverged_models_are_shown_as_such(db: Database) -> None:
    write_plan(db, planned(), "study", "smoke", "A study")
    write.finish_training(db, train_job().key, DIVERGED, ORIGIN, 4.0)
    [row] = relations.frame(db, "v_models").to_dict("records")
    assert (row["status"], row["best_epoch"], row["clean_accuracy"]) == ("diverged", None, None)


def test_gammas_are_those_of_the_best_epoch(filled: Database) -> None:
    expected = [(*THRESHOLD_COMMON, seed, tap, gamma) for seed in (0, 1) for tap, gamma in enumerate(GAMMAS)]
    assert rows(filled, "v_gammas", "seed, tap") == expected


def test_curves(filled: Database) -> None:
    found = [row for row in rows(filled, "v_curves", "condition, seed, epsilon") if row[11] == "gaussian"]
    expected = [
        (*common, seed, "gaussian", epsilon, value[common[2], seed], 100)
        for common in (NONE_COMMON, THRESHOLD_COMMON)
        for seed in (0, 1)
        for epsilon, value in ((0.0, CLEAN), (0.1, NOISY))
    ]
    assert found == expected
    assert {row[11] for row in rows(filled, "v_curves")} == {"gaussian", "fgsm_transfer"}


def test_curve_summaries_have_mean_and_standard_error_over_seeds(filled: Database) -> None:
    found = [row for row in rows(filled, "v_curve_summary", "condition, epsilon") if row[10] == "gaussian"]
    assert [row[:13] for row in found] == [
        (*common, "gaussian", epsilon, 2) for common in (NONE_COMMON, THRESHOLD_COMMON) for epsilon in (0.0, 0.1)
    ]
    # for two seeds the standard error is half their distance
    expected = [(0.7, 0.1), (0.375, 0.125), (0.65, 0.05), (0.625, 0.125)]
    assert [row[13:] for row in found] == [pytest.approx(pair, abs=1e-15) for pair in expected]


def test_a_single_seed_has_no_standard_error_and_a_missing_number_no_weight(db: Database) -> None:
    write_plan(db, planned(), "study", "smoke", "A study")
    nothing = EvaluationResult(measurements=(accuracy(None, n=0, epsilon=0.1, reason="logits are nan"),))
    write.finish_evaluation(db, evaluate_job("gaussian", "none", 0).key, curve(0.9, 0.5), ORIGIN, 1.0)
    write.finish_evaluation(db, evaluate_job("gaussian", "none", 1).key, nothing, ORIGIN, 1.0)
    assert [row[11:] for row in rows(db, "v_curve_summary", "epsilon")] == [(0.0, 1, 0.9, None), (0.1, 1, 0.5, None)]
    assert (0.1, None, 0) in [row[12:] for row in rows(db, "v_curves")]


def test_standard_errors_of_nearly_equal_numbers_are_exact(db: Database) -> None:
    seeds = (0, 1, 2)
    write_plan(db, planned(seeds), "study", "smoke", "A study")
    for seed, value in zip(seeds, (0.9, 0.9 + 1e-9, 0.9 - 1e-9), strict=True):
        write.finish_evaluation(db, evaluate_job("gaussian", "none", seed).key, curve(0.9, value), ORIGIN, 1.0)
    equal, nearly = rows(db, "v_curve_summary", "epsilon")
    assert equal[-1] == 0
    assert nearly[-1] == pytest.approx(1e-9 / math.sqrt(3), rel=1e-6)


def test_two_evaluations_of_a_kind_are_told_apart_by_name(db: Database) -> None:
    here = Place(suite="study", profile="smoke", condition="none", seed=0, evaluation=None)
    job = train_job()
    found = [PlannedJob(job=job, places=(here,), work=1.0)]
    for name, clip in (("gaussian", "image"), ("gaussian_unit", "unit")):
        spec = NoiseSpec(kind="gaussian", max_epsilon=0.1, sizes=2, clip=clip)
        place = Place(suite="study", profile="smoke", condition="none", seed=0, evaluation=name)
        found.append(PlannedJob(job=EvaluateJob(model=job, evaluation=spec, data=DATA), places=(place,), work=1.0))
    write_plan(db, found, "study", "smoke", "A study")
    write.finish_evaluation(db, found[1].key, curve(0.9, 0.5), ORIGIN, 1.0)
    write.finish_evaluation(db, found[2].key, curve(0.9, 0.4), ORIGIN, 1.0)
    summary = [row[10:14] for row in rows(db, "v_curve_summary", "evaluation, epsilon") if row[11]]
    assert summary == [("gaussian", 0.1, 1, 0.5), ("gaussian_unit", 0.1, 1, 0.4)]


def test_the_agreement_of_precisions_is_found_and_shown_as_nothing_else(filled: Database) -> None:
    before = {view: sorted(relations.rows(filled, view).rows, key=str) for view in views.PUBLIC}
    with filled.transaction() as session:
        session.execute(
            text(
                "INSERT INTO measurement (evaluation_id, metric, point, value, n, n_failed)"
                " SELECT id, 'agreement', '', 0.985, 2000, 0 FROM evaluation WHERE kind <> 'corruption'"
            )
        )
    assert {view: sorted(relations.rows(filled, view).rows, key=str) for view in views.PUBLIC} == before
    page = Path(__file__).parents[2].joinpath("docs", "precision.md").read_text()
    found = relations.answer(filled, page.partition("```sql")[2].partition("```")[0])
    assert len(found.rows) == 4 * 4
    assert ("study", "smoke", "threshold", 1, "boundary", 0.985, 2000) in found.rows


def test_corruptions_carry_their_frequency_group(filled: Database) -> None:
    found = rows(filled, "v_corruptions", "condition, seed, corruption")
    assert found[:2] == [
        (*NONE_COMMON, 0, "fog", "low", 4, 0.75, 100),
        (*NONE_COMMON, 0, "shot_noise", "high", 4, 0.5, 100),
    ]
    assert len(found) == 8


def test_boundary_scores_are_means_over_repeats(filled: Database) -> None:
    found = rows(filled, "v_boundary", "condition, seed")
    assert [row[:11] for row in found] == [
        (*common, seed) for common in (NONE_COMMON, THRESHOLD_COMMON) for seed in (0, 1)
    ]
    for row, score in zip(found, SCORE.values(), strict=True):
        assert row[11:] == (
            50,
            pytest.approx(score),
            2,
            4,
            2,
            100.5,
            pytest.approx(2 * score),
            "boundary",
            pytest.approx(score),
        )
        assert [type(value) for value in row[13:16]] == [int, int, int]


INF = float("inf")


@pytest.mark.parametrize(
    "repeats",
    [
        [[0.5, 0.25, 1.0, 0.125]],
        [[0.5, 0.25, 1.0, INF], [0.5, INF, 0.25, 0.125]],
        [[0.5, INF, 1.0, INF, 0.25]],
        [[0.5, INF, 1.0, 0.125, 0.25]],
        [[0.5, INF, 1.0, INF]],
        [[0.5, 0.25, 1.0], [INF, INF, 1.0]],
        [[INF]],
    ],
    ids=["even", "one without", "odd", "one of five", "half of them", "in one repeat", "all"],
)
def test_a_boundary_score_of_all_images_has_those_without_a_start_infinitely_far(
    db: Database, repeats: list[list[float]]
) -> None:
    write_plan(db, planned((0,), evaluations=("boundary",)), "study", "smoke", "A study")
    images = [
        ImageResult(
            image=image,
            repeat=repeat,
            distance=None if distance == INF else distance,
            start_distance=None if distance == INF else distance,
            queries=1,
            outcome="no_start" if distance == INF else "ok",
        )
        for repeat, distances in enumerate(repeats)
        for image, distance in enumerate(distances)
    ]
    measured = [
        number
        for repeat in range(len(repeats))
        for number in summary([each for each in images if each.repeat == repeat], torch.zeros(1))
    ]
    result = EvaluationResult(measurements=tuple(measured), images=tuple(images))
    write.finish_evaluation(db, evaluate_job("boundary").key, result, ORIGIN, 1.0)
    found = relations.answer(db, "SELECT score, score_all_images FROM v_boundary").rows
    started = [[distance for distance in distances if distance < INF] for distances in repeats]
    scores = [statistics.median(distances) for distances in started if distances]
    of_all = statistics.fmean(statistics.median(distances) for distances in repeats)
    assert found == ((statistics.fmean(scores) if scores else None, None if of_all == INF else of_all),)


def test_boundary_attacks_with_the_same_steps_are_told_apart_by_name(db: Database) -> None:
    job = train_job()
    here = Place(suite="study", profile="smoke", condition="none", seed=0, evaluation=None)
    found = [PlannedJob(job=job, places=(here,), work=1.0)]
    for name, images in (("boundary", 3), ("boundary_few", 2)):
        spec = BoundarySpec(n_images=images, repeats=2)
        found.append(
            PlannedJob(
                job=EvaluateJob(model=job, evaluation=spec, data=DATA),
                places=(replace(here, evaluation=name),),
                work=1.0,
            )
        )
    write_plan(db, found, "study", "smoke", "A study")
    write.finish_evaluation(db, found[1].key, boundary_result(0.25, 0.5), ORIGIN, 1.0)
    write.finish_evaluation(db, found[2].key, boundary_result(0.5, 1.0, images=2), ORIGIN, 1.0)
    assert relations.answer(db, "SELECT evaluation, steps, score, n FROM v_boundary ORDER BY evaluation").rows == (
        ("boundary", 50, 0.375, 4),
        ("boundary_few", 50, 0.75, 2),
    )


@pytest.mark.parametrize("view", views.PUBLIC)
def test_what_a_view_costs_depends_on_the_suite_that_is_asked_for(filled_sqlite: Database, view: str) -> None:
    ours = "suite = 'study' AND profile = 'smoke'"
    queries = (
        f"SELECT * FROM {view} WHERE {ours}",
        f"SELECT * FROM {view} WHERE suite IN ('study', 'another') AND profile = 'smoke'",
        f"SELECT count(*) FROM suite WHERE name IN (SELECT suite FROM {view} WHERE {ours})",
    )
    before = [steps(filled_sqlite, query) for query in queries]
    with filled_sqlite.transaction() as session:
        for table, columns, same in COPIES:
            session.execute(text(f"INSERT INTO {table} ({columns}) WITH RECURSIVE {OTHERS} {same}"))
    assert len(rows(filled_sqlite, "v_curves WHERE suite <> 'study'")) == 50 * 16
    for query, least in zip(queries, before, strict=True):
        assert steps(filled_sqlite, query) <= 1.5 * least + 100, query


OTHERS = "other(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM other WHERE i < 50)"
_MODEL = "seed, spec, baseline, classification, color, n_train, architecture, base_width, regularization, target, alpha"
_JOB = "kind, state, attempts, reason, work, planned_at, finished_at, seconds, device, environment_id"
_NUMBER = "metric, point, value, reason, n, n_failed, epsilon, corruption, frequency, severity, repeat, radius"
COPIES = (
    (
        "suite",
        "id, name, profile, title, planned_at",
        "SELECT i * 1000, 'other ' || i, profile, title, planned_at FROM suite, other",
    ),
    (
        "model",
        f"id, key, spec_digest, {_MODEL}",
        f"SELECT id + i * 1000, key || i, spec_digest, {_MODEL} FROM model, other",
    ),
    ("job", f"key, model_id, {_JOB}", f"SELECT key || i, model_id + i * 1000, {_JOB} FROM job, other"),
    (
        "training",
        "model_id, status, best_epoch, weights, weights_sha256, parameters",
        "SELECT model_id + i * 1000, status, best_epoch, weights, weights_sha256, parameters FROM training, other",
    ),
    (
        "evaluation",
        "id, key, kind, spec, model_id, substitute_id, steps",
        "SELECT id + i * 1000, key || i, kind, spec, model_id + i * 1000, substitute_id + i * 1000, steps"
        " FROM evaluation, other",
    ),
    (
        "place",
        "suite_id, condition, seed, evaluation, job_key",
        "SELECT i * 1000, condition, seed, evaluation, job_key || i FROM place, other",
    ),
    ("measurement", f"evaluation_id, {_NUMBER}", f"SELECT evaluation_id + i * 1000, {_NUMBER} FROM measurement, other"),
)
"""What makes fifty more suites of the recorded study: table, columns, rows."""


def steps(db: Database, query: str) -> int:
    """How many steps of SQLite's virtual machine a query takes."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    with db.reading() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(count, 1)
        connection.exec_driver_sql(query).all()
        driver.set_progress_handler(None, 1)
    return counted


def test_acceptable_pairs_keep_clean_accuracy_and_gain_under_distortion(filled: Database) -> None:
    found = rows(filled, "v_acceptable", "evaluation")
    assert [row[:10] for row in found] == [THRESHOLD_COMMON] * 3
    # evaluation, epsilon, seeds; R0 = mean(0.7, 0.6), U0 = mean(0.8, 0.6); RD and UD; R0/U0, RD/UD; acceptable
    expected = [
        ("boundary", None, 2, 0.65, 0.7, 0.04, 0.02, 0.65 / 0.7, 2.0, 1),
        ("fgsm_transfer", 0.02, 2, 0.65, 0.7, 0.25, 0.5, 0.65 / 0.7, 0.5, 0),
        ("gaussian", 0.1, 2, 0.65, 0.7, 0.625, 0.375, 0.65 / 0.7, 0.625 / 0.375, 1),
    ]
    for row, numbers in zip(found, expected, strict=True):
        assert row[10:13] == numbers[:3]
        assert row[13:19] == pytest.approx(numbers[3:9])
        assert row[19] == numbers[9]


def test_acceptable_compares_the_same_seeds_only(db: Database) -> None:
    write_plan(db, planned(seeds=(0, 1)), "study", "smoke", "A study")
    for condition, seed in (("none", 0), ("threshold", 0), ("threshold", 1)):
        write.finish_training(db, train_job(condition, seed).key, training_result(), ORIGIN, 4.0)
        for name in ("clean", "gaussian"):
            key = evaluate_job(name, condition, seed).key
            write.finish_evaluation(db, key, results(condition, seed)[name], ORIGIN, 1.0)
    [row] = rows(db, "v_acceptable")
    assert row[12:17] == (1, 0.7, 0.8, 0.5, 0.25)
    assert row[19] == 0  # 0.7 is less than 0.9 of 0.8


def test_acceptable_takes_ratios_at_their_bounds_but_for_rounding_for_what_they_are(db: Database) -> None:
    clean, gained = {"none": 0.8, "threshold": 0.72}, {"none": (0.3, 0.4, 0.5), "threshold": (0.3, 0.5, 0.4)}
    assert clean["threshold"] < 0.9 * clean["none"]
    assert sum(gained["threshold"]) > sum(gained["none"])
    seeds, names = range(3), ("clean", "gaussian")
    write_plan(db, planned(seeds=(*seeds,), evaluations=names), "study", "smoke", "A study")
    for condition in clean:
        for seed in seeds:
            write.finish_training(db, train_job(condition, seed).key, training_result(), ORIGIN, 4.0)
            found = {
                "clean": EvaluationResult(measurements=(accuracy(clean[condition]),)),
                "gaussian": curve(0.8, gained[condition][seed]),
            }
            for name in names:
                write.finish_evaluation(db, evaluate_job(name, condition, seed).key, found[name], ORIGIN, 1.0)
    [equal] = relations.frame(db, "v_acceptable").to_dict("records")
    assert (equal["n_seeds"], equal["acceptable"]) == (3, 0)
    with db.transaction() as session:  # one seed gains: R0/U0 = 0.9 is enough
        key = evaluate_job("gaussian", "threshold", 0).key
        session.execute(
            text(
                "UPDATE measurement SET value = 0.4 WHERE epsilon > 0"
                f" AND evaluation_id = (SELECT id FROM evaluation WHERE key = '{key}')"
            )
        )
    [more] = relations.frame(db, "v_acceptable").to_dict("records")
    assert more["acceptable"] == 1


def test_of_several_clean_evaluations_all_models_have_the_same(db: Database) -> None:
    """The larger one is done for one model only; whatever is done, accuracies on the same images stand side by side."""
    jobs = {}
    for condition in ("none", "threshold"):
        here = Place(suite="study", profile="smoke", condition=condition, seed=0, evaluation=None)
        job = train_job(condition)
        jobs[condition, ""] = PlannedJob(job=job, places=(here,), work=1.0)
        for name, spec in (("all", CleanSpec()), ("clean", CleanSpec(n_images=10)), ("fast", CleanSpec(n_images=9))):
            made = EvaluateJob(model=job, evaluation=spec, data=DATA)
            jobs[condition, name] = PlannedJob(job=made, places=(replace(here, evaluation=name),), work=1.0)
    write_plan(db, list(jobs.values()), "study", "smoke", "A study")
    for condition in ("none", "threshold"):
        write.finish_training(db, jobs[condition, ""].key, training_result(), ORIGIN, 4.0)

    def finish(condition: str, name: str, value: float, n: int) -> None:
        result = EvaluationResult(measurements=(accuracy(value, n),))
        write.finish_evaluation(db, jobs[condition, name].key, result, ORIGIN, 1.0)

    def accuracies(suite: str = "study") -> dict[str, float]:
        found = relations.frame(db, "v_models", suite=suite).set_index("condition")["clean_accuracy"].astype(float)
        return found.dropna().to_dict()

    finish("none", "all", 0.9, 1000)
    finish("threshold", "fast", 0.5, 9)
    assert accuracies() == {}
    finish("none", "clean", 0.7, 10)
    finish("threshold", "clean", 0.6, 10)
    assert accuracies() == {"none": 0.7, "threshold": 0.6}
    unnamed = [
        replace(each, places=tuple(replace(place, suite="other") for place in each.places))
        for (_, name), each in jobs.items()
        if name != "clean"
    ]
    write_plan(db, unnamed, "other", "smoke", "Without one of that name")
    assert accuracies("other") == {"none": 0.9}


LACKING = {
    "clean": ("clean", "threshold", ""),
    "baseline's clean": ("clean", "none", ""),
    "distorted": ("gaussian", "threshold", "AND epsilon > 0"),
    "baseline's distorted": ("gaussian", "none", "AND epsilon > 0"),
}
"""Each of the numbers that a ratio needs of a seed: evaluation, condition, which of its measurements."""


@pytest.mark.parametrize(("evaluation", "condition", "which"), LACKING.values(), ids=LACKING)
def test_a_seed_that_lacks_any_of_the_four_numbers_is_in_no_ratio(
    filled: Database, evaluation: str, condition: str, which: str
) -> None:
    key = evaluate_job(evaluation, condition, 1).key
    with filled.transaction() as session:
        session.execute(
            text(
                "UPDATE measurement SET value = NULL, reason = 'logits are nan'"
                f" WHERE evaluation_id = (SELECT id FROM evaluation WHERE key = '{key}') {which}"
            )
        )
    found = {row[10]: row[12:17] for row in rows(filled, "v_acceptable")}
    assert found.keys() == {"boundary", "fgsm_transfer", "gaussian"}
    assert found["gaussian"] == (1, 0.7, 0.8, 0.5, 0.25)
    others = {found[name][0] for name in found.keys() - {"gaussian"}}
    assert others == ({1} if evaluation == "clean" else {2})


def test_acceptable_compares_with_the_same_training_without_regularizer(db: Database) -> None:
    """A baseline of another width is no baseline."""
    wide = NONE.replaced(network={"base_width": 128})
    jobs = []
    for condition, job in (
        ("none", TrainJob(spec=wide, seed=0, data=DATA)),
        ("threshold", train_job("threshold")),
    ):
        here = Place(suite="study", profile="smoke", condition=condition, seed=0, evaluation=None)
        jobs.append(PlannedJob(job=job, places=(here,), work=1.0))
        for name, spec in (("clean", CleanSpec()), ("gaussian", NoiseSpec(kind="gaussian", max_epsilon=0.1, sizes=2))):
            place = Place(suite="study", profile="smoke", condition=condition, seed=0, evaluation=name)
            jobs.append(PlannedJob(job=EvaluateJob(model=job, evaluation=spec, data=DATA), places=(place,), work=1.0))
    write_plan(db, jobs, "study", "smoke", "A study")
    for planned_job, result in zip(
        jobs, [training_result(), results("none", 0)["clean"], curve(0.8, 0.5)] * 2, strict=True
    ):
        finish = write.finish_training if isinstance(result, TrainingResult) else write.finish_evaluation
        finish(db, planned_job.key, result, ORIGIN, 1.0)
    assert len(rows(db, "v_models")) == 2
    assert rows(db, "v_acceptable") == []


@pytest.mark.parametrize(("baseline", "u0", "ud"), [("plain", 0.6875, 0.1875), ("none", 0.7, 0.375)])
def test_acceptable_compares_what_was_trained_elsewhere_with_what_the_suite_names(
    baseline: str, u0: float, ud: float, filled: Database
) -> None:
    """By seed, with another checkpoint or a condition that is trained here; the others stay as they are."""
    before = rows(filled, "v_acceptable", "evaluation")
    plain, robust = loaded("plain", (0, 1, 2)), loaded("robust", (0, 1), baseline)
    write_plan(filled, [*planned(), *plain, *robust], "study", "smoke", "A study")
    record_loaded(filled, plain, 0.75, 0.25)
    record_loaded(filled, robust, 0.625, 0.5)
    found = rows(filled, "v_acceptable", "condition DESC, evaluation")
    assert found[:-1] == before
    *common, _, _ = found[-1][:10]
    assert common == ["study", "smoke", "robust", "digits", "none", "external", None, None]
    assert found[-1][10:17] == ("gaussian", 0.1, 2, 0.5625, pytest.approx(u0), 0.4375, pytest.approx(ud))
    assert found[-1][19] == 0


def test_what_was_trained_elsewhere_is_compared_with_nothing_unless_the_suite_names_it(db: Database) -> None:
    plain, robust = loaded("plain"), loaded("robust")
    write_plan(db, [*plain, *robust], "study", "smoke", "A study")
    record_loaded(db, plain, 0.75, 0.25)
    record_loaded(db, robust, 0.75, 0.5)
    assert rows(db, "v_acceptable") == []
    named = [*loaded("plain"), *loaded("robust", baseline="plain")]
    write_plan(db, named, "study", "smoke", "A study")
    [row] = rows(db, "v_acceptable")
    assert row[10:] == ("gaussian", 0.1, 2, 0.6875, 0.6875, 0.4375, 0.1875, 1.0, 0.4375 / 0.1875, 1)
    write_plan(db, [*loaded("plain", (0,)), *loaded("robust", baseline="plain")], "study", "smoke", "A study")
    assert [row[12] for row in rows(db, "v_acceptable")] == [1]


def test_acceptable_compares_under_each_attack_where_several_have_the_same_largest_size(db: Database) -> None:
    left = {
        ("none", "gaussian"): 0.5,
        ("threshold", "gaussian"): 0.6,
        ("none", "uniform"): 0.7,
        ("threshold", "uniform"): 0.6,
    }
    jobs = planned((0,), evaluations=("clean",))
    for condition, kind in left:
        spec = NoiseSpec(kind=kind, max_epsilon=0.1, sizes=2)
        place = Place(suite="study", profile="smoke", condition=condition, seed=0, evaluation=kind)
        job = EvaluateJob(model=train_job(condition), evaluation=spec, data=DATA)
        jobs.append(PlannedJob(job=job, places=(place,), work=1.0))
    write_plan(db, jobs, "study", "smoke", "A study")
    for condition in ("none", "threshold"):
        write.finish_training(db, train_job(condition).key, training_result(), ORIGIN, 4.0)
        clean = EvaluationResult(measurements=(accuracy(0.8),))
        write.finish_evaluation(db, evaluate_job("clean", condition).key, clean, ORIGIN, 1.0)
    for job, accuracy_left in zip(jobs[-len(left) :], left.values(), strict=True):
        write.finish_evaluation(db, job.key, curve(0.8, accuracy_left), ORIGIN, 1.0)
    found = relations.answer(db, "SELECT evaluation, rd, ud, acceptable FROM v_acceptable ORDER BY evaluation").rows
    assert found == (("gaussian", 0.6, 0.5, 1), ("uniform", 0.6, 0.7, 0))


def test_jobs_are_shown_where_the_suite_needs_them(filled: Database) -> None:
    found = rows(filled, "v_jobs", "condition, seed, kind")
    assert len(found) == 1 + 2 * 2 * 6
    [substitute] = [row for row in found if row[2] is None]
    assert substitute[:11] == ("study", "smoke", None, *NONE_COMMON[3:], 10_000)
    assert substitute[11:15] == (train_job("none", 10_000).key, "train", "done", 1)
    [row] = [row for row in found if row[11] == evaluate_job("gaussian", "threshold", 1).key]
    assert row[:11] == (*THRESHOLD_COMMON, 1)
    assert row[12:16] == ("gaussian", "done", 0, None)
    assert row[18:] == (2.0, "Test CPU", "gaussian")
    assert str(row[17]).endswith("+00:00")


def test_a_substitute_that_is_a_model_of_the_suite_too_is_shown_as_that_alone(filled: Database) -> None:
    """And still as what a transferred attack needs where it is none of the suite's."""
    substitute, *others = planned(suite="other")
    place = Place(suite="other", profile="smoke", condition="none", seed=10_000, evaluation=None)
    write_plan(filled, [replace(substitute, places=(place,)), *others], "other", "smoke", "Another study")
    asked = f"SELECT suite, condition FROM v_jobs WHERE job = '{substitute.key}' ORDER BY suite"
    assert relations.answer(filled, asked).rows == (("other", "none"), ("study", None))


@pytest.mark.parametrize("changed", ["networks", "images"])
@pytest.mark.parametrize(("suite", "profile"), [("study", "small"), ("other", "smoke")])
def test_what_other_suites_and_profiles_call_by_the_same_names_changes_no_row(
    db: Database, suite: str, profile: str, changed: str
) -> None:
    named = loaded("robust", baseline="none")
    write_plan(db, [*planned(), *named], "study", "smoke", "A study")
    record(db, planned(), results)
    record_loaded(db, named, 0.625, 0.5)
    before = {view: rows_at(db, view, "study", "smoke") for view in views.PUBLIC}

    there = [other(each, changed) for each in planned()]
    placed = [
        replace(each, places=tuple(replace(place, suite=suite, profile=profile) for place in each.places))
        for each in (*there, *named)
    ]
    write_plan(db, placed, suite, profile, "Others")
    record(db, there, lambda condition, seed: results(condition, 1 - seed))
    assert {view: rows_at(db, view, "study", "smoke") for view in views.PUBLIC} == before
    for view in ("v_models", "v_curves", "v_acceptable"):
        assert len(rows_at(db, view, suite, profile)) == len(before[view])


def rows_at(db: Database, view: str, suite: str, profile: str) -> list[tuple[object, ...]]:
    return sorted(relations.rows(db, view, suite=suite, profile=profile).rows, key=str)


def other(planned_job: PlannedJob, changed: str) -> PlannedJob:
    """A job of the study with networks of another width, or on fewer test images."""

    def wider(model: TrainJob) -> TrainJob:
        return replace(model, spec=model.spec.replaced(network={"base_width": 128})) if changed == "networks" else model

    job = planned_job.job
    if isinstance(job, TrainJob):
        return replace(planned_job, job=wider(job))
    assert isinstance(job, EvaluateJob)
    assert isinstance(job.model, TrainJob)
    spec = job.evaluation.replaced(n_images=2) if changed == "images" else job.evaluation
    substitute = job.substitute and wider(job.substitute)
    return replace(planned_job, job=replace(job, model=wider(job.model), evaluation=spec, substitute=substitute))


def record(db: Database, jobs: list[PlannedJob], found: Callable[[str, int], dict[str, EvaluationResult]]) -> None:
    """Finish what is not finished; found: what the evaluations of a condition and seed found."""
    for each in jobs:
        if isinstance(each.job, EvaluateJob):
            [place] = each.places
            result = found(place.condition, place.seed)[place.evaluation or ""]
            write.finish_evaluation(db, each.key, result, ORIGIN, 2.0)
        elif job_states(db, [each.key])[each.key].state == "waiting":
            write.finish_training(db, each.key, training_result(GAMMAS), ORIGIN, 4.0)


def test_a_suite_that_shares_models_shows_them_too(filled: Database) -> None:
    before = {view: len(rows(filled, view)) for view in views.PUBLIC}
    write_plan(filled, planned(suite="other"), "other", "smoke", "Another study")
    assert {view: len(rows(filled, view)) for view in views.PUBLIC} == {view: 2 * n for view, n in before.items()}
    assert {row[0] for row in rows(filled, "v_acceptable")} == {"study", "other"}


def test_external_models_stand_beside_trained_ones(db: Database) -> None:
    plan_and_record_all_kinds(db)
    [model] = relations.answer(
        db, "SELECT architecture, target, alpha, status, best_epoch, base_width FROM v_models"
    ).rows
    assert model == ("Standard", "external", None, "ok", None, None)


def test_spectra_are_by_whole_frequency(db: Database) -> None:
    plan_and_record_all_kinds(db)
    found = relations.answer(
        db, "SELECT condition, evaluation, frequency, power, n FROM v_spectra ORDER BY frequency"
    ).rows
    assert found == tuple(("standard", "spectrum", radius, 1.0 / (1 + radius), 2) for radius in range(3))


def test_an_analysis_has_numbers_and_a_job_but_no_model(db: Database) -> None:
    plan_and_record_all_kinds(db)
    assert rows(db, "v_analyses") == [("kinds", "smoke", "similarity", "similarity", "correlation", "", 0.7, 64)]
    jobs = relations.answer(db, "SELECT condition, seed, kind, evaluation, state FROM v_jobs ORDER BY kind").rows
    assert jobs == (
        ("standard", 0, "load", None, "done"),
        (None, None, "similarity", "similarity", "done"),
        ("standard", 0, "spectrum", "spectrum", "done"),
    )


def test_arrays_are_named_with_their_digests(db: Database) -> None:
    plan_and_record_all_kinds(db)
    [array] = rows(db, "v_arrays")
    assert array == (
        *("kinds", "smoke", "standard", 0, "spectrum", "spectrum", "power"),
        *(f"{SPECTRUM.key}/power.safetensors", "1" * 64, "4 x 4"),
    )
