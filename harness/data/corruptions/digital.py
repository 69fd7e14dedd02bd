"""What cameras and files do: contrast, distortion, coarse pixels and JPEG."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch.nn.functional import grid_sample

from harness.data.corruptions.draws import Draws
from harness.data.corruptions.pixels import Floats, Pixels, cut, unit


def contrast(images: Pixels, factor: float, draws: Draws) -> Pixels:
    """Each channel pulled towards its own mean."""
    pixels = unit(images)
    means = pixels.mean(axis=(2, 3), keepdims=True)
    return cut((pixels - means) * factor + means)


def elastic_transform(images: Pixels, bend: tuple[float, float, float], draws: Draws) -> Pixels:
    """A random affine map, then a smooth random displacement of every pixel; both interpolate linearly.

    bend: strength and smoothness of the displacement, and how far the corners of the affine map move, in pixels.
    """
    strength, smoothness, corner = bend
    height, width = images.shape[2:]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)))  # x and y of each pixel: (2, h, w)
    moved = draws.uniform("displacement", -1, 1, 2, height, width)
    moved = ndimage.gaussian_filter(moved, (0, 0, smoothness, smoothness), mode="reflect", truncate=3) * strength
    tilted = _sampled(unit(images), _affine(grid, corner, draws), border_twice=False)
    return cut(_sampled(tilted, grid + moved, border_twice=True))


def _affine(grid: NDArray[np.intp], corner: float, draws: Draws) -> Floats:
    """Where each pixel comes from in a map that moves three corners of the inner square: (n, 2, h, w).

    corner: the most that one moves in x and in y, in pixels.
    """
    height, width = grid.shape[1:]
    center, reach = np.array([width // 2, height // 2]), min(height, width) // 3
    old = center + reach * np.array([[1, 1], [1, -1], [-1, -1]])
    new = old + draws.uniform("corners", -corner, corner, 3, 2)
    lifted = np.concatenate((new, np.ones((draws.n, 3, 1))), axis=2)
    back = np.linalg.solve(lifted, np.broadcast_to(old, new.shape).astype(np.float64))  # (n, 3, 2)
    linear, shift = back[:, :2].swapaxes(1, 2), back[:, 2]
    places: Floats = np.einsum("nij,jhw->nihw", linear, grid) + shift[:, :, None, None]
    return places


def _sampled(pixels: Floats, places: Floats, *, border_twice: bool) -> Floats:
    """Images read at x and y, (n, 2, h, w), with linear interpolation; beyond the border they are mirrored.

    border_twice: whether the mirror repeats the border (scipy's "reflect") or not (OpenCV's "reflect 101").
    """
    size = np.array(pixels.shape[:1:-1]).reshape(2, 1, 1)  # width and height
    relative = (2 * places + 1) / size - 1 if border_twice else 2 * places / (size - 1) - 1
    return grid_sample(
        torch.from_numpy(pixels),
        torch.from_numpy(relative.transpose(0, 2, 3, 1)),
        padding_mode="reflection",
        align_corners=not border_twice,
    ).numpy()


def pixelate(images: Pixels, scale: float, draws: Draws) -> Pixels:
    """Scaled down and up again, box filter both ways."""
    height, width = images.shape[2:]
    box = Image.Resampling.BOX

    def pixelated(image: Image.Image) -> Image.Image:
        return image.resize((int(width * scale), int(height * scale)), box).resize((width, height), box)

    return _each(images, pixelated)


def jpeg_compression(images: Pixels, quality: int, draws: Draws) -> Pixels:
    """Written as JPEG and read again."""

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
