"""How far each neuron's responses and predictions can be trusted. All numbers are 0 for a neuron that never varies."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_TINY = 1e-8


class Repeats(NamedTuple):
    """What repeats say of the images that were shown more than once."""

    images: Tensor
    """int64 (repeated,)."""
    means: Tensor
    """Mean response over an image's repeats: (repeated, neurons)."""
    deviations: Tensor
    """Standard deviation over an image's repeats, with n - 1: (repeated, neurons)."""


def find_repeats(responses: Tensor, trial_images: Tensor) -> Repeats | None:
    """Mean and deviation for each repeated image; None if no image was repeated.

    responses: (trials, neurons); trial_images: int64 (trials,).
    """
    counts = torch.bincount(trial_images)
    images = (counts > 1).nonzero()[:, 0]
    if not len(images):
        return None
    per_image = counts.clamp_min(1)[:, None]
    zeros = responses.new_zeros(len(counts), responses.shape[1])
    means = zeros.index_add(0, trial_images, responses) / per_image
    squares = zeros.index_add(0, trial_images, (responses - means[trial_images]).square())
    deviations = (squares / (per_image - 1).clamp_min(1)).sqrt()
    return Repeats(images, means[images], deviations[images])


def signal_to_noise(repeats: Repeats) -> Tensor:
    """w_a: standard deviation of the mean responses over images / mean deviation over repeats, (neurons,).

    Source: Li et al. 2019.
    """
    noise = repeats.deviations.mean(dim=0)
    return torch.where(noise > 0, repeats.means.std(dim=0) / noise.clamp_min(_TINY), 0.0)


def correlations(a: Tensor, b: Tensor) -> Tensor:
    """Pearson correlation of each column: (n, neurons) twice -> (neurons,)."""
    a, b = a - a.mean(dim=0), b - b.mean(dim=0)
    scale = torch.linalg.vector_norm(a, dim=0) * torch.linalg.vector_norm(b, dim=0)
    return torch.where(scale > _TINY, (a * b).sum(dim=0) / scale.clamp_min(_TINY), 0.0)


def off_diagonal_correlation(a: Tensor, b: Tensor) -> float:
    """Pearson correlation of two symmetric matrices (N, N), each pair i < j counted once."""
    i, j = torch.triu_indices(len(a), len(a), offset=1, device=a.device)
    return correlations(a[i, j, None].double(), b[i, j, None].double()).item()
