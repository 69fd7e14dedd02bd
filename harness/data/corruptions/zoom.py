"""Enlarged centers of images, as a linear map of their pixels."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from harness.data.corruptions.pixels import Floats


def zoom_map(height: int, width: int, factor: float) -> sparse.csr_array:
    """What makes of an image its center, enlarged to the old size with linear interpolation.

    Returns (height * width, height * width): enlarged pixels by old ones. Maps can be added, and then cost once.
    Source: `clipped_zoom` of `make_cifar_c.py`, whose `scipy.ndimage.zoom` puts the corners of the cropped center on
    the corners of what it becomes, before that is trimmed to the old size.
    """
    return sparse.kron(_line_map(height, factor), _line_map(width, factor), format="csr")


def mapped(pixels: Floats, linear: sparse.csr_array) -> Floats:
    """The pixels (n, c, h, w) of each channel under a linear map, same shape back."""
    n, channels, height, width = pixels.shape
    return (linear @ pixels.reshape(n * channels, height * width).T).T.reshape(pixels.shape)


def _line_map(size: int, factor: float) -> sparse.csr_array:
    cropped = math.ceil(size / factor)
    enlarged = round(cropped * factor)
    line = np.arange(size)
    places = (line + (enlarged - size) // 2) * ((cropped - 1) / (enlarged - 1)) + (size - cropped) // 2
    before = places.astype(np.intp)
    share = places - before
    values = np.concatenate((1 - share, share))
    columns = np.concatenate((before, np.minimum(before + 1, size - 1)))
    return sparse.csr_array((values, (np.concatenate((line, line)), columns)), shape=(size, size))
