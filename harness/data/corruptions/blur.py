"""Blurs: of a lens out of focus, frosted glass, motion and zoom."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, sparse

from harness.data.corruptions.draws import Draws
from harness.data.corruptions.motion import motion_blurred
from harness.data.corruptions.pixels import Floats, Pixels, cut, unit
from harness.data.corruptions.zoom import mapped, zoom_map


def defocus_blur(images: Pixels, disk: tuple[float, float], draws: Draws) -> Pixels:
    """Every pixel spread over a disk: radius and softness in pixels."""
    kernel = _disk(*disk)[None, None]
    return cut(ndimage.convolve(unit(images), kernel, mode="mirror"))


def _disk(radius: float, blur: float) -> Floats:
    """A 17 x 17 disk of weight 1, softened by a 3 x 3 Gaussian of deviation `blur` pixels."""
    line = np.arange(-8, 9)
    disk = (line[:, None] ** 2 + line**2) <= radius**2
    weights = np.exp(-np.array([1.0, 0.0, 1.0]) / (2 * blur**2))
    soft = np.outer(weights, weights) / weights.sum() ** 2
    return ndimage.convolve(disk / disk.sum(), soft, mode="constant")


def glass_blur(images: Pixels, glass: tuple[float, int], draws: Draws) -> Pixels:
    """A blur, then pixels taken from a neighbour, then the same blur again.

    glass: deviation of the blur in pixels, and how often pixels are taken; always from at most 1 pixel away.
    Every pixel but those of the first two rows and columns becomes itself or its neighbour to the left, above or
    both, even odds each way. That is what the published code does to color images, though it means to swap the two:
    its numpy views turn the swap into a copy, of a pixel that was not changed yet. So all can be taken at once.
    """
    deviation, times = glass
    height, width = images.shape[2:]
    pixels = cut(_softened(unit(images), deviation))
    for time in range(times):
        here, above = pixels[:, :, 2:], pixels[:, :, 1:-1]
        up, left = draws.uniform(f"shift {time}", 0, 1, 2, 1, height - 2, width - 2).swapaxes(0, 1) < 0.5
        taken = np.where(
            up,
            np.where(left, above[..., 1:-1], above[..., 2:]),
            np.where(left, here[..., 1:-1], here[..., 2:]),
        )
        pixels[:, :, 2:, 2:] = taken
    return cut(_softened(unit(pixels), deviation))


def _softened(pixels: Floats, deviation: float) -> Floats:
    return ndimage.gaussian_filter(pixels, (0, 0, deviation, deviation), mode="nearest")


def motion_blur(images: Pixels, line: tuple[int, float], draws: Draws) -> Pixels:
    """Every image smeared at an angle of its own, within 45 degrees of level; line: radius and deviation in pixels."""
    return motion_blurred(images, *line, draws.uniform("angle", -45, 45))


def zoom_blur(images: Pixels, end: float, draws: Draws) -> Pixels:
    """The mean of the image and its enlargements by 1, 1.01, ... to `end`, reached or not as in the published code."""
    height, width = images.shape[2:]
    factors = np.arange(1, end, 0.01)
    total = zoom_map(height, width, 1)
    for factor in factors:
        total = sparse.csr_array(total + zoom_map(height, width, factor))
    return cut(mapped(unit(images), total) / (len(factors) + 1))
