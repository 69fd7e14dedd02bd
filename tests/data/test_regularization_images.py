from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data.bundled import prepare_bundled
from harness.data.grayscale import luma
from harness.data.origin import Origin
from harness.data.regularization_images import regularization_images
from harness.data.sets import DATASETS
from harness.data.splits import open_split
from harness.data.writing import SplitArrays, write_set
from harness.errors import DataError


@pytest.fixture
def cifar(tmp_path: Path) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 32, 32), dtype=np.uint8)
    arrays = SplitArrays("train", images, np.arange(50, dtype=np.int64) % 10)
    origin = Origin(kind="import", source="made up", importer="0")
    write_set(tmp_path, DATASETS["cifar10"], [arrays], classes=[str(i) for i in range(10)], origin=origin)
    return tmp_path


def test_fewer_images_are_the_beginning_of_more(cifar: Path) -> None:
    more = regularization_images(cifar, "cifar10", 50, "rgb")
    assert more.shape == (50, 3, 32, 32)
    assert torch.equal(regularization_images(cifar, "cifar10", 20, "rgb"), more[:20])


def test_cifar_images_are_moved_once_and_always_alike(cifar: Path) -> None:
    stored = open_split(cifar, "cifar10", "train").images
    found = regularization_images(cifar, "cifar10", 50, "rgb")
    assert torch.equal(found, regularization_images(cifar, "cifar10", 50, "rgb"))
    assert not torch.equal(found, stored)


def test_gray_is_the_luma_of_the_same_crops(cifar: Path) -> None:
    color = regularization_images(cifar, "cifar10", 50, "rgb")
    assert torch.equal(regularization_images(cifar, "cifar10", 50, "gray"), luma(color))


def test_sets_without_augmentation_stay_as_they_are(tmp_path: Path) -> None:
    prepare_bundled(tmp_path, "digits")
    stored = open_split(tmp_path, "digits", "train").images
    assert torch.equal(regularization_images(tmp_path, "digits", 30, "gray"), stored[:30])


def test_more_images_than_there_are_is_refused(cifar: Path) -> None:
    with pytest.raises(DataError, match=r"n_images is 51, but cifar10 .* has only 50"):
        regularization_images(cifar, "cifar10", 51, "gray")
