"""The fifteen corruptions of CIFAR-10-C, and sets in its format made with them.

Source: Hendrycks and Dietterich 2019; steps and constants by severity as in their `make_cifar_c.py`, which made
CIFAR-10-C of 32 x 32 images. As there, pixels are computed in float64 and cut, not rounded, to uint8. Constants in
pixels stay as they are for images of another size. Differences: random numbers come from named streams; gray images
are corrupted as they are (`brightness` shifts HSV's value, for a gray pixel itself); frost is drawn, not photographed;
the affine map of `elastic_transform` reads between pixels exactly, not at OpenCV's 32nds of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.data.catalogue import get_dataset, get_manifest
from harness.data.corruptions.blur import defocus_blur, glass_blur, motion_blur, zoom_blur
from harness.data.corruptions.digital import contrast, elastic_transform, jpeg_compression, pixelate
from harness.data.corruptions.draws import Draws
from harness.data.corruptions.noise import gaussian_noise, impulse_noise, shot_noise
from harness.data.corruptions.pixels import Pixels
from harness.data.corruptions.weather import Snowfall, brightness, fog, frost, snow
from harness.data.manifest import Manifest
from harness.data.origin import new_origin
from harness.data.progress import OnProgress, ignore_progress
from harness.data.sets import CORRUPTED, SEVERITIES
from harness.data.splits import open_split
from harness.data.writing import Existing, SplitArrays, write_set
from harness.errors import DataError
from harness.names import lookup

DRAWN_IN_ORDER = (gaussian_noise, shot_noise, impulse_noise)  # by one generator, for all images at once
BLOCK = 500  # images: as fast as any, and the memory of a few hundred megabytes


class Corruption(NamedTuple):
    """One row of the table."""

    apply: Callable[[Pixels, Any, Draws], Pixels]
    """(images uint8 (n, c, h, w), constant, random numbers) -> images of the same shape."""
    constants: tuple[Any, ...]
    """For severities 1 to 5."""


CORRUPTIONS: Mapping[str, Corruption] = {
    "gaussian_noise": Corruption(gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot_noise": Corruption(shot_noise, (500, 250, 100, 75, 50)),
    "impulse_noise": Corruption(impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "defocus_blur": Corruption(defocus_blur, ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
    "glass_blur": Corruption(glass_blur, ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))),
    "motion_blur": Corruption(motion_blur, ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))),
    "zoom_blur": Corruption(zoom_blur, (1.06, 1.11, 1.16, 1.21, 1.26)),
    "snow": Corruption(
        snow,
        (
            Snowfall(0.1, 0.2, 1, 0.6, 8, 3, 0.95),
            Snowfall(0.1, 0.2, 1, 0.5, 10, 4, 0.9),
            Snowfall(0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            Snowfall(0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
            Snowfall(0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ),
    ),
    "frost": Corruption(frost, ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))),
    "fog": Corruption(fog, ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))),
    "brightness": Corruption(brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": Corruption(contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "elastic_transform": Corruption(
        elastic_transform, ((0, 0, 2.56), (1.6, 6.4, 2.24), (2.56, 1.92, 1.92), (3.2, 1.28, 1.6), (3.2, 0.96, 0.96))
    ),
    "pixelate": Corruption(pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
    "jpeg_compression": Corruption(jpeg_compression, (80, 65, 58, 50, 40)),
}


def corrupted(images: Pixels, name: str, severity: int) -> Pixels:
    """The images with one corruption: uint8 (n, c, h, w), same shape back; severity 1 to 5."""
    row = lookup(CORRUPTIONS, "corruption", name)
    constant, path = row.constants[severity - 1], ("corruption", name, severity)
    if row.apply in DRAWN_IN_ORDER:
        return row.apply(images, constant, Draws(len(images), path))
    found = np.empty_like(images)
    for first in range(0, len(images), BLOCK):
        block = images[first : first + BLOCK]
        found[first : first + BLOCK] = row.apply(block, constant, Draws(len(block), path, first))
    return found


def corrupt(
    data_dir: Path,
    name: str,
    *,
    existing: Existing = "refuse",
    on_progress: OnProgress = ignore_progress,
) -> Manifest:
    """Make NAME-c from the set's test split, with every corruption of the table, marked as generated.

    Of a stand-in it makes a stand-in.

    on_progress: told (images done, images to do).

    Raises:
        DataMissing: the set itself is not there.
        DataError: the set has no test images to corrupt, or NAME-c is there already and is not to be replaced.
    """
    dataset = get_dataset(data_dir, name)
    if dataset.role != "classification":
        raise DataError(f"{name} is a {dataset.role} set; only sets with classes and test images have a corrupted twin")
    manifest, clean = get_manifest(data_dir, name), open_split(data_dir, name, "test")
    origin = new_origin(
        manifest.origin.of_derived, f"{name}/test ({manifest.origin.source}), frost drawn", clean.digest
    )
    splits = _corrupted_splits(clean.images.numpy(), clean.labels.numpy(), on_progress)
    return write_set(
        data_dir,
        get_dataset(data_dir, name + CORRUPTED),
        splits,
        classes=manifest.classes,
        origin=origin,
        existing=existing,
    )


def _corrupted_splits(images: Pixels, labels: NDArray[np.int64], on_progress: OnProgress) -> Iterator[SplitArrays]:
    total = len(CORRUPTIONS) * len(SEVERITIES) * len(images)
    done = 0
    for name in CORRUPTIONS:
        stacked = np.empty((len(SEVERITIES), *images.shape), np.uint8)
        for level, severity in enumerate(SEVERITIES):
            stacked[level] = corrupted(images, name, severity)
            done += len(images)
            on_progress(done, total)
        yield SplitArrays(name, stacked.reshape(-1, *images.shape[1:]), np.tile(labels, len(SEVERITIES)))
