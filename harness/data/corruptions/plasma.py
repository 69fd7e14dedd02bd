"""Clouds from the diamond-square algorithm."""

from __future__ import annotations

import numpy as np

from harness.data.corruptions.draws import Draws
from harness.data.corruptions.pixels import Floats


def plasma(size: int, decay: float, draws: Draws) -> Floats:
    """Random clouds in [0, 1] that fit on themselves at opposite borders: (draws.n, size, size).

    size: a power of two.
    decay: how much smoother the clouds are at half the distance; 1 is white noise.
    Source: `plasma_fractal` of `make_cifar_c.py`. It multiplies by its amplitude twice, hence the square.
    """
    clouds = np.zeros((draws.n, size, size))
    amplitude, step = 1.0, size
    while step >= 2:
        half = step // 2
        cells = size // step
        wobble = draws.uniform(f"plasma {cells}", -amplitude, amplitude, 3, cells, cells)
        corners, centers = clouds[:, ::step, ::step], clouds[:, half::step, half::step]
        right, below = np.roll(corners, -1, axis=2), np.roll(corners, -1, axis=1)
        centers[:] = (corners + right + below + np.roll(right, -1, axis=1)) / 4 + wobble[:, 0]
        above, left = np.roll(centers, 1, axis=1), np.roll(centers, 1, axis=2)
        clouds[:, ::step, half::step] = (corners + right + centers + above) / 4 + wobble[:, 1]
        clouds[:, half::step, ::step] = (corners + below + centers + left) / 4 + wobble[:, 2]
        amplitude /= decay**2
        step = half
    low, high = (extreme(axis=(1, 2), keepdims=True) for extreme in (clouds.min, clouds.max))
    spread: Floats = (clouds - low) / (high - low)
    return spread
