"""The spatial frequencies of images of a size. Free of torch, so that reports count them too.

Frequencies of an image (h, w) are laid out as (h, w) with zero in the middle: down and across, in cycles per image.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.data.sets import Frequency

Whole = NDArray[np.int64]

BANDS: tuple[Frequency, ...] = ("low", "medium", "high")
"""Thirds of the way from zero to half a cycle per pixel, the highest frequency along a side; `high` has the rest."""


def cycles(size: int) -> Whole:
    """The frequencies along a side of that many pixels: (size,), in cycles per image."""
    return np.arange(size) - size // 2


def radii(height: int, width: int) -> Whole:
    """Each frequency's distance from zero in cycles per image, rounded: (h, w)."""
    return np.hypot(cycles(height)[:, None], cycles(width)).round().astype(np.int64)


def bands(height: int, width: int) -> Whole:
    """The band of each frequency, by its place in BANDS: (h, w).

    By cycles per pixel, so that the bands of images that are wider than high lie around zero as circles all the same.
    """
    down, across = 6 * cycles(height)[:, None] * width, 6 * cycles(width) * height  # whole numbers: borders are exact
    borders = [(third * height * width) ** 2 for third in (1, 2)]
    return np.searchsorted(borders, down**2 + across**2, side="right")


class HalfPlane(NamedTuple):
    """Of a frequency and its negative, which are one in real images, that which comes first, row by row."""

    down: Whole
    """(n,), in cycles per image."""
    across: Whole
    of: Whole
    """(h, w): which of the n stands for each frequency."""


def half_plane(height: int, width: int) -> HalfPlane:
    """The frequencies of real images of a size, each once: a little more than half of them."""
    places = np.arange(height * width).reshape(height, width)
    rows, columns = ((2 * (size // 2) - np.arange(size)) % size for size in (height, width))
    first, of = np.unique(np.minimum(places, places[np.ix_(rows, columns)]), return_inverse=True)
    return HalfPlane(cycles(height)[first // width], cycles(width)[first % width], of.reshape(height, width))
