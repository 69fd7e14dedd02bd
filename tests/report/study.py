"""A suite's plan and results, recorded as the runner records them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from trainings import DIVERGED, training_result

from harness.measurement import EvaluationResult, ImageResult, Measurement
from harness.provenance import Provenance
from harness.spec import EvaluateJob, Place, PlannedJob, TrainingSpec, TrainJob
from harness.spec.evaluation import (
    BoundarySpec,
    CleanSpec,
    CorruptionSpec,
    EvaluationSpec,
    NoiseSpec,
    OwnMinimalAttackSpec,
)
from harness.spec.training import OptimisationSpec, RegularizerSpec
from harness.store import write
from harness.store.engine import Database
from harness.store.plan import write_plan

HOSTILE = r"<script>alert(1)</script> \input{secret} $x_1$"
NONE = TrainingSpec(classification="digits", augmentation="none", optimisation=OptimisationSpec(epochs=2))
CONDITIONS = {
    "none": NONE,
    HOSTILE: NONE.replaced(
        regularizer=RegularizerSpec(target="threshold", alpha=10, threshold=0.8, images="digits", n_images=100)
    ),
    "pixel": NONE.replaced(regularizer=RegularizerSpec(target="pixel", alpha=10, images="digits", n_images=100)),
}
EVALUATIONS: dict[str, EvaluationSpec] = {
    "clean": CleanSpec(),
    "gaussian": NoiseSpec(kind="gaussian", max_epsilon=0.1, sizes=2),
    "boundary": BoundarySpec(n_images=10, repeats=1),
    "corruption": CorruptionSpec(images="digits-c", corruptions=("fog", "shot_noise"), severities=(4,)),
}
OWN: dict[str, EvaluationSpec] = {
    "clean": CleanSpec(),
    "ddn": OwnMinimalAttackSpec(function="mine.py:ddn", max_epsilon=1.0, sizes=2),
}
"""Evaluations of a suite with an attack of one's own for the smallest perturbation."""
ARRAYS = Path("arrays")
"""Where arrays would be; these results have none."""
ORIGIN = Provenance(
    git_commit="c" * 40,
    git_dirty=True,
    python="3.11.7",
    platform="Linux x86_64",
    packages={"torch": "2.14.1"},
    device="Test CPU",
    driver=None,
    threads=1,
    command="harness run-suite study --profile small",
)


def fill(db: Database) -> None:
    """Suite `study`, profile `small`, seeds 0 and 1.

    `none` and a threshold model with a hostile name are done but for one failed evaluation; of the pixel models one
    diverged and one was not run.
    """
    for each in planned(db, "study", CONDITIONS):
        _finish(db, each)


def planned(
    db: Database,
    suite: str,
    conditions: Mapping[str, TrainingSpec],
    *,
    seeds: Sequence[int] = (0, 1),
    profile: str = "small",
    evaluations: Mapping[str, EvaluationSpec] = EVALUATIONS,
) -> list[PlannedJob]:
    """The jobs of a suite, which the database knows from now on."""
    jobs = []
    for condition, training in conditions.items():
        for seed in seeds:
            job = TrainJob(spec=training, seed=seed, data={"digits/train": "a" * 64})
            place = Place(suite=suite, profile=profile, condition=condition, seed=seed, evaluation=None)
            jobs.append(PlannedJob(job=job, places=(place,), work=1.0))
            for name, spec in evaluations.items():
                evaluation = EvaluateJob(model=job, evaluation=spec, data={"digits/test": "b" * 64})
                place = Place(suite=suite, profile=profile, condition=condition, seed=seed, evaluation=name)
                jobs.append(PlannedJob(job=evaluation, places=(place,), work=1.0))
    write_plan(db, jobs, suite, profile, "What does it do?")
    return jobs


