"""Corruptions of 32 x 32 images, and sets in CIFAR-10-C's format made with them.

Source: Hendrycks and Dietterich 2019; constants by severity as in their `make_cifar_c.py`, which made CIFAR-10-C. As
there, pixels are computed in float64 and cut, not rounded, to uint8. Differences: random numbers come from named
streams, and gray images are corrupted as they are (`brightness` shifts HSV's value, for a gray pixel itself).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

import harness
from harness.data.arrays import open_split
from harness.data.manifest import Manifest, Origin, get_manifest
from harness.data.sets import DATASETS, FREQUENCY, SEVERITIES, Frequency, get_dataset
from harness.data.writing import Existing, SplitArrays, write_set
from harness.errors import DataError
from harness.names import lookup
from harness.seeding import stream

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
SEED = 0  # corrupted sets are made once, the same for everybody


class Corruption(NamedTuple):
    """One row of the table."""

    frequency: Frequency
    apply: Callable[[Pixels, Any, torch.Generator], Pixels]
    """(images uint8 (n, c, h, w), constant, generator) -> images of the same shape."""
    constants: tuple[Any, ...]
    """For severities 1 to 5."""


def corrupted(images: Pixels, name: str, severity: int) -> Pixels:
    """The images with one corruption: uint8 (n, c, h, w), same shape back; severity 1 to 5."""
    row = lookup(CORRUPTIONS, "corruption", name)
    return row.apply(images, row.constants[severity - 1], stream(SEED, "corruption", name, severity))


def corrupt(
    data_dir: Path,
    name: str,
    *,
    existing: Existing = "refuse",
    on_progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """Make NAME-c from the set's test split, with every corruption of the table, marked as generated.

    on_progress: told (images done, images to do).
    """
    target = f"{name}-c"
    if target not in DATASETS:
        having = ", ".join(row.clean for row in DATASETS.values() if row.role == "corruption")
        raise DataError(f"{get_dataset(name).name} has no corrupted twin; sets that have one: {having}")
    manifest, clean = get_manifest(data_dir, name), open_split(data_dir, name, "test")
    origin = Origin(
        kind="generated",
        source=f"{name}/test ({manifest.origin.source})",
        sha256=clean.digest,
        importer=harness.__version__,
    )
    splits = _corrupted_splits(clean.images.numpy(), clean.labels.numpy(), on_progress)
    return write_set(data_dir, target, splits, classes=manifest.classes, origin=origin, existing=existing)


def _corrupted_splits(
    images: Pixels, labels: NDArray[np.int64], on_progress: Callable[[int, int], None] | None
) -> Iterator[SplitArrays]:
    total = len(CORRUPTIONS) * len(SEVERITIES) * len(images)
    done = 0
    for name in CORRUPTIONS:
        stacked = np.empty((len(SEVERITIES), *images.shape), np.uint8)
        for level, severity in enumerate(SEVERITIES):
            stacked[level] = corrupted(images, name, severity)
            done += len(images)
            if on_progress:
                on_progress(done, total)
        yield SplitArrays(name, stacked.reshape(-1, *images.shape[1:]), np.tile(labels, len(SEVERITIES)))


def _gaussian_noise(images: Pixels, deviation: float, generator: torch.Generator) -> Pixels:
    return _cut(_unit(images) + deviation * torch.randn(images.shape, generator=generator).numpy())


def _shot_noise(images: Pixels, photons: float, generator: torch.Generator) -> Pixels:
    rates = torch.from_numpy(_unit(images) * photons)
    return _cut(torch.poisson(rates, generator=generator).numpy() / photons)


def _impulse_noise(images: Pixels, amount: float, generator: torch.Generator) -> Pixels:
    """Salt or pepper, even odds, on a share of all pixel values."""
    hit = torch.rand(images.shape, generator=generator).numpy() < amount
    salt = torch.rand(images.shape, generator=generator).numpy() < 0.5
    return np.where(hit, np.where(salt, np.uint8(255), np.uint8(0)), images)


def _defocus_blur(images: Pixels, disk: tuple[float, float], generator: torch.Generator) -> Pixels:
    kernel = _disk(*disk)[None, None]
    return _cut(ndimage.convolve(_unit(images), kernel, mode="mirror"))


def _disk(radius: float, blur: float) -> Floats:
    """A 17 x 17 disk of weight 1, softened by a 3 x 3 Gaussian of deviation `blur` pixels."""
    line = np.arange(-8, 9)
    disk = (line[:, None] ** 2 + line**2) <= radius**2
    weights = np.exp(-np.array([1.0, 0.0, 1.0]) / (2 * blur**2))
    soft = np.outer(weights, weights) / weights.sum() ** 2
    return ndimage.convolve(disk / disk.sum(), soft, mode="constant")


def _brightness(images: Pixels, shift: float, generator: torch.Generator) -> Pixels:
    """HSV's value plus `shift`, clipped to 1, at the same hue and saturation: all channels are scaled alike."""
    pixels = _unit(images)
    value = pixels.max(axis=1, keepdims=True)
    brighter = np.minimum(value + shift, 1)
    scaled = pixels * (brighter / np.where(value > 0, value, 1))
    return _cut(np.where(value > 0, scaled, brighter))


def _contrast(images: Pixels, factor: float, generator: torch.Generator) -> Pixels:
    pixels = _unit(images)
    means = pixels.mean(axis=(2, 3), keepdims=True)
    return _cut((pixels - means) * factor + means)


def _pixelate(images: Pixels, scale: float, generator: torch.Generator) -> Pixels:
    height, width = images.shape[2:]
    box = Image.Resampling.BOX

    def pixelated(image: Image.Image) -> Image.Image:
        return image.resize((int(width * scale), int(height * scale)), box).resize((width, height), box)

    return _each(images, pixelated)


def _jpeg_compression(images: Pixels, quality: int, generator: torch.Generator) -> Pixels:
    def compressed(image: Image.Image) -> Image.Image:
        file = BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return _each(images, compressed)


def _each(images: Pixels, change: Callable[[Image.Image], Image.Image]) -> Pixels:
    """Images changed one by one with Pillow."""
    out = np.empty_like(images)
    for image, place in zip(images.transpose(0, 2, 3, 1), out.transpose(0, 2, 3, 1), strict=True):
        picture = Image.fromarray(image if image.shape[2] == 3 else image[:, :, 0])
        place[:] = np.asarray(change(picture)).reshape(place.shape)
    return out


def _unit(images: Pixels) -> Floats:
    """Pixels in [0, 1]."""
    return images / 255.0


def _cut(pixels: Floats) -> Pixels:
    """Back to uint8: clipped to [0, 1], fractions cut off."""
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)


CORRUPTIONS: Mapping[str, Corruption] = {
    name: Corruption(FREQUENCY[name], apply, constants)
    for name, apply, constants in (
        ("gaussian_noise", _gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
        ("shot_noise", _shot_noise, (500, 250, 100, 75, 50)),
        ("impulse_noise", _impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
        ("defocus_blur", _defocus_blur, ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
        ("brightness", _brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
        ("contrast", _contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
        ("pixelate", _pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
        ("jpeg_compression", _jpeg_compression, (80, 65, 58, 50, 40)),
    )
}
