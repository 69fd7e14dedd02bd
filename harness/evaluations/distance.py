"""How far an attack moves an image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

TOLERANCE = 1e-4
"""By how much of a size a distance may exceed it and still keep to it, for rounding."""


def distance_moved(images: Tensor, attacked: Tensor, norm: str) -> Tensor:
    """How far each image was moved, in a spec's norm and [0, 1] pixel units: (n,) float64."""
    moved = (attacked - images).double().flatten(1)
    found: Tensor = torch.linalg.vector_norm(moved, math.inf if norm == "linf" else 2, dim=1)
    return found


def farthest(epsilon: float) -> float:
    """The largest distance that keeps to a size, but for rounding."""
    return epsilon * (1 + TOLERANCE) + 1e-6
