"""Sets of images whose classes a network can learn: one smooth random pattern per class, shifted, with noise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.data.augmentation import PADDING, crop_flip
from harness.data.corruptions import corrupt
from harness.data.origin import new_origin
from harness.data.progress import OnProgress
from harness.data.sets import DATASETS, DataSet
from harness.data.writing import RefuseOrReplace, SplitArrays, write_set
from harness.seeding import stream

# All of these are this program's own choice. With them a narrow network learns ten classes in two epochs, and the
# pixel similarities of a few dozen images spread from below -0.4 to above 0.8, so that no pair range is empty.
COUNTS = {"train": 1000, "test": 100}
CLASSES = 10
"""Where a set's own labels do not matter."""
KNOTS = 5
"""Random values along each side of a pattern, which is smooth between them."""
CONTRAST = 0.2
"""Standard deviation of a pattern's pixels, around 0.5."""
NOISE = 0.05
SHIFT = 2
"""Pixels by which an image is shifted at most, up, down, left or right."""


def make_images(data_dir: Path, name: str, *, existing: RefuseOrReplace, on_progress: OnProgress) -> None:
    """Write the stand-in of a set of images.

    on_progress: told (done, total) images.

    Raises:
        DataError: the set is there and is not to be replaced, or cannot be written.
    """
    dataset = DATASETS[name]
    total = sum(COUNTS[split] for split in dataset.splits)

    def splits() -> Iterator[SplitArrays]:
        done = 0
        for split in dataset.splits:
            images, labels = drawn_images(dataset, split)
            yield SplitArrays(split, images.numpy(), labels.numpy())
            done += len(images)
            on_progress(done, total)

    classes = [str(number) for number in range(dataset.classes or CLASSES)]
    origin = new_origin("stand-in", "random patterns")
    write_set(data_dir, dataset, splits(), classes=classes, origin=origin, existing=existing)


def make_corrupted(data_dir: Path, name: str, *, existing: RefuseOrReplace, on_progress: OnProgress) -> None:
    """Corrupt the test images of a stand-in, which makes a stand-in; on_progress and errors as of `corrupt`."""
    corrupt(data_dir, DATASETS[name].clean, existing=existing, on_progress=on_progress)


def drawn_images(dataset: DataSet, split: str) -> tuple[Tensor, Tensor]:
    """The images of a split, uint8 (n, c, h, w), and their labels, int64 (n,): every class equally often, shuffled."""

    def drawn(what: str) -> torch.Generator:
        return stream(0, "stand-in", dataset.name, split, what)

    n, classes = COUNTS[split], dataset.classes or CLASSES
    labels = torch.randperm(n, generator=drawn("labels")) % classes
    shifts = torch.randint(PADDING - SHIFT, PADDING + SHIFT + 1, (n, 2), generator=drawn("shifts"))
    clean = crop_flip(_patterns(dataset, classes)[labels], shifts, torch.zeros(n, dtype=torch.bool))
    noise = torch.randn(clean.shape, generator=drawn("noise"))
    return (255 * (clean + NOISE * noise)).round().clamp(0, 255).to(torch.uint8), labels


def _patterns(dataset: DataSet, classes: int) -> Tensor:
    """The pattern of each class: (classes, c, h, w) around 0.5. The channels of color images have most in common."""
    generator = stream(0, "stand-in", dataset.name, "patterns")
    common = torch.randn(classes, 1, KNOTS, KNOTS, generator=generator)
    own = torch.randn(classes, dataset.channels, KNOTS, KNOTS, generator=generator)
    smooth = F.interpolate(common + own / 2, size=dataset.size, mode="bicubic", align_corners=True)
    centered = smooth - smooth.mean(dim=(1, 2, 3), keepdim=True)
    return 0.5 + CONTRAST * centered / centered.std(dim=(1, 2, 3), keepdim=True)
