"""Pixels on their way through a corruption: uint8, and fractions of the pixel range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


def unit(images: Pixels) -> Floats:
    """Pixels in [0, 1]."""
    return images / 255.0


def cut(pixels: Floats) -> Pixels:
    """Back to uint8: clipped to [0, 1], fractions cut off."""
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)
