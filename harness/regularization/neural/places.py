"""Where each neuron seems to look, found before anything is learned."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_WINDOW = 9  # pixels: about the size of a receptive field
_TINY = 1e-6


def places_of(images: Tensor, trial_images: Tensor, responses: Tensor) -> Tensor:
    """The place whose contrast each neuron's responses follow best: (neurons, 2), x and y in [-1, 1].

    Gradients find a location only from nearby, and neurons of all kinds respond to contrast where they look. Sinz et
    al. 2018 search on several scales instead, Lurz et al. 2021 at random.

    images: uint8 (images, 1, h, w); trial_images: int64 (trials,); responses: (trials, neurons).
    """
    height, width = images.shape[2:]
    contrasts = _unit_columns(_local_contrast(images)[trial_images].flatten(1))
    best = (_unit_columns(responses).T @ contrasts).argmax(dim=1)
    x, y = best % width, best // width
    return torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=1)


def _local_contrast(images: Tensor) -> Tensor:
    """Standard deviation of the pixels around each pixel: (n, 1, h, w)."""
    pixels = images.float()
    rest = pixels - F.avg_pool2d(pixels, _WINDOW, 1, _WINDOW // 2, count_include_pad=False)
    return F.avg_pool2d(rest.square(), _WINDOW, 1, _WINDOW // 2, count_include_pad=False).sqrt()


def _unit_columns(values: Tensor) -> Tensor:
    """Columns around their mean, of unit length."""
    centered = values - values.mean(dim=0)
    lengths: Tensor = torch.linalg.vector_norm(centered, dim=0)
    return centered / lengths.clamp_min(_TINY)
