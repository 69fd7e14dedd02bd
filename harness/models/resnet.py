"""The paper's residual networks for small images.

Source: He et al. 2016, in the form of the authors' released code: a 7 x 7 stem of stride 1, no max-pool,
four stages of basic blocks, average pool 4 x 4, one linear layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.architecture import (
    BLOCKS,
    POOL,
    STEM_KERNEL,
    STRIDES,
    ClassifierShape,
    pooled_features,
    stage_widths,
    tap_channels,
)
from harness.names import lookup
from harness.seeding import seed_of
from harness.spec.training import NetworkSpec


class ConvNorm(nn.Module):
    """A convolution without bias that keeps the size (but for its stride), its BatchNorm, and what follows them."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, *, added: Tensor | None = None, relu: bool = True) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride); `added` has the result's shape."""
        return followed(self.norm(self.conv(x)), added, relu)


def followed(x: Tensor, added: Tensor | None, relu: bool) -> Tensor:
    """A convolution's outputs, with `added` if there is something to add and then ReLU if asked for; x may change."""
    if added is not None:
        x += added
    return F.relu(x, inplace=True) if relu else x


class Block(nn.Module):
    """A basic block; its shortcut is a projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, outputs, 3, stride)
        self.second = ConvNorm(outputs, outputs, 3)
        same_shape = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same_shape else ConvNorm(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) -> (n, outputs, h / stride, w / stride); where gradients are off, x may change."""
        inner = self.first(x)  # before the shortcut: gradients are summed in this order, and rounded in it
        projected = x if isinstance(self.shortcut, nn.Identity) else self.shortcut(x, relu=False)
        found: Tensor = self.second(inner, added=projected)
        return found


class ResNet(nn.Module):
    """A classifier with five taps, the feature maps that L_sim compares.

    Initial weights are torch's defaults, as in the released code, drawn from torch's global generator: use `build`.
    """

    def __init__(self, architecture: str, base_width: int, shape: ClassifierShape) -> None:
        """`shape.size` is that of the images to classify; the taps take images of any size."""
        super().__init__()
        widths = stage_widths(base_width)
        self.tap_channels = tap_channels(base_width)
        self.stem = ConvNorm(shape.channels, base_width, STEM_KERNEL)
        self.stages = nn.ModuleList()
        inputs = base_width
        for blocks, width, stride in zip(lookup(BLOCKS, "architecture", architecture), widths, STRIDES, strict=True):
            rest = [Block(width, width, 1) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(Block(inputs, width, stride), *rest))
            inputs = width
        self.linear = nn.Linear(pooled_features(base_width, shape.size), shape.classes)

    def taps(self, x: Tensor) -> list[Tensor]:
        """Five feature maps (n, width, h, w): after the stem and after each stage.

        x: (n, c, h, w), scaled as the network wants it (see `PixelModel`).
        """
        maps = [self.stem(x)]
        for stage in self.stages:
            # a block may write over its input where gradients are off
            maps.append(stage(maps[-1] if torch.is_grad_enabled() else maps[-1].clone()))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of scaled images (n, c, h, w)."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        logits: Tensor = self.linear(F.avg_pool2d(x, POOL).flatten(1))
        return logits


def build(network: NetworkSpec, shape: ClassifierShape, seed: int) -> ResNet:
    """A network on the CPU with the initial weights of `seed`; torch's global generators are left as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_of(seed, "weights"))
        return ResNet(network.architecture, network.base_width, shape)
