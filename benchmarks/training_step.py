"""A training step: images on the device and batched augmentation, against a DataLoader with a transform per image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import torch

from benchmarks import ceilings
from benchmarks.contest import Ceiling, Contest, Disagreement, Way
from benchmarks.networks import DTYPES, learner_of
from benchmarks.reference.passes import BATCH, Pictures
from benchmarks.reference.training import ListedPairs, PlainTraining, loader_of
from harness.data.bundled import prepare_bundled
from harness.models.architecture import tap_channels
from harness.models.cost import forward_gflop
from harness.models.resnet import build
from harness.regularization.similarity import row_similarity, unit_rows
from harness.regularization.targets import target_values
from harness.spec import NetworkSpec, OptimisationSpec, RegularizerSpec, TrainingSpec
from harness.spec.training import Precision, TrainingPrecision
from harness.suites.devices import get_device
from harness.training.batch import Batch, PairImages
from harness.training.batches import Batches
from harness.training.images import TrainingImages, training_images

WIDTH, PAIRS = 64, 16
STEPS = 2  # of one call
TOLERANCES: dict[TrainingPrecision, float] = {"float32": 1e-5, "bfloat16": 2e-2}  # of the first losses, of their size
FORWARD_AND_BACKWARD = 3  # forward passes: a backward pass costs about two
ALPHA, THRESHOLD = 1.0, 0.2  # what digits stand without diverging
T = TypeVar("T")


def contests(device: torch.device) -> Iterator[Contest]:
    """Steps of a ResNet18 of width 64 on 64 digits and 16 pairs of digits: 96 images go through the network."""
    with TemporaryDirectory() as folder:
        prepare_bundled(Path(folder), "digits")
        for precision in precisions():
            spec = digits_spec(WIDTH, precision, n_train=1293)  # 1280 of them, 20 whole batches, are learned
            yield _contest(spec, training_images(spec, Path(folder), device), device)


def precisions() -> list[Precision]:
    """Those that the device has instructions for."""
    return ["float32", "bfloat16"] if get_device("auto").bfloat16 else ["float32"]


def digits_spec(width: int, precision: Precision, *, n_train: int | None = None, epochs: int = 1) -> TrainingSpec:
    """A training on the bundled digits, regularized with pairs of them, and augmented as the paper's on CIFAR-10."""
    return TrainingSpec(
        classification="digits",
        n_train=n_train,
        network=NetworkSpec(base_width=width),
        regularizer=RegularizerSpec(
            target="threshold",
            alpha=ALPHA,
            threshold=THRESHOLD,
            images="digits",
            n_images=1000,
            pairs_per_batch=PAIRS,
        ),
        optimisation=OptimisationSpec(epochs=epochs),
        augmentation="crop_flip",
        precision=precision,
        channels_last=True,
    )


def _contest(spec: TrainingSpec, images: TrainingImages, device: torch.device) -> Contest:
    learner, batches = learner_of(spec, device), Batches(spec, 0, images, device)
    ours = chain.from_iterable(map(batches.epoch, count()))
    plain = plain_training(spec, device)
    n = batches.images_per_epoch
    loader = loader_of(Pictures(images.images[:n], images.labels[:n], augmented=True), shuffle=True)
    theirs = zip(_endless(loader), _endless(listed_pairs(images)), strict=True)

    def harness() -> None:
        for _ in range(STEPS):
            learner.step(next(ours), 0.1)

    def reference() -> None:
        for _ in range(STEPS):
            (inputs, labels), pairs = next(theirs)
            plain.step(inputs, labels, pairs)

    amount = STEPS * (BATCH + 2 * PAIRS)
    return Contest(
        title=f"training step, width {WIDTH}, {spec.precision}",
        harness=Way(title="images on the device, channels last", work=harness, amount=amount),
        reference=Way(title="a DataLoader, float32", work=reference, amount=amount),
        check=lambda: same_first_step(spec, images, device),
        ceilings=ceilings_of(spec, device),
    )


def _endless(source: Iterable[T]) -> Iterator[T]:
    while True:
        yield from source


def plain_training(spec: TrainingSpec, device: torch.device) -> PlainTraining:
    """The plain way to train, with the same initial weights."""
    return PlainTraining(
        build(spec.network, ceilings.SHAPE, seed=0), tap_channels(spec.network.base_width), ALPHA, device
    )


def listed_pairs(images: TrainingImages) -> ListedPairs:
    """The plain way to draw pairs."""
    assert images.regularization is not None
    return ListedPairs(images.regularization, THRESHOLD, PAIRS)


def same_first_step(spec: TrainingSpec, images: TrainingImages, device: torch.device) -> str:
    """By how much the losses of a first step differ, from the same weights, on the same images; raises Disagreement."""
    assert spec.regularizer
    assert images.regularization is not None
    i, j = torch.arange(PAIRS), torch.arange(PAIRS, 2 * PAIRS)
    targets = target_values(row_similarity(unit_rows(images.regularization), i, j), spec.regularizer)
    compared = (images.regularization[i], images.regularization[j], targets)
    pairs = PairImages(*(part.to(device) for part in compared))
    batch = Batch(images.images[:BATCH].to(device), images.labels[:BATCH].to(device), pairs)
    ours = learner_of(spec, device).step(batch, 0.1).losses.tolist()
    listed = listed_pairs(images).batch(list(zip(i.tolist(), j.tolist(), strict=True)))
    theirs = plain_training(spec, device).step(batch.images / 255, batch.labels, listed)
    differences = [abs(mine / plain - 1) for mine, plain in zip(ours, theirs, strict=True)]
    if max(differences) > TOLERANCES[spec.precision]:
        raise Disagreement("the first cross-entropy and L_sim differ by {:.1e} and {:.1e}".format(*differences))
    return "first cross-entropy and L_sim within {:.0e} and {:.0e}".format(*differences)


def ceilings_of(spec: TrainingSpec, device: torch.device) -> tuple[Ceiling, ...]:
    """What the network's convolutions allow, and what as much arithmetic in one matrix product would take."""
    dtype, precision = DTYPES[spec.precision], spec.precision
    gflop = FORWARD_AND_BACKWARD * forward_gflop(spec.network, ceilings.SHAPE)
    convolutions = partial(ceilings.images_per_second, spec.network, BATCH, dtype, device, backward=True)
    return (
        Ceiling(name=f"convolutions, {precision}", rate=convolutions),
        Ceiling(name=f"a matrix product, {precision}", rate=lambda: ceilings.matrix_gflops(dtype, device) / gflop),
    )
