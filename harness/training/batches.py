"""What each step of each epoch sees: augmented batches and image pairs, made on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import starmap
from typing import NamedTuple

import torch
from torch import Tensor

from harness.data.augmentation import crop_flip_padded, draw, padded
from harness.errors import DataError
from harness.regularization.pairs import PairSampler
from harness.seeding import image_streams, stream
from harness.spec.training import TrainingSpec
from harness.training.batch import Batch, PairImages
from harness.training.images import TrainingImages

_AT_ONCE = 2048  # images that are augmented together; keeps the index maps of their crops small


class Labelled(NamedTuple):
    """uint8 images (n, c, h, w) and their labels (n,), on the device."""

    images: Tensor
    labels: Tensor


class Batches:
    """The training images on the device, and the epochs that are made of them.

    Every random number of an epoch comes from streams that are named by seed and epoch, and is drawn before its first
    step.

    Raises:
        DataError: there are too few images for a batch.
    """

    def __init__(self, spec: TrainingSpec, seed: int, images: TrainingImages, device: torch.device) -> None:
        n = len(images.images)
        held_out = max(1, round(spec.optimisation.validation_fraction * n))
        order = torch.randperm(n, generator=stream(seed, "validation"))
        self.validation = _picked(images, order[:held_out], device)
        """The images that choose the epoch; they are never trained on."""
        self._kept = _picked(images, order[held_out:], device)
        self._crops_and_flips = spec.augmentation == "crop_flip"
        if self._crops_and_flips:
            self._kept = self._kept._replace(images=padded(self._kept.images))
        self._sampler, self._pairs_per_batch = None, 0
        if spec.regularizer and images.regularization is not None:
            self._regularization = images.regularization.to(device)
            self._sampler = PairSampler(self._regularization, spec.regularizer, images.similarity)
            self._pairs_per_batch = spec.regularizer.pairs_per_batch
        self._perturbs = spec.perturbation is not None
        self._seed = seed
        self._batch_size = spec.optimisation.batch_size
        rest = len(self._kept.labels) % self._batch_size
        self.images_per_epoch = len(self._kept.labels) - (rest == 1)
        """The last batch may be smaller than the others, but one image alone has no batch statistics worth the name."""
        if not self.images_per_epoch:
            raise DataError(f"{n} training images are too few: beside the {held_out} held out, a batch needs two")
        self.steps_per_epoch = -(-self.images_per_epoch // self._batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch, each image once; pairs are drawn without replacement within the epoch."""
        device = self._kept.labels.device
        order = torch.randperm(len(self._kept.labels), generator=stream(self._seed, "order", number))
        order = order[: self.images_per_epoch].to(device)
        images = torch.split(self._augmented(order, number), self._batch_size)
        labels = torch.split(self._kept.labels[order], self._batch_size)
        return starmap(Batch, zip(images, labels, self._pairs(number), self._streams(order, number), strict=True))

    def _augmented(self, order: Tensor, number: int) -> Tensor:
        """The epoch's images in its order, cropped and flipped if the spec says so."""
        if not self._crops_and_flips:
            return self._kept.images[order]
        offsets, flips = (
            part.to(order.device) for part in draw(len(order), stream(self._seed, "augmentation", number))
        )
        parts = zip(*(torch.split(part, _AT_ONCE) for part in (order, offsets, flips)), strict=True)
        return torch.cat([crop_flip_padded(self._kept.images[which], *crop) for which, *crop in parts])

    def _streams(self, order: Tensor, number: int) -> Sequence[Tensor | None]:
        """The streams of each step of an epoch, one for each image."""
        if not self._perturbs:
            return [None] * self.steps_per_epoch
        return torch.split(image_streams(order, self._seed, "perturbation", number), self._batch_size)

    def _pairs(self, number: int) -> Iterator[PairImages | None]:
        """The pairs of each step of an epoch."""
        if not self._sampler:
            yield from [None] * self.steps_per_epoch
            return
        k = self._pairs_per_batch
        drawn = self._sampler.draw(k * self.steps_per_epoch, stream(self._seed, "pairs", number))
        for rows, columns, targets in zip(*(torch.split(part, k) for part in drawn), strict=True):
            yield PairImages(self._regularization[rows], self._regularization[columns], targets)


def _picked(images: TrainingImages, which: Tensor, device: torch.device) -> Labelled:
    return Labelled(images.images[which].to(device), images.labels[which].to(device))
