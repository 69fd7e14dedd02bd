"""Accuracy on images as they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.evaluations.classifier import Classifier
from harness.evaluations.remembered import PerImage
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.spec import CleanSpec


def clean(model: nn.Module, setting: Setting, spec: CleanSpec) -> EvaluationResult:
    """Accuracy on the test images without distortion.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    setting = setting.first(spec.n_images)
    n = len(setting.images)
    classifier = Classifier(model, setting, expected=n)
    right = int((clean_predictions(classifier, setting) == setting.labels).sum())
    return EvaluationResult(
        measurements=(Measurement(metric="accuracy", value=right / n, n=n),),
        images_classified=classifier.images_classified,
    )


def clean_predictions(classifier: Classifier, setting: Setting) -> Tensor:
    """The class of each test image: (n,) int64; evaluations of the same model object share them.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    before = classifier.images_classified

    def found() -> Tensor:
        parts = []
        for rows in setting.chunks():
            parts.append(classifier.predictions(unit_pixels(setting.images[rows])))
            classifier.report(classifier.images_classified)
        classifier.refuse_not_finite()
        return torch.cat(parts)

    classes = _predictions.of(classifier.model, setting, found)
    # known ones count as well: a result must not tell what was evaluated before it
    classifier.images_classified = before + len(classes)
    return classes


_predictions = PerImage()
