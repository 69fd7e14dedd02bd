"""Color to gray and back, on uint8 images."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.spec.training import Color


def luma(images: Tensor) -> Tensor:
    """ITU-R 601 luma, bit for bit as Pillow's mode "L": uint8 (n, 3, h, w) -> (n, 1, h, w).

    It commutes exactly with padding, cropping and flipping, so it can be done once.
    Source: Pillow's `Convert.c`, which the released code's `transforms.Grayscale` calls.
    """
    total = torch.full_like(images[:, :1], 0x8000, dtype=torch.int32)
    for channel, weight in enumerate((19595, 38470, 7471)):  # 0.299, 0.587, 0.114 in units of 2^-16
        total += images[:, channel : channel + 1].int() * weight
    return (total >> 16).to(torch.uint8)


def as_color(images: Tensor, color: Color) -> Tensor:
    """Images in the wanted color: uint8 (n, c, h, w) -> (n, 1 or 3, h, w).

    Gray images repeat their channel in color.
    """
    if color == "gray":
        return luma(images) if images.shape[1] == 3 else images
    return images if images.shape[1] == 3 else images.repeat(1, 3, 1, 1)
