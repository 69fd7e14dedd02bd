"""The core: what all neurons of a scan share, maps of features computed from the image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYERS = 3
FIRST_KERNEL = 9
LATER_KERNEL = 5
STRIDE = 2


class Core(nn.Module):
    """Three convolutional layers with skip connections: each sees all layers before it.

    Convolution without bias, BatchNorm, ELU. The first layer halves the resolution.

    Source: Sinz et al. 2018 and Walker et al. 2019; their first layers keep the resolution and have wider kernels and
    more channels, which takes a GPU.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([nn.Conv2d(1, channels, FIRST_KERNEL, STRIDE, FIRST_KERNEL // 2, bias=False)])
        for layer in range(1, LAYERS):
            later = nn.Conv2d(layer * channels, channels, LATER_KERNEL, padding=LATER_KERNEL // 2, bias=False)
            self.convolutions.append(later)
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(LAYERS))

    def forward(self, images: Tensor) -> Tensor:
        """The maps of all layers side by side: (n, 1, h, w) -> (n, 3 * channels, h / 2, w / 2)."""
        maps = F.elu(self.norms[0](self.convolutions[0](images)))
        for convolution, norm in zip(self.convolutions[1:], self.norms[1:], strict=True):
            maps = torch.cat([maps, F.elu(norm(convolution(maps)))], dim=1)
        return maps
