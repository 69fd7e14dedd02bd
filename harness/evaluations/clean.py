"""Accuracy on images as they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.data.grayscale import as_color
from harness.evaluations.classifier import Classifier
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.spec import CleanSpec


def clean(model: nn.Module, setting: Setting, spec: CleanSpec) -> EvaluationResult:
    """Accuracy on the test images without distortion.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    images, labels = setting.images[: spec.n_images], setting.labels[: spec.n_images]
    classifier = Classifier(model, setting, expected=len(images))
    accuracy = hits(classifier, setting, images, labels) / len(images)
    return EvaluationResult(
        measurements=(Measurement(metric="accuracy", value=accuracy, n=len(images)),),
        images_classified=classifier.images_classified,
    )


def hits(classifier: Classifier, setting: Setting, images: Tensor, labels: Tensor) -> int:
    """How many images are classified right.

    images: uint8 (n, c, h, w), gray or in colour, on any device; labels: (n,).

    Raises:
        NotEvaluable: some logits are not finite.
    """
    right = torch.zeros((), dtype=torch.int64, device=setting.device)
    for chunk, wanted in zip(torch.split(images, setting.chunk), torch.split(labels, setting.chunk), strict=True):
        seen = unit_pixels(as_color(chunk.to(setting.device), setting.color))
        right += (classifier.predictions(seen) == wanted.to(setting.device)).sum()
        classifier.refuse_not_finite()
        classifier.report(classifier.images_classified)
    return int(right)
