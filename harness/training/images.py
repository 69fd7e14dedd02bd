"""The images that one training reads, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from harness.data.arrays import open_split
from harness.data.grayscale import as_color
from harness.data.regularization_images import regularization_images
from harness.data.sets import get_dataset
from harness.errors import DataError, SpecError
from harness.spec.training import TrainingSpec


@dataclass(frozen=True)
class TrainingImages:
    """All images of a training, in its colour and not yet scaled or augmented."""

    images: Tensor
    """uint8 (n, c, h, w)."""
    labels: Tensor
    """int64 (n,)."""
    regularization: Tensor | None
    """uint8 (N, c, h, w), maybe of another height and width; None without a regularizer."""
    classes: int


def training_images(spec: TrainingSpec, data_dir: Path) -> TrainingImages:
    """What a training reads from the data directory.

    Raises:
        SpecError: the data set has no classes to learn.
        DataError: a data set is missing, damaged or smaller than the spec asks for.
    """
    dataset = get_dataset(spec.classification)
    if dataset.role != "classification" or dataset.classes is None:
        raise SpecError(f"classification: {dataset.name} is a {dataset.role} set, a network cannot be trained on it")
    split = open_split(data_dir, dataset.name, "train")
    n = len(split.images) if spec.n_train is None else spec.n_train
    if n > len(split.images):
        raise DataError(
            f"n_train is {n}, but {dataset.name} in {data_dir} has only {len(split.images)} training images"
        )
    regularizer = spec.regularizer
    return TrainingImages(
        images=as_color(split.images[:n], spec.color),
        labels=split.labels[:n],
        regularization=regularization_images(data_dir, regularizer.images, regularizer.n_images, spec.color)
        if regularizer
        else None,
        classes=dataset.classes,
    )
