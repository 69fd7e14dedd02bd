"""Which spatial frequencies a model's accuracy suffers from: its Fourier heat map."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.data.frequencies import BANDS, bands, half_plane
from harness.evaluations.classifier import Classifier
from harness.evaluations.curve import bounds
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.seeding import image_streams, uniform
from harness.spec import FourierSpec


def fourier(model: nn.Module, setting: Setting, spec: FourierSpec) -> EvaluationResult:
    """Accuracy on images with one Fourier basis image added, for each spatial frequency, and its mean over each band.

    Each channel of each image gets it with a random sign of its own, the same for every model.

    Arrays: `accuracy` float64 (h, w), frequency zero in the middle; `hits` bool (h, w, n), which images are classified
    right. A frequency and its negative have one basis image, which is classified once.

    Source: Yin et al. 2019, A Fourier Perspective on Model Robustness in Computer Vision, section 3. They draw the
    error, and do not say whether images are clipped.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    if spec.epsilon is None:
        raise ValueError(f"{spec!r} is not resolved: epsilon is still that of the images' size")
    setting = setting.first(spec.n_images)
    n, channels, height, width = setting.images.shape
    half = half_plane(height, width)
    classifier = Classifier(model, setting, expected=n * len(half.down))
    streams = image_streams(torch.arange(n, device=setting.device), spec.noise_seed, spec.kind)
    hits = torch.zeros(len(half.down), n, dtype=torch.bool, device=setting.device)
    for number, (down, across) in enumerate(zip(half.down.tolist(), half.across.tolist(), strict=True)):
        added = (spec.epsilon * basis_image(down, across, height, width)).to(setting.device)
        for rows in setting.chunks():
            images = unit_pixels(setting.images[rows])
            signs = torch.where(uniform(streams[rows], channels, number * channels) < 0.5, -1.0, 1.0)
            low, high = bounds(images, spec.clip)
            perturbed = (images + signs[:, :, None, None] * added).clamp_(low, high)
            hits[number, rows] = classifier.predictions(perturbed) == setting.labels[rows]
        classifier.refuse_not_finite()
        classifier.report(classifier.images_classified)
    by_frequency = hits.cpu().numpy()[half.of]
    return EvaluationResult(
        measurements=_by_band(by_frequency),
        arrays={"accuracy": by_frequency.mean(2), "hits": by_frequency},
        images_classified=classifier.images_classified,
    )


def _by_band(hits: NDArray[np.bool_]) -> tuple[Measurement, ...]:
    """The mean accuracy over each band's frequencies; hits: (h, w, n)."""
    height, width, n = hits.shape
    of = bands(height, width)
    own = {f"accuracy_{band}": hits[of == place] for place, band in enumerate(BANDS)}
    return tuple(
        Measurement(metric=metric, value=float(within.mean()), n=n)
        if within.size
        else Measurement(metric=metric, value=None, reason="images as small have no such frequency", n=n)
        for metric, within in own.items()
    )


def basis_image(down: int, across: int, height: int, width: int) -> Tensor:
    """The wave of so many cycles per image: (h, w) float32, of unit L2 norm, real.

    Its spectrum is zero but at that frequency and its negative. Source: the phase, an eighth of a cycle, is that of
    Yin et al.'s released code; with it all waves have the same norm.
    """
    turns = (
        down * torch.arange(height, dtype=torch.float64)[:, None] / height
        + across * torch.arange(width, dtype=torch.float64) / width
    )
    angles = 2 * math.pi * turns
    return ((angles.cos() - angles.sin()) / math.sqrt(height * width)).float()
