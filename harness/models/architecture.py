"""The shape of each network, without torch: what `resnet` builds and `cost` counts.

Source: the authors' released code. Stem of stride 1 and no max-pool, unlike ImageNet's ResNets (He et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

BLOCKS: Mapping[str, tuple[int, int, int, int]] = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
}
"""Basic blocks per stage."""
STRIDES = (1, 2, 2, 2)
"""Of the first block of each stage."""
STEM_KERNEL = 7
POOL = 4
"""Kernel and stride of the average pool before the linear layer."""
SMALLEST = 25
"""Height and width of images of whose last feature map the pool finds one place."""


class ClassifierShape(NamedTuple):
    """What a network takes and says; own code gets these as keyword arguments of these names."""

    channels: int
    """Of the images."""
    classes: int
    size: tuple[int, int] = (32, 32)
    """Height and width of the images."""


def stage_widths(base_width: int) -> tuple[int, int, int, int]:
    """Channels of the four stages; the stem has as many as the first."""
    return base_width, 2 * base_width, 4 * base_width, 8 * base_width


def tap_channels(base_width: int) -> tuple[int, ...]:
    """Channels of the five taps: after the stem and after each stage."""
    return base_width, *stage_widths(base_width)


def map_sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Height and width of each stage's feature maps, for input images of `size`."""
    sizes = []
    for stride in STRIDES:
        size = -(-size[0] // stride), -(-size[1] // stride)
        sizes.append(size)
    return sizes


def pooled_features(base_width: int, size: tuple[int, int]) -> int:
    """Inputs of the linear layer: 8 times the base width for images of 28 x 28 to 32 x 32."""
    height, width = map_sizes(size)[-1]
    return stage_widths(base_width)[-1] * (height // POOL) * (width // POOL)
