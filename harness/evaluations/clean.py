"""Accuracy without distortion."""

from __future__ import annotations

import torch
from torch import nn

from harness.evaluations.classifier import Classifier
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.spec import CleanSpec


def clean(model: nn.Module, setting: Setting, spec: CleanSpec) -> EvaluationResult:
    """Accuracy on the test images as they are.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    setting = setting.first(spec.n_images)
    n = len(setting.images)
    classifier = Classifier(model, setting, expected=n)
    hits = torch.zeros((), dtype=torch.int64, device=setting.device)
    for rows in setting.chunks():
        hits += (classifier.predictions(unit_pixels(setting.images[rows])) == setting.labels[rows]).sum()
        classifier.refuse_not_finite()
        classifier.report(rows.stop)
    return EvaluationResult(
        measurements=(Measurement(metric="accuracy", value=int(hits) / n, n=n),),
        images_classified=classifier.images_classified,
    )
