"""Accuracy against the size of a perturbation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from harness.evaluations.classifier import Classifier
from harness.evaluations.clean import clean_predictions
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.spec import AttackerSpec, AutoAttackSpec, FgsmTransferSpec, NoiseSpec
from harness.spec.evaluation import Clip, SmallestSpec


class Perturbation(Protocol):
    """What is added to images before they are clipped."""

    def __call__(self, rows: slice, epsilon: float) -> Tensor:
        """For the test images at `rows`, (n, c, h, w) float32 in [0, 1] pixel units."""
        ...


def curve(
    model: nn.Module, setting: Setting, spec: NoiseSpec | FgsmTransferSpec, perturbation: Perturbation
) -> EvaluationResult:
    """Accuracy at evenly spaced sizes from 0, which is the clean accuracy, to the largest.

    Without a perturbation there is nothing to clip, so the first size's predictions are the clean ones.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    n = len(setting.images)
    epsilons = sizes(spec)
    classifier = Classifier(model, setting, expected=n * len(epsilons))
    hits = torch.zeros(len(epsilons), dtype=torch.int64, device=setting.device)
    hits[0] = (clean_predictions(classifier, setting) == setting.labels).sum()
    for rows in setting.chunks():
        images = unit_pixels(setting.images[rows])
        low, high = bounds(images, spec.clip)
        perturbed = [(images + perturbation(rows, epsilon)).clamp_(low, high) for epsilon in epsilons[1:]]
        classes = classifier.predictions(torch.cat(perturbed)).view(len(perturbed), -1)
        hits[1:] += (classes == setting.labels[rows]).sum(1)
        classifier.refuse_not_finite()
        classifier.report(classifier.images_classified)
    return EvaluationResult(
        measurements=accuracies(epsilons, hits, n),
        images_classified=classifier.images_classified,
    )


def accuracies(epsilons: Sequence[float], hits: Tensor, n: int) -> tuple[Measurement, ...]:
    """One for each size; hits: how many of the n images were classified correctly at each."""
    return tuple(
        Measurement(metric="accuracy", value=right / n, n=n, epsilon=epsilon)
        for epsilon, right in zip(epsilons, hits.tolist(), strict=True)
    )


def sizes(spec: NoiseSpec | FgsmTransferSpec | AutoAttackSpec | AttackerSpec | SmallestSpec) -> list[float]:
    """The perturbation sizes, in [0, 1] pixel units."""
    if spec.max_epsilon is None:
        raise ValueError(f"{spec!r} is not resolved: max_epsilon is still the data set's")
    return [spec.max_epsilon * (index / (spec.sizes - 1)) for index in range(spec.sizes)]


def bounds(images: Tensor, clip: Clip) -> tuple[Tensor, Tensor]:
    """The pixel values that perturbed images are clipped to, each (n, 1, 1, 1).

    Source: the released code clips to each image's own minimum and maximum; the paper does not say.
    """
    if clip == "image":
        return images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    low = images.new_zeros(len(images), 1, 1, 1)
    return low, low + 1