def record(
    db: Database,
    suite: str,
    conditions: Mapping[str, TrainingSpec],
    gains: Mapping[str, float],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    profile: str = "small",
    evaluations: Mapping[str, EvaluationSpec] = EVALUATIONS,
    scatter: float = 0.0,
) -> None:
    """A suite whose models are all finished, each condition more robust than `_evaluation` says by its gain.

    scatter: by which part of it the seeds' gains differ; without any, few seeds decide nothing.
    """
    for each in planned(db, suite, conditions, seeds=seeds, profile=profile, evaluations=evaluations):
        [place], key = each.places, each.job.key
        if place.evaluation is None:
            gammas = () if conditions[place.condition].regularizer is None else (0.4, 0.3, 0.2, 0.1, 0.0)
            write.finish_training(db, key, training_result(gammas, best_epoch=1), ORIGIN, 1.0)
        else:
            gain = gains[place.condition] * (1 - scatter * (place.seed % 3))
            found = _evaluation(place.evaluation, place.seed, gain)
            write.finish_evaluation(db, key, found, ORIGIN, 1.0)


def _finish(db: Database, planned: PlannedJob) -> None:
    [place], key = planned.places, planned.job.key
    if place.condition == "pixel":
        if place.seed == 0 and place.evaluation is None:
            write.finish_training(db, key, DIVERGED, ORIGIN, 1.0)
    elif place.evaluation is None:
        gammas = () if place.condition == "none" else (0.2,) * 5
        write.finish_training(db, key, training_result(gammas, best_epoch=1), ORIGIN, 1.0)
    elif (place.evaluation, place.condition, place.seed) == ("gaussian", HOSTILE, 1):
        write.fail(db, key, f"no memory {HOSTILE}")
    else:
        robust = 0.0 if place.condition == "none" else 0.1
        write.finish_evaluation(db, key, _evaluation(place.evaluation, place.seed, robust), ORIGIN, 1.0)


def _evaluation(name: str, seed: int, robust: float) -> EvaluationResult:
    """Seeds differ by 0.02; regularized models are worse by 0.05 without noise and better by 0.1 with it."""
    shift = 0.02 * seed
    clean = 0.8 + shift - robust / 2

    def accuracy(value: float, **where: object) -> Measurement:
        return Measurement(metric="accuracy", value=value, n=100, **where)

    measurements = {
        "clean": [accuracy(clean)],
        "gaussian": [accuracy(clean, epsilon=0.0), accuracy(0.4 + shift + robust, epsilon=0.1)],
        "boundary": [
            Measurement(metric="score", value=0.004 + robust / 100, n=9, n_failed=1, repeat=0),
            Measurement(metric="start_score", value=0.005 + robust / 100, n=9, n_failed=1, repeat=0),
        ],
        "ddn": [
            _median(0.5 + robust) if seed < 2 else _median(None, "the median is infinite"),
            accuracy(clean, epsilon=0.0),
            accuracy(0.3 + shift + robust, epsilon=1.0),
        ],
        "corruption": [
            accuracy(0.7 + shift, corruption="fog", severity=4),
            accuracy(0.3 + shift + robust, corruption="shot_noise", severity=4),
        ],
    }
    images = _images(0.004 + robust / 100) if name == "boundary" else ()
    return EvaluationResult(measurements=tuple(measurements[name]), images=images, images_classified=100)


def _images(distance: float) -> tuple[ImageResult, ...]:
    """Nine images at that distance, and one without a start."""
    return tuple(
        ImageResult(
            image=image,
            repeat=0,
            distance=distance if image else None,
            start_distance=distance if image else None,
            queries=10,
            outcome="ok" if image else "no_start",
        )
        for image in range(10)
    )


def _median(distance: float | None, reason: str | None = None) -> Measurement:
    """Of 100 images, for most of which nothing was found if there is no distance."""
    n = 40 if reason else 95
    return Measurement(metric="median_l2", value=distance, reason=reason, n=n, n_failed=100 - n)
