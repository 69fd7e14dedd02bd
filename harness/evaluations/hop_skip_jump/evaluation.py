"""How far away the closest images are that HopSkipJump finds, and how many queries it took."""

from __future__ import annotations

import torch
from torch import nn

from harness.evaluations.boundary.victims import Victims
from harness.evaluations.classifier import Classifier
from harness.evaluations.clean import clean_predictions
from harness.evaluations.hop_skip_jump.start import find_starts
from harness.evaluations.hop_skip_jump.walk import walk
from harness.evaluations.setting import Setting
from harness.evaluations.smallest import smallest_perturbations
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.spec import HopSkipJumpSpec


def hop_skip_jump(model: nn.Module, setting: Setting, spec: HopSkipJumpSpec) -> EvaluationResult:
    """The numbers of `smallest_perturbations`, and the mean `queries` of the attacked images.

    Attacked are the images that the model gets right. Arrays: `distances` float64 (n,), of each image; what the attack
    had after its start and after each step, so that the verdict of fewer queries can be read off: `queries_by_step`
    int64 and `distances_by_step` float64, both (steps + 1, n).

    Source: Chen, Jordan and Wainwright 2020.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    setting = setting.first(spec.n_images)
    n = len(setting.images)
    expected = n * (1 + spec.queries) + spec.start_draws
    classifier = Classifier(model, setting, expected)
    predictions = clean_predictions(classifier, setting)
    right = (predictions == setting.labels).nonzero().flatten()
    distances = torch.zeros(1, n, dtype=torch.float64, device=setting.device)
    queries = torch.zeros(1, n, dtype=torch.int64, device=setting.device)
    if len(right):
        victims = Victims(numbers=right, images=unit_pixels(setting.images[right]), labels=setting.labels[right])
        starts = find_starts(classifier, victims, setting.images, predictions, spec)
        walked = walk(classifier, victims, starts, spec)
        distances, queries = (part.new_zeros(len(walked.queries), n) for part in (distances, queries))
        distances[:, right], queries[:, right] = walked.distances, walked.queries
    classifier.report(expected)
    mean = queries[-1, right].double().mean().item() if len(right) else None
    nobody = None if len(right) else "the model gets no image right, so none was attacked"
    asked = Measurement(metric="queries", value=mean, n=len(right), reason=nobody)
    arrays = {"distances": distances[-1], "distances_by_step": distances, "queries_by_step": queries}
    return EvaluationResult(
        measurements=(*smallest_perturbations(distances[-1], spec), asked),
        arrays={name: array.cpu().numpy() for name, array in arrays.items()},
        images_classified=classifier.images_classified,
    )
