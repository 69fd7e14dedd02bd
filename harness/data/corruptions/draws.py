"""The random numbers of a corruption."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from harness.seeding import image_streams, normal, stream, uniform

SEED = 0  # corrupted sets are made once, the same for everybody


class Draws(NamedTuple):
    """Random numbers for n images, named by what they are for.

    Those of `uniform` and `normal` belong to an image's position alone, so that images can be corrupted block by block.
    Those of `generator` come one after the other, for all images at once.
    """

    n: int
    path: tuple[str | int, ...]
    first: int = 0
    """Position of the first image."""

    def generator(self) -> torch.Generator:
        """A generator at its start."""
        return stream(SEED, *self.path)

    def uniform(self, purpose: str, low: float, high: float, *shape: int) -> NDArray[np.float64]:
        """Uniform in [low, high): (n, *shape)."""
        numbers = uniform(self._streams(purpose), int(np.prod(shape)))
        return numbers.numpy().astype(np.float64).reshape(self.n, *shape) * (high - low) + low

    def normal(self, purpose: str, *shape: int) -> NDArray[np.float64]:
        """Standard normal: (n, *shape)."""
        numbers = normal(self._streams(purpose), int(np.prod(shape)))
        return numbers.numpy().astype(np.float64).reshape(self.n, *shape)

    def _streams(self, purpose: str) -> torch.Tensor:
        return image_streams(torch.arange(self.first, self.first + self.n), SEED, *self.path, purpose)
