from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from recorded_study import (
    GAMMAS,
    ORIGIN,
    TEST_DATA,
    accuracy,
    curve,
    evaluate_job,
    planned,
    results,
    train_job,
)
from test_views import ANALYSIS, EXTERNAL, SPECTRUM
from trainings import DIVERGED, training_result

from harness.measurement import EvaluationResult, Measurement
from harness.spec import AnalyseJob, EvaluateJob, FourierSpec, Job, OwnMinimalAttackSpec, Place, PlannedJob
from harness.store import read, relations, views, write
from harness.store.arrays import SavedArray
from harness.store.engine import Database
from harness.store.plan import write_plan


def test_median_distances_say_their_norm_and_are_missing_where_they_are_infinite(db: Database) -> None:
    spec = OwnMinimalAttackSpec(function="mine.py:fmn", norm="linf")
    place = Place(suite="study", profile="smoke", condition="none", seed=0, evaluation="fmn")
    numbers = {
        0: Measurement(metric="median_linf", value=0.02, n=9, n_failed=1),
        1: Measurement(metric="median_linf", value=None, n=4, n_failed=6, reason="the median is infinite"),
    }
    jobs = [EvaluateJob(model=train_job(seed=seed), evaluation=spec, data=TEST_DATA) for seed in numbers]
    here = [PlannedJob(job=job, places=(replace(place, seed=seed),), work=1.0) for seed, job in enumerate(jobs)]
    write_plan(db, [*planned((0, 1), evaluations=("clean",)), *here], "study", "smoke", "A study")
    for seed, job in enumerate(jobs):
        result = EvaluationResult(measurements=(numbers[seed], accuracy(0.5, epsilon=0.1)))
        write.finish_evaluation(db, job.key, result, ORIGIN, 1.0)
    found = read.measured(db, "study", "smoke", read.MEDIANS).set_index("seed").sort_index()
    columns = ["condition", "evaluation", "metric", "value", "n", "n_failed"]
    assert found.loc[0, columns].tolist() == ["none", "fmn", "median_linf", 0.02, 9, 1]
    assert math.isnan(found["value"].loc[1])
    assert found[["n", "n_failed"]].loc[1].tolist() == [4, 6]
    assert [each.reason for each in read.missing(db, "study", "smoke") if each.state == read.NO_NUMBER] == [
        "the median is infinite"
    ]
    assert read.measured(db, "another", "smoke", read.MEDIANS).empty
    images = read.images_behind(db, "study", "smoke").set_index("evaluation")
    assert images.loc["fmn"].tolist() == ["none", "own_minimal_attack", 10]


def test_of_a_transferred_attack_it_is_told_which_training_it_is_made_with(filled: Database) -> None:
    found = read.substitutes(filled, "study", "smoke")
    assert found.to_numpy().tolist() == [[name, "fgsm_transfer", 10_000, "none"] for name in ("none", "threshold")]
    alone = [each for each in planned(suite="alone") if all(place.condition == "threshold" for place in each.places)]
    write_plan(filled, alone, "alone", "smoke", "Without a baseline")
    found = read.substitutes(filled, "alone", "smoke")
    assert found.to_numpy().tolist() == [["threshold", "fgsm_transfer", 10_000, ""]]


def test_the_accuracies_of_fourier_heat_maps_say_their_band(db: Database) -> None:
    place = Place(suite="study", profile="smoke", condition="none", seed=0, evaluation="weak")
    job = EvaluateJob(model=train_job(), evaluation=FourierSpec(epsilon=1), data=TEST_DATA)
    write_plan(db, [*planned((0,)), PlannedJob(job=job, places=(place,), work=1.0)], "study", "smoke", "A study")
    numbers = {"low": 0.75, "medium": None, "high": 0.25}
    measurements = tuple(
        Measurement(metric=f"accuracy_{band}", value=value, n=9, reason=None if value else "too small")
        for band, value in numbers.items()
    )
    write.finish_evaluation(db, job.key, EvaluationResult(measurements=measurements), ORIGIN, 1.0)
    found = read.measured(db, "study", "smoke", read.BANDS)
    assert {*zip(found["condition"], found["seed"], found["evaluation"], found["n"], strict=True)} == {
        ("none", 0, "weak", 9)
    }
    values = found.set_index("metric")["value"]
    assert values.dropna().to_dict() == {"accuracy_low": 0.75, "accuracy_high": 0.25}
    assert math.isnan(values["accuracy_medium"])
    images = read.images_behind(db, "study", "smoke").set_index("evaluation")
    assert images.loc["weak"].tolist() == ["none", "fourier", 9]


