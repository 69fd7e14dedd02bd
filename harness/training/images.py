"""The images that one training reads, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from harness.data.catalogue import get_dataset
from harness.data.grayscale import as_color
from harness.data.regularization_images import regularization_images
from harness.data.sets import Task
from harness.data.similarities import open_similarity
from harness.data.splits import open_split
from harness.data.weights import weights_file
from harness.errors import DataError
from harness.models.features import feature_rows
from harness.own_code import NO_CODE, OwnCode
from harness.regularization.own_target import own_similarity
from harness.regularization.similarity import Similarity, entries, row_similarity, same_class
from harness.spec.inputs import RECORDED, Recorded
from harness.spec.own import is_own
from harness.spec.training import FEATURE_LAYER, FEATURES, Color, RegularizerSpec, TrainingSpec


@dataclass(frozen=True)
class TrainingImages:
    """All images of a training, in its color and not yet scaled or augmented."""

    images: Tensor
    """uint8 (n, c, h, w)."""
    labels: Tensor
    """int64 (n,)."""
    regularization: Tensor | None
    """uint8 (N, c, h, w), maybe of another height and width; None without a regularizer."""
    task: Task
    similarity: Similarity | None = None
    """Of the regularization images, where the target does not follow from their pixels."""


def training_images(
    spec: TrainingSpec, data_dir: Path, device: torch.device, code: OwnCode = NO_CODE
) -> TrainingImages:
    """What a training reads from the data directory.

    device: where the features of a pretrained network are computed, if they are the target. code: what a target of
    one's own is in.

    Raises:
        SpecError: the data set has no classes to learn.
        DataError: a data set is missing, damaged or smaller than the spec asks for.
    """
    dataset = get_dataset(data_dir, spec.classification)
    task = dataset.task
    split = open_split(data_dir, dataset.name, "train")
    n = len(split.images) if spec.n_train is None else spec.n_train
    if n > len(split.images):
        raise DataError(
            f"n_train is {n}, but {dataset.name} in {data_dir} has only {len(split.images)} training images"
        )
    pairs, similarity = (
        _regularization(spec.regularizer, spec.color, data_dir, device, code) if spec.regularizer else (None, None)
    )
    return TrainingImages(
        images=as_color(split.images[:n], spec.color),
        labels=split.labels[:n],
        regularization=pairs,
        task=task,
        similarity=similarity,
    )


def _regularization(
    spec: RegularizerSpec, color: Color, data_dir: Path, device: torch.device, code: OwnCode
) -> tuple[Tensor, Similarity | None]:
    """The images that pairs are drawn from, and their similarity where it does not follow from their pixels."""
    if spec.target in RECORDED:
        recorded = open_similarity(data_dir, spec.images, cast(Recorded, spec.target))
        n = spec.n_images
        if n > len(recorded.images):
            raise DataError(f"n_images is {n}, but the similarity {spec.images} has only {len(recorded.images)} images")
        return as_color(recorded.images[:n].clone(), color), entries(recorded.matrix[:n, :n].to(device))
    images = regularization_images(data_dir, spec.images, spec.n_images, color)
    if spec.target == "label":
        labels = open_split(data_dir, spec.images, "train").labels[: spec.n_images]
        return images, same_class(labels.to(device))
    if spec.target == "features":
        rows = feature_rows(images, FEATURE_LAYER, weights_file(data_dir, FEATURES), device)
        return images, partial(row_similarity, rows)
    if is_own(spec.target):
        return images, own_similarity(spec, code, images.to(device))
    return images, None
