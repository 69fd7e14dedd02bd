"""Training: epochs of gradient steps, the best epoch by validation loss, checkpoints between them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch

from harness.data.progress import OnJobProgress, ignore_progress
from harness.errors import HarnessError
from harness.measurement import EpochReport, Progress, TrainingResult
from harness.models.architecture import ClassifierShape
from harness.models.network import build_network
from harness.models.weights import promised_sha256
from harness.own_code import NO_CODE, OwnCode
from harness.seeding import global_generators
from harness.spec.digest import digest
from harness.spec.training import TrainingSpec
from harness.training.batch import Step
from harness.training.batches import Batches
from harness.training.folder import Checkpoint, TrainingFolder
from harness.training.images import TrainingImages
from harness.training.learner import CROSS_ENTROPY, SIMILARITY, Learner
from harness.training.schedule import learning_rate

_SAVE_SECONDS = 30.0  # between checkpoints on a GPU, which trains an epoch in the time that writing one takes
_LOOK_SECONDS = 0.5  # between looks at the losses on a CPU; a GPU would wait for each


class _Diverged(Exception):
    """A number that is not finite; says which and where."""


def train(
    spec: TrainingSpec,
    seed: int,
    images: TrainingImages,
    *,
    device: torch.device,
    folder: Path,
    code: OwnCode = NO_CODE,
    on_progress: OnJobProgress = ignore_progress,
) -> TrainingResult:
    """Trains a model, or goes on where the newest checkpoint in `folder` ends; the weights stay in `folder`.

    Killed at any moment, the same call continues to the same weights, on a CPU bit for bit. A loss that is not finite
    ends the training as `diverged`.

    spec: resolved, nothing in it is "auto".

    Raises:
        HarnessError: the disk is full, or `folder` belongs to another training.
        EmptyPairRange: the regularization images have no pair in the spec's range.
        SpecError: a penalty is no scalar, or depends on the model in no step of the first epoch; a perturbation gives
            no images, or changes none in the first epoch; or own code makes parameters or buffers while the network
            learns.
    """
    assert "auto" not in (spec.precision, spec.augmentation), "the plan resolves what a spec leaves open"
    store = TrainingFolder(folder, digest("training", spec.version, spec, seed))
    reached = store.newest()
    if isinstance(reached, TrainingResult):
        return reached
    training = _Training(spec, seed, images, code, device, on_progress)
    training.resume(reached, store.damaged)
    try:
        return _finished(training, reached, store, spec.optimisation.epochs)
    except HarnessError:
        there = store.result()
        if there is None:
            raise
        return there  # another process ended the same training and tidied up


def _finished(training: _Training, reached: Checkpoint, store: TrainingFolder, epochs: int) -> TrainingResult:
    """The result, after the epochs that are left; that of another process if one ends the same training before."""
    reason, saved = None, time.monotonic()
    try:
        for epoch in range(len(reached.epochs), epochs):
            report = training.epoch(epoch)
            reached = reached.followed_by(report, training.learner)
            there = store.result()
            if there:
                return there
            if time.monotonic() - saved >= training.save_seconds:
                store.save(reached)
                saved = time.monotonic()
    except _Diverged as divergence:
        reason = str(divergence)
    path = None if reason else store.save_weights(reached.best)
    result = TrainingResult(
        status="diverged" if reason else "ok",
        reason=reason,
        epochs=reached.epochs,
        best_epoch=None if reason else reached.best_epoch,
        weights=path.name if path else None,
        weights_sha256=promised_sha256(path) if path else None,
        parameters=sum(parameter.numel() for parameter in training.learner.model.parameters()),
    )
    return store.finish(result)


class _Training:
    """One training in progress: its learner and its batches, on the device."""

    def __init__(
        self,
        spec: TrainingSpec,
        seed: int,
        images: TrainingImages,
        code: OwnCode,
        device: torch.device,
        on_progress: OnJobProgress,
    ) -> None:
        _, channels, height, width = images.images.shape
        shape = ClassifierShape(channels, images.task.classes, (height, width))
        network = build_network(spec.network, code, shape, seed)
        self.learner = Learner(spec, network, images.task.pixel_scaling, device, code)
        self._seed = seed
        self._runs_own_code = bool(spec.functions)
        self._batches = Batches(spec, seed, images, device)
        self._optimisation = spec.optimisation
        slow = device.type == "cpu"
        self._look_seconds = _LOOK_SECONDS if slow else math.inf
        self.save_seconds = 0.0 if slow else _SAVE_SECONDS
        self._on_progress = on_progress

    def resume(self, reached: Checkpoint, damaged: Sequence[str]) -> None:
        """Goes back to a checkpoint, and says which newer files were passed over."""
        done = len(reached.epochs)
        if done:
            self.learner.load_training_state(reached.current)
        if damaged:
            self._show(done * self._batches.steps_per_epoch, f"{', '.join(damaged)} damaged, {done} epochs kept")

    def epoch(self, number: int) -> EpochReport:
        """Trains for one epoch, then looks at the validation images."""
        began = time.perf_counter()
        rate = learning_rate(self._optimisation, number)
        steps: list[Step] = []
        losses: list[list[float]] = []
        looked = began
        with global_generators(self._seed, "own code", number) if self._runs_own_code else nullcontext():
            for batch in self._batches.epoch(number):
                steps.append(self.learner.step(batch, rate))
                if time.perf_counter() - looked > self._look_seconds or len(steps) == self._batches.steps_per_epoch:
                    losses += self._look(steps, len(losses), number, began)
                    looked = time.perf_counter()
            if number == 0:  # no later: a training that goes on does not know of the epochs before
                self.learner.require_effect()
            self.learner.require_as_made()
            trained_seconds = time.perf_counter() - began
            validation_loss, validation_accuracy = self.learner.validation(*self._batches.validation)
        gammas = self.learner.gammas
        for name, value in (("validation loss", validation_loss), *(("weight of a tap", gamma) for gamma in gammas)):
            if not math.isfinite(value):
                raise _Diverged(f"the {name} is {value} after {self._epoch_name(number)}")
        columns = zip(self.learner.parts, zip(*losses, strict=True), strict=True)
        means = {name: sum(column) / len(column) for name, column in columns}
        return EpochReport(
            epoch=number,
            learning_rate=rate,
            task_loss=means[CROSS_ENTROPY],
            similarity_loss=means.get(SIMILARITY),
            train_accuracy=torch.stack([step.correct for step in steps]).sum().item() / self._batches.images_per_epoch,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            gammas=gammas,
            images_per_second=self._batches.images_per_epoch / trained_seconds,
            seconds=time.perf_counter() - began,
        )

    def _look(self, steps: Sequence[Step], seen: int, epoch: int, began: float) -> list[list[float]]:
        """The parts of the loss of the steps after the first `seen`.

        It waits for the device, so it is not done at each step.

        Raises:
            _Diverged: one of them is not finite.
        """
        losses = torch.stack([step.losses for step in steps[seen:]]).tolist()
        for number, values in enumerate(losses, start=seen + 1):
            for name, value in zip(self.learner.parts, values, strict=True):
                if not math.isfinite(value):
                    where = f"{self._epoch_name(epoch)}, step {number}/{self._batches.steps_per_epoch}"
                    raise _Diverged(f"the {name} is {value} at {where}")
        rate = len(steps) * self._optimisation.batch_size / (time.perf_counter() - began)
        done = epoch * self._batches.steps_per_epoch + len(steps)
        self._show(done, f"{self._epoch_name(epoch)}, loss {losses[-1][0]:.3f}", rate)
        return losses

    def _epoch_name(self, number: int) -> str:
        return f"epoch {number + 1}/{self._optimisation.epochs}"

    def _show(self, done: int, text: str, images_per_second: float | None = None) -> None:
        total = self._optimisation.epochs * self._batches.steps_per_epoch
        self._on_progress(Progress(done=done, total=total, text=text, images_per_second=images_per_second))