def test_missing_places_say_why(db: Database) -> None:
    jobs = planned(seeds=(0,), evaluations=("clean", "gaussian"))
    blocked = "no digits; harness data prepare digits"
    jobs = [
        PlannedJob(job=job.job, places=job.places, work=1.0, blocked=blocked if job == jobs[1] else None)
        for job in jobs
    ]
    write_plan(db, jobs, "study", "smoke", "A study")
    write.finish_training(db, train_job("none").key, training_result(), ORIGIN, 1.0)
    write.finish_training(db, train_job("threshold").key, DIVERGED, ORIGIN, 1.0)
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
    write_plan(db, planned(seeds=(0,), evaluations=("clean",)), "study", "smoke", "A study")
    write.fail(db, train_job().key, "out of memory")
    reasons = {each.evaluation: each.reason for each in read.missing(db, "study", "smoke") if each.condition == "none"}
    assert reasons == {None: "out of memory", "clean": "its model failed: out of memory"}


def test_what_waits_for_a_failed_substitute_says_so(db: Database) -> None:
    write_plan(db, planned(seeds=(0,), evaluations=("clean", "fgsm_transfer")), "study", "smoke", "A study")
    write.fail(db, train_job("none", 10_000).key, "out of memory")
    reasons = {each.evaluation: each.reason for each in read.missing(db, "study", "smoke") if each.condition == "none"}
    failed = "its substitute failed: out of memory"
    assert reasons == {None: read.NOT_RUN, "clean": read.NOT_RUN, "fgsm_transfer": failed}


def test_what_waits_for_a_model_that_cannot_be_trained_says_what_is_missing(db: Database) -> None:
    """A later suite was planned where the training data are gone; nothing has failed."""
    write_plan(db, planned(seeds=(0,), evaluations=("clean", "fgsm_transfer")), "study", "smoke", "A study")
    absent = "no digits; harness data prepare digits"
    later = [replace(each, blocked=absent) for each in planned(seeds=(0,), suite="later", evaluations=("clean",))]
    substitute = PlannedJob(job=train_job("none", 10_000), places=(), work=1.0, blocked=absent)
    write_plan(db, [substitute, *later[2:]], "later", "smoke", "A later study")
    reasons = {(each.condition, each.evaluation): each.reason for each in read.missing(db, "study", "smoke")}
    assert reasons["threshold", "fgsm_transfer"] == absent, "its model's"
    assert reasons["none", "fgsm_transfer"] == absent, "its substitute's"
    assert reasons["none", "clean"] == read.NOT_RUN


def test_a_finished_suite_misses_nothing(filled: Database) -> None:
    assert read.missing(filled, "study", "smoke") == []


def test_an_evaluation_that_lacks_one_of_its_numbers_is_not_missing(filled: Database) -> None:
    write_plan(filled, planned((2,), "later", ("gaussian",)), "later", "smoke", "Later")
    write.finish_training(filled, train_job("none", 2).key, training_result(), ORIGIN, 1.0)
    partial = replace(curve(0.75, 0.5), measurements=(accuracy(0.75, epsilon=0.0), accuracy(None, reason="it is nan")))
    write.finish_evaluation(filled, evaluate_job("gaussian", "none", 2).key, partial, ORIGIN, 1.0)
    assert {each.condition for each in read.missing(filled, "later", "smoke")} == {"threshold"}


SPECTRAL = Place(suite="study", profile="smoke", condition="standard", seed=0, evaluation="spectrum")
EVERY_KIND = (
    *planned(),
    PlannedJob(job=EXTERNAL, places=(replace(SPECTRAL, evaluation=None),), work=1.0),
    PlannedJob(job=SPECTRUM, places=(SPECTRAL,), work=1.0),
    PlannedJob(job=ANALYSIS, places=(replace(SPECTRAL, condition="", evaluation="similarity"),), work=1.0),
    PlannedJob(
        job=EvaluateJob(
            model=train_job(), evaluation=OwnMinimalAttackSpec(function="mine.py:fmn", max_epsilon=1.0), data=TEST_DATA
        ),
        places=(replace(SPECTRAL, condition="none", evaluation="fmn"),),
        work=1.0,
    ),
    PlannedJob(
        job=EvaluateJob(model=train_job(), evaluation=FourierSpec(epsilon=4), data=TEST_DATA),
        places=(replace(SPECTRAL, condition="none", evaluation="fourier"),),
        work=1.0,
    ),
)


