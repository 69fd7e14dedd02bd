"""Noise that is drawn for every pixel value by itself."""

from __future__ import annotations

import numpy as np
import torch

from harness.data.corruptions.draws import Draws
from harness.data.corruptions.pixels import Pixels, cut, unit


def gaussian_noise(images: Pixels, deviation: float, draws: Draws) -> Pixels:
    """Normal noise of a deviation in fractions of the pixel range."""
    return cut(unit(images) + deviation * torch.randn(images.shape, generator=draws.generator()).numpy())


def shot_noise(images: Pixels, photons: float, draws: Draws) -> Pixels:
    """Poisson noise of so many photons at full brightness."""
    rates = torch.from_numpy(unit(images) * photons)
    return cut(torch.poisson(rates, generator=draws.generator()).numpy() / photons)


def impulse_noise(images: Pixels, amount: float, draws: Draws) -> Pixels:
    """Salt or pepper, even odds, on a share of all pixel values."""
    generator = draws.generator()
    hit = torch.rand(images.shape, generator=generator).numpy() < amount
    salt = torch.rand(images.shape, generator=generator).numpy() < 0.5
    return np.where(hit, np.where(salt, np.uint8(255), np.uint8(0)), images)
