"""Where HopSkipJump starts from: a misclassified image, however far away."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.evaluations.boundary.start import Starts, noise_starts
from harness.evaluations.boundary.victims import Victims
from harness.evaluations.classifier import Classifier
from harness.models.pixels import unit_pixels
from harness.spec import HopSkipJumpSpec


def find_starts(
    classifier: Classifier, victims: Victims, images: Tensor, predictions: Tensor, spec: HopSkipJumpSpec
) -> Starts:
    """The first noise image that is adversarial, or without one the next test image that is.

    images: uint8 (n, c, h, w), the evaluation's; predictions: (n,), their classes. Those after a victim are tried in
    their order. A victim has no start only where all images are of one class to the model.

    Source: uniform noise as the authors have it, whose attack gives up there and asks for an image to start from; left
    out, such images would make models look strong that take noise for one of their classes.
    """
    starts = noise_starts(classifier, victims, spec.start_draws, spec.noise_seed)
    left = (~starts.found).nonzero().flatten()
    tries = _tries(victims.numbers[left], predictions, victims.labels[left])
    starts.found[left] = tries > 0
    starts.queries[left] += torch.where(tries > 0, tries, len(predictions) - 1)
    starts.images[left] = unit_pixels(images[(victims.numbers[left] + tries) % len(images)])
    return starts


def _tries(numbers: Tensor, predictions: Tensor, labels: Tensor) -> Tensor:
    """How many places after each image the next one of another class is, the first after the last: (m,); 0 if none is.

    numbers, labels: (m,); predictions: (n,).
    """
    n, tries = len(predictions), torch.zeros_like(numbers)
    for label in torch.unique(labels):
        of, others = labels == label, (predictions != label).nonzero().flatten()
        if len(others):
            twice = torch.cat([others, others + n])  # round the split
            tries[of] = twice[torch.searchsorted(twice, numbers[of], right=True)] - numbers[of]
    return tries