def of_data(job: Job, digest: str) -> Job:
    """The same of other data."""
    data = dict.fromkeys(job.data, digest)
    if not isinstance(job, EvaluateJob):
        return replace(job, data=data)
    substitute = job.substitute and of_data(job.substitute, digest)
    return replace(job, data=data, model=of_data(job.model, digest), substitute=substitute)


def record(db: Database, profile: str, factor: float, n: int) -> None:
    """The same suite at a profile: values and counts of images are its own; one job failed, and one gave no number."""
    jobs = [
        PlannedJob(
            job=of_data(each.job, f"{n:064}"),
            places=tuple(replace(place, profile=profile) for place in each.places),
            work=1.0,
        )
        for each in EVERY_KIND
    ]
    write_plan(db, jobs, "study", profile, "A study")
    for each in jobs:
        place = each.places[0] if each.places else SPECTRAL
        where = (place.condition, place.seed, place.evaluation)
        if not isinstance(each.job, EvaluateJob | AnalyseJob):
            gammas = tuple(factor * gamma for gamma in GAMMAS) if place.condition == "threshold" else ()
            write.finish_training(db, each.key, training_result(gammas), ORIGIN, factor)
        elif where == ("none", 1, "corruption"):
            write.fail(db, each.key, f"it broke at {profile}")
        else:
            found = {
                "spectrum": [Measurement(metric="power", value=1.0, n=9, radius=3)],
                "similarity": [Measurement(metric="correlation", value=0.5, n=9)],
                "fmn": [Measurement(metric="median_l2", value=1.0, n=9), accuracy(0.5, epsilon=1.0)],
                "fourier": [Measurement(metric=f"accuracy_{band}", value=0.5, n=9) for band in ("low", "high")],
            }.get(str(place.evaluation)) or results(place.condition, place.seed)[str(place.evaluation)].measurements
            numbers = [
                replace(one, value=factor * one.value, n=n, n_failed=1) for one in found if one.value is not None
            ]
            if where == ("threshold", 1, "clean"):
                numbers = [accuracy(None, n=n, reason=f"no number at {profile}")]
            file = SavedArray(name="power", file=f"{each.key}/power", sha256="1" * 64, shape=(n,))
            arrays = [file] if place.evaluation in {"spectrum", "similarity"} else []
            write.finish_evaluation(db, each.key, EvaluationResult(measurements=tuple(numbers)), ORIGIN, 1.0, arrays)


def answers(db: Database, profile: str) -> dict[str, Any]:
    """All that is asked of the suite at a profile."""
    numbers = read.measured(db, "study", profile, (*read.MEDIANS, *read.BANDS))
    frames = [numbers, read.images_behind(db, "study", profile)]
    model_rows = read.models_of("study", profile)
    return {
        **{
            view: sorted(relations.rows(db, view, suite="study", profile=profile).rows, key=str)
            for view in views.VIEWS
            if "profile" in relations.rows(db, view, suite="").columns
        },
        "epoch": sorted(relations.rows(db, "epoch", model_id=model_rows).rows, key=str),
        **{f"frame {k}": sorted(map(str, frame.itertuples(index=False, name=None))) for k, frame in enumerate(frames)},
        "missing": read.missing(db, "study", profile),
    }


def test_no_question_mixes_profiles(db: Database) -> None:
    record(db, "smoke", 1.0, 100)
    before = answers(db, "smoke")
    record(db, "small", 0.5, 200)
    assert answers(db, "smoke") == before
    other = answers(db, "small")
    assert {name: len(found) for name, found in other.items()} == {name: len(found) for name, found in before.items()}
    assert set(views.PUBLIC) < before.keys()
    for name, found in before.items():
        assert found, name
        assert not {*map(str, found)} & {*map(str, other[name])}, name
