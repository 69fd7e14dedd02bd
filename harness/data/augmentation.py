"""Random crop and flip of whole batches, by index, on any device."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

PADDING = 4  # pixels reflected at each border before the crop (released code)


class CropFlip(NamedTuple):
    """What happens to each of n images."""

    offsets: Tensor
    """int64 (n, 2): top and left corner of the crop in the padded image, 0 to 2 * PADDING."""
    flips: Tensor
    """bool (n,): whether the crop is mirrored left to right."""


def draw(n: int, generator: torch.Generator) -> CropFlip:
    """Crops and flips for n images, on the generator's device."""
    device = generator.device
    offsets = torch.randint(2 * PADDING + 1, (n, 2), generator=generator, device=device)
    return CropFlip(offsets, torch.randint(2, (n,), generator=generator, device=device).bool())


def padded(images: Tensor) -> Tensor:
    """Images with reflected borders: uint8 (n, c, h, w) -> (n, c, h + 8, w + 8). Needed once per data set."""
    rows = _reflected(images.shape[2], images.device)
    columns = _reflected(images.shape[3], images.device)
    return images[:, :, rows[:, None], columns]


def crop_flip_padded(images: Tensor, offsets: Tensor, flips: Tensor) -> Tensor:
    """Crop and flip images that are `padded` already: (n, c, h + 8, w + 8) -> (n, c, h, w)."""
    n, channels, height, width = images.shape
    down = torch.arange(height - 2 * PADDING, device=images.device)
    across = torch.arange(width - 2 * PADDING, device=images.device)
    rows = offsets[:, :1] + down
    columns = offsets[:, 1:] + torch.where(flips[:, None], across.flip(0), across)
    pixels = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    chosen = images.flatten(2).gather(2, pixels[:, None].expand(-1, channels, -1))
    return chosen.view(n, channels, len(down), len(across))


def crop_flip(images: Tensor, offsets: Tensor, flips: Tensor) -> Tensor:
    """Reflect-pad by 4, crop to the old size at `offsets`, mirror where `flips`: uint8 (n, c, h, w), same shape back.

    Bit for bit what padding, cropping and flipping each image by itself gives.
    """
    return crop_flip_padded(padded(images), offsets, flips)


def _reflected(size: int, device: torch.device) -> Tensor:
    """Indices of a line with PADDING reflected pixels at both ends (the border itself is not repeated)."""
    line = torch.arange(-PADDING, size + PADDING, device=device).abs()
    return line.minimum(2 * (size - 1) - line)
