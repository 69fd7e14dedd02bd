"""The motion blur of ImageMagick, which CIFAR-10-C's motion blur and snow were made with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.data.corruptions.pixels import Floats, Pixels


def motion_blurred(images: Pixels, radius: int, deviation: float, angles: Floats) -> Pixels:
    """Each image smeared along a line of its own: (n, c, h, w), same shape back, rounded as ImageMagick does.

    A pixel becomes the mean of itself and the 2 * radius pixels that follow it on the line, with the weights of a
    half Gaussian of that deviation in pixels. Beyond the border the nearest pixel counts.
    angles: (n,) degrees, clockwise from the right.
    Source: ImageMagick 6, `MotionBlurImageChannel` in magick/effect.c.
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * deviation**2))
    weights /= weights.sum()
    turned = np.radians(angles)[:, None]
    # where on the grid each step falls, down and across: (n, 2, steps)
    offsets = np.ceil(np.stack((steps * np.sin(turned), steps * np.cos(turned)), axis=1) - 0.5).astype(np.intp)
    lines, line_of = np.unique(offsets, axis=0, return_inverse=True)
    blurred = np.empty_like(images)
    for number, line in enumerate(lines):  # on so few pixels, thousands of angles are some dozens of lines
        members = np.flatnonzero(line_of == number)
        blurred[members] = np.round(_along(images[members], line, weights))
    return blurred


def _along(images: Pixels, line: NDArray[np.intp], weights: Floats) -> Floats:
    """The weighted mean along a line: offsets (2, steps) down and across."""
    height, width = images.shape[2:]
    margin = int(np.abs(line).max())
    padded = np.pad(images, ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="edge")
    total = np.zeros(images.shape)
    for (down, across), weight in zip(line.T + margin, weights, strict=True):
        total += weight * padded[:, :, down : down + height, across : across + width]
    return total
