"""A study with known numbers: its jobs, their results, and a database that holds them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trainings import training_result

from harness.measurement import DeviceFacts, EvaluationResult, ImageResult, Measurement
from harness.provenance import Provenance
from harness.spec import CheckpointSpec, EvaluateJob, LoadJob, Place, PlannedJob, TrainingSpec, TrainJob
from harness.spec.evaluation import BoundarySpec, CleanSpec, CorruptionSpec, EvaluationSpec, FgsmTransferSpec, NoiseSpec
from harness.spec.training import OptimisationSpec, RegularizerSpec
from harness.store import write
from harness.store.engine import Database
from harness.store.plan import write_plan

DATA = {"digits/train": "a" * 64}
TEST_DATA = {"digits/test": "b" * 64}

NONE = TrainingSpec(classification="digits", augmentation="none", optimisation=OptimisationSpec(epochs=2))
THRESHOLD = NONE.replaced(
    regularizer=RegularizerSpec(target="threshold", alpha=10, threshold=0.8, images="digits", n_images=100)
)
CONDITIONS = {"none": NONE, "threshold": THRESHOLD}
EVALUATIONS: dict[str, EvaluationSpec] = {
    "clean": CleanSpec(),
    "gaussian": NoiseSpec(kind="gaussian", max_epsilon=0.1, sizes=2),
    "fgsm_transfer": FgsmTransferSpec(max_epsilon=0.02, sizes=2),
    "boundary": BoundarySpec(n_images=3, repeats=2),
    "corruption": CorruptionSpec(images="digits-c", corruptions=("fog", "shot_noise"), severities=(4,)),
}
ORIGIN = Provenance(
    git_commit="c" * 40,
    git_dirty=False,
    python="3.11.7",
    platform="Linux x86_64",
    packages={"torch": "2.14.1"},
    device="Test CPU",
    driver=None,
    threads=1,
    command="harness run-suite study",
)
FACTS = DeviceFacts(device="Test CPU", driver=None, threads=1)


def train_job(condition: str = "none", seed: int = 0) -> TrainJob:
    return TrainJob(spec=CONDITIONS[condition], seed=seed, data=DATA)


def evaluate_job(name: str = "gaussian", condition: str = "none", seed: int = 0) -> EvaluateJob:
    substitute = train_job("none", 10_000) if name == "fgsm_transfer" else None
    return EvaluateJob(
        model=train_job(condition, seed), evaluation=EVALUATIONS[name], data=TEST_DATA, substitute=substitute
    )


def planned(
    seeds: tuple[int, ...] = (0, 1), suite: str = "study", evaluations: tuple[str, ...] = tuple(EVALUATIONS)
) -> list[PlannedJob]:
    """Both conditions at those seeds, every evaluation of each, and the substitute."""
    found = []
    if "fgsm_transfer" in evaluations:
        found.append(PlannedJob(job=train_job("none", 10_000), places=(), work=100.0))
    for condition in CONDITIONS:
        for seed in seeds:
            here = Place(suite=suite, profile="smoke", condition=condition, seed=seed, evaluation=None)
            found.append(PlannedJob(job=train_job(condition, seed), places=(here,), work=100.0))
            found += [
                PlannedJob(job=evaluate_job(name, condition, seed), places=(replace(here, evaluation=name),), work=10.0)
                for name in evaluations
            ]
    return found


def loaded(
    condition: str, seeds: tuple[int, ...] = (0, 1), baseline: str | None = None, suite: str = "study"
) -> list[PlannedJob]:
    """A condition that was trained elsewhere, over seeds, with two evaluations of each model."""
    spec = CheckpointSpec(function="mine.py:f", weights=f"{condition}-{{seed}}.pt", classification="digits")
    found = []
    for seed in seeds:
        job = LoadJob(spec=spec, seed=seed, data={f"{condition}-{seed}.pt/file": "e" * 64})
        here = Place(suite=suite, profile="smoke", condition=condition, seed=seed, evaluation=None)
        found.append(PlannedJob(job=job, places=(replace(here, baseline=baseline),), work=0.0))
        for name in ("clean", "gaussian"):
            evaluation = EvaluateJob(model=job, evaluation=EVALUATIONS[name], data=TEST_DATA)
            found.append(PlannedJob(job=evaluation, places=(replace(here, evaluation=name),), work=10.0))
    return found


def record_loaded(db: Database, jobs: list[PlannedJob], clean: float, noisy: float) -> None:
    """Finish the jobs of `loaded`; with each seed accuracies fall by 0.125."""
    taken_in = replace(training_result(), epochs=(), best_epoch=None)
    for each in jobs:
        [place] = each.places
        left = [value - 0.125 * place.seed for value in (clean, noisy)]
        if place.evaluation is None:
            write.finish_training(db, each.key, taken_in, ORIGIN, 1.0)
        else:
            one = EvaluationResult(measurements=(accuracy(left[0]),))
            write.finish_evaluation(db, each.key, one if place.evaluation == "clean" else curve(*left), ORIGIN, 1.0)


def accuracy(value: float | None, n: int = 100, **where: Any) -> Measurement:
    return Measurement(metric="accuracy", value=value, n=n, **where)


def curve(*accuracies: float, max_epsilon: float = 0.1) -> EvaluationResult:
    """Accuracies at evenly spaced sizes from 0."""
    last = len(accuracies) - 1
    return EvaluationResult(
        measurements=tuple(accuracy(value, epsilon=max_epsilon * k / last) for k, value in enumerate(accuracies)),
        images_classified=100 * len(accuracies),
    )


def boundary_result(*scores: float, images: int = 3) -> EvaluationResult:
    """One score per repeat; in each repeat the last image has no start."""
    numbers = []
    for repeat, score in enumerate(scores):
        counts = {"n": images - 1, "n_failed": 1, "repeat": repeat}
        numbers += [
            Measurement(metric="score", value=score, **counts),
            Measurement(metric="start_score", value=2 * score, **counts),
            Measurement(metric="queries", value=100.0 + repeat, **counts),
        ]
    rows = [
        ImageResult(
            image=image,
            repeat=repeat,
            distance=score if image < images - 1 else None,
            start_distance=2 * score if image < images - 1 else None,
            queries=100 + repeat,
            outcome="ok" if image < images - 1 else "no_start",
        )
        for repeat, score in enumerate(scores)
        for image in range(images)
    ]
    return EvaluationResult(measurements=tuple(numbers), images=tuple(rows), images_classified=1000)


def corruption_result(fog: float, shot_noise: float) -> EvaluationResult:
    return EvaluationResult(
        measurements=(
            accuracy(fog, corruption="fog", severity=4),
            accuracy(shot_noise, corruption="shot_noise", severity=4),
        )
    )


GAMMAS = (0.5, 0.25, 0.25, 0.0, 0.0)

CLEAN = {("none", 0): 0.8, ("none", 1): 0.6, ("threshold", 0): 0.7, ("threshold", 1): 0.6}
NOISY = {("none", 0): 0.25, ("none", 1): 0.5, ("threshold", 0): 0.5, ("threshold", 1): 0.75}
FGSM = {("none", 0): 0.5, ("none", 1): 0.5, ("threshold", 0): 0.25, ("threshold", 1): 0.25}
SCORE = {("none", 0): 0.01, ("none", 1): 0.03, ("threshold", 0): 0.04, ("threshold", 1): 0.04}


def results(condition: str, seed: int) -> dict[str, EvaluationResult]:
    where = (condition, seed)
    return {
        "clean": EvaluationResult(measurements=(accuracy(CLEAN[where]),)),
        "gaussian": curve(CLEAN[where], NOISY[where]),
        "fgsm_transfer": curve(CLEAN[where], FGSM[where], max_epsilon=0.02),
        "boundary": boundary_result(SCORE[where] / 2, SCORE[where] * 3 / 2),
        "corruption": corruption_result(fog=0.75, shot_noise=0.5),
    }


def fill(db: Database, suite: str = "study") -> None:
    """Everything of the study is done."""
    write_plan(db, planned(suite=suite), suite, "smoke", "A study")
    for condition, seed in [("none", 10_000), *CLEAN]:
        key = train_job(condition, seed).key
        write.start(db, key, "Test CPU")
        gammas = GAMMAS if condition == "threshold" else ()
        write.finish_training(db, key, training_result(gammas), ORIGIN, 4.0)
        if seed < 10_000:
            for name, result in results(condition, seed).items():
                write.finish_evaluation(db, evaluate_job(name, condition, seed).key, result, ORIGIN, 2.0)
