"""Gabor cells: simple cells and complex cells (energy model) that see an image."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

# Pixels of a 36 x 64 image are about 2 degrees of a mouse's visual field, in which V1 prefers about 0.04 cycles
# per degree (Niell and Stryker 2008): a wavelength of some 12 pixels.
WAVELENGTH = 12.0
WAVELENGTH_SPREAD = 0.25  # of its logarithm
ENVELOPE = 0.4  # standard deviation of the Gaussian envelope in wavelengths
EXPONENT = 1.5  # of the output nonlinearity
RATE_SPREAD = 0.5  # of the logarithm of the mean rates


class Cells(NamedTuple):
    """Cells of one scan."""

    even: Tensor
    """Cosine-phase filters over the pixels: (neurons, h * w), each of unit length and without a mean."""
    odd: Tensor
    """The same in sine phase."""
    phase: Tensor
    """(neurons,), radians; of simple cells."""
    complex: Tensor
    """Whether a cell is complex: bool (neurons,)."""
    rate: Tensor
    """Mean response over the images, (neurons,), in spikes per trial."""

    def drive(self, images: Tensor) -> Tensor:
        """What excites each cell: (n, neurons), not negative.

        images: (n, h * w), in units in which 0 is gray. A simple cell responds to its phase; a complex one to the
        energy of both phases. Source: Adelson and Bergen 1985.
        """
        even, odd = images @ self.even.T, images @ self.odd.T
        simple = (even * self.phase.cos() + odd * self.phase.sin()).relu()
        energy = (even.square() + odd.square()).sqrt()
        return torch.where(self.complex, energy, simple) ** EXPONENT


def draw_cells(n: int, size: tuple[int, int], mean_rate: float, generator: torch.Generator) -> Cells:
    """Cells at random places of an image of `size` (h, w), of random orientation, phase and wavelength, half complex.

    generator: on the CPU, as are the cells.
    """
    height, width = size
    wavelength = WAVELENGTH * torch.exp(WAVELENGTH_SPREAD * torch.randn(n, generator=generator))
    places = torch.rand(n, 2, generator=generator) * torch.tensor([height - 1.0, width - 1.0])
    angle = torch.rand(n, generator=generator) * math.pi
    phase = torch.rand(n, generator=generator) * 2 * math.pi
    rate = torch.exp(RATE_SPREAD * torch.randn(n, generator=generator))
    down = torch.arange(height).view(1, -1, 1) - places[:, 0, None, None]
    across = torch.arange(width).view(1, 1, -1) - places[:, 1, None, None]
    along = across * angle.cos()[:, None, None] + down * angle.sin()[:, None, None]
    spread = (ENVELOPE * wavelength)[:, None, None]
    envelope = torch.exp(-(down**2 + across**2) / (2 * spread**2)).flatten(1)
    wave = (2 * math.pi * along / wavelength[:, None, None]).flatten(1)
    return Cells(
        even=_filter(envelope, wave.cos()),
        odd=_filter(envelope, wave.sin()),
        phase=phase,
        complex=torch.arange(n) % 2 == 0,
        rate=mean_rate * rate / rate.mean(),
    )


def _filter(envelope: Tensor, wave: Tensor) -> Tensor:
    """Gabor filters (neurons, pixels) that a uniform image does not excite."""
    mean = (envelope * wave).sum(dim=1, keepdim=True) / envelope.sum(dim=1, keepdim=True)
    gabor = envelope * (wave - mean)
    lengths: Tensor = torch.linalg.vector_norm(gabor, dim=1, keepdim=True)
    return gabor / lengths
