"""Accuracy under random noise: Gaussian, uniform, salt and pepper."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.evaluations.curve import curve
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult
from harness.seeding import image_streams, normal, uniform
from harness.spec import NoiseSpec


def gaussian(streams: Tensor, size: int, epsilon: float) -> Tensor:
    """Normal noise of standard deviation epsilon."""
    return normal(streams, size).mul_(epsilon)


def uniform_noise(streams: Tensor, size: int, epsilon: float) -> Tensor:
    """Uniform in [-epsilon, epsilon)."""
    return uniform(streams, size).mul_(2).sub_(1).mul_(epsilon)


def salt_pepper(streams: Tensor, size: int, epsilon: float) -> Tensor:
    """+1 or -1, with even odds, at a share epsilon of the pixel values; 0 elsewhere."""
    drawn = uniform(streams, size)
    return (drawn < epsilon / 2).float().sub_(((drawn >= epsilon / 2) & (drawn < epsilon)).float())


NOISES: dict[str, Callable[[Tensor, int, float], Tensor]] = {
    "gaussian": gaussian,
    "uniform": uniform_noise,
    "salt_pepper": salt_pepper,
}
"""By kind: what is added, (n, size), for one stream per image. Source: paper section 2, appendix 7.1."""


def noise(model: nn.Module, setting: Setting, spec: NoiseSpec) -> EvaluationResult:
    """Accuracy at each size of the noise.

    Every (image, size) has a noise of its own, named by the size's value: drawn anew for each size as in the paper,
    so that the points of a curve err independently of each other, and the same for every model and every grid of
    sizes that holds this size.
    """
    setting = setting.first(spec.n_images)

    def perturbation(rows: slice, epsilon: float) -> Tensor:
        numbers = torch.arange(rows.start, rows.stop, device=setting.device)
        return noise_of(spec, numbers, setting.images.shape[1:], epsilon)

    return curve(model, setting, spec, perturbation)


def noise_of(spec: NoiseSpec, numbers: Tensor, shape: torch.Size, epsilon: float) -> Tensor:
    """The noise of that size for the images at these positions of the test split: (n, *shape) float32.

    numbers: (n,) int64; shape: of one image, (c, h, w).
    """
    streams = image_streams(numbers, spec.noise_seed, spec.kind, f"{epsilon:.6g}")
    return NOISES[spec.kind](streams, shape.numel(), epsilon).view(-1, *shape)
