"""The trainings of a suite: several at a time in worker processes, against one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.contest import Contest, Disagreement, Way
from benchmarks.reference.passes import Pictures
from benchmarks.reference.training import loader_of
from benchmarks.training_step import (
    digits_spec,
    listed_pairs,
    plain_training,
    precisions,
    same_first_step,
)
from harness.data.bundled import prepare_bundled
from harness.data.splits import open_split
from harness.measurement import TrainingResult
from harness.settings import Settings
from harness.spec import TrainingSpec, TrainJob
from harness.suites.executors.executor import Executor, Failed, Finished, JobWork
from harness.suites.executors.local import LocalExecutor
from harness.training.batches import Batches
from harness.training.images import training_images

WIDTH, SEEDS, EPOCHS, WORKERS = 16, 2, 2, 2
LOOK_SECONDS = 0.5  # as the runner looks at its workers


def contests(device: torch.device) -> Iterator[Contest]:
    """Epochs of a regularized ResNet18 of width 16 on the bundled digits, as `run-suite --workers 2` trains it.

    What follows an epoch belongs to it: the harness looks at the validation images and saves a checkpoint, the plain
    way looks at the training, validation and test images. The workers are there already, as they are in all but a
    run's first seconds.
    """
    executor = LocalExecutor("auto", WORKERS, Settings())
    try:
        with TemporaryDirectory() as folder:
            prepare_bundled(Path(folder), "digits")
            for precision in precisions():
                yield _contest(digits_spec(WIDTH, precision, epochs=EPOCHS), Path(folder), executor, device)
    finally:
        executor.close()


def _contest(spec: TrainingSpec, data_dir: Path, executor: Executor, device: torch.device) -> Contest:
    images, test = training_images(spec, data_dir, device), open_split(data_dir, "digits", "test")
    kept = Batches(spec, 0, images, device).images_per_epoch
    learned = Pictures(images.images[:kept], images.labels[:kept], augmented=True)
    validation = Pictures(images.images[kept:], images.labels[kept:])
    evaluated = [loader_of(each) for each in (learned, validation, Pictures(test.images, test.labels))]
    train, pairs, plain = loader_of(learned, shuffle=True), listed_pairs(images), plain_training(spec, device)

    def check() -> str:
        if any(result.status != "ok" for result in _trained(spec, data_dir, executor)):
            raise Disagreement("a training of the harness diverged")
        return same_first_step(spec, images, device)

    return Contest(
        title=f"trainings of a suite, width {WIDTH}, {spec.precision}",
        harness=Way(
            title=f"{WORKERS} workers", work=lambda: _trained(spec, data_dir, executor), amount=SEEDS * EPOCHS * kept
        ),
        reference=Way(
            title="one after the other, all sets after each epoch, float32",
            work=lambda: plain.epoch(train, pairs, evaluated),
            amount=kept,
        ),
        check=check,
    )


def _trained(spec: TrainingSpec, data_dir: Path, executor: Executor) -> list[TrainingResult]:
    """Models of several seeds, trained by the executor's workers and thrown away."""
    waiting = [TrainJob(spec=spec, seed=seed, data={}) for seed in range(SEEDS)]
    results: list[TrainingResult] = []
    with TemporaryDirectory() as folder:
        while len(results) < SEEDS:
            while waiting and executor.idle:
                job = waiting.pop()
                executor.submit(JobWork(job=job, data_dir=data_dir, models_dir=Path(folder), weights={}))
            for event in executor.events(LOOK_SECONDS):
                if isinstance(event, Failed):
                    raise Disagreement(f"a worker failed: {event.reason}")
                if isinstance(event, Finished) and isinstance(event.result, TrainingResult):
                    results.append(event.result)
    return results
