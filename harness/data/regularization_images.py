"""The images that pairs are drawn from."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from harness.data.augmentation import PADDING, crop_flip
from harness.data.catalogue import get_dataset
from harness.data.grayscale import as_color
from harness.data.splits import open_split
from harness.errors import DataError
from harness.seeding import image_streams, uniform
from harness.spec.training import Color


def regularization_images(data_dir: Path, name: str, n: int, color: Color) -> Tensor:
    """The first n training images of a set: uint8 (n, c, h, w), in a memory of their own.

    Those of CIFAR are randomly cropped and flipped *once*, here (released code). Each image's crop depends on the set
    and on its position alone, so that fewer images are the beginning of more.

    Raises:
        DataError: the set has fewer images.
    """
    stored = open_split(data_dir, name, "train").images
    if n > len(stored):
        raise DataError(f"n_images is {n}, but {name} in {data_dir} has only {len(stored)} training images")
    images = as_color(stored[:n].clone(), color)
    if get_dataset(data_dir, name).augmentation == "none":
        return images
    drawn = uniform(image_streams(torch.arange(n), 0, "regularization images", name), 3)
    offsets = (drawn[:, :2] * (2 * PADDING + 1)).long()
    return crop_flip(images, offsets, drawn[:, 2] < 0.5)
