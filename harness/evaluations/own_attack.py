"""Accuracy under an attack of a researcher's own."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import NotEvaluable, SpecError
from harness.evaluations.classifier import Classifier
from harness.evaluations.clean import clean_predictions
from harness.evaluations.curve import accuracies, sizes
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult
from harness.models.pixels import unit_pixels
from harness.own_code import described
from harness.seeding import global_generators
from harness.spec import OwnAttackSpec

TOLERANCE = 1e-4
"""By how much of its size an attack may exceed it, for rounding."""


def own_attack(model: nn.Module, setting: Setting, spec: OwnAttackSpec) -> EvaluationResult:
    """Accuracy at each size, on what the attack makes of the images, clipped to [0, 1].

    The attack is given the model (gradients reach the images, weights take none), images (n, c, h, w) float32 in
    [0, 1], their labels (n,), the size and the spec's options, and returns images of that shape. What it draws from
    torch's global generators is the same each time. At size 0 the images are left as they are.

    Raises:
        SpecError: it returns something else.
        NotEvaluable: what it returns is not finite or exceeds its size, or some logits are not finite.
    """
    attack = setting.attack
    if attack is None:
        raise ValueError("an attack of one's own needs its function in the setting")
    setting = setting.first(spec.n_images)
    n, epsilons = len(setting.images), sizes(spec)
    classifier = Classifier(model, setting, expected=n * len(epsilons))
    hits = torch.zeros(len(epsilons), dtype=torch.int64, device=setting.device)
    hits[0] = (clean_predictions(classifier, setting) == setting.labels).sum()
    for start in range(0, n, spec.batch_size):
        rows = slice(start, start + spec.batch_size)
        images, labels = unit_pixels(setting.images[rows]), setting.labels[rows]
        for index, epsilon in enumerate(epsilons[1:], start=1):
            randomness = global_generators(spec.noise_seed, "own attack", start, f"{epsilon:.6g}")
            with randomness, classifier.counting() as victim:
                found = attack(victim, images.clone(), labels.clone(), epsilon, **spec.options)
            attacked = _checked(found, images, epsilon, spec)
            hits[index] += (classifier.predictions(attacked) == labels).sum()
        classifier.refuse_not_finite()
        classifier.report(n + (len(epsilons) - 1) * min(rows.stop, n))
    return EvaluationResult(measurements=accuracies(epsilons, hits, n), images_classified=classifier.images_classified)


def _checked(found: Any, images: Tensor, epsilon: float, spec: OwnAttackSpec) -> Tensor:
    """What an attack returned, clipped to [0, 1], if it keeps to its size."""
    if not isinstance(found, Tensor) or found.shape != images.shape:
        raise SpecError(f"{spec.function} returns {described(found)} for images {tuple(images.shape)}")
    attacked = found.detach().to(images).clamp(0, 1)
    if not bool(attacked.isfinite().all()):
        raise NotEvaluable(f"{spec.function} returns pixels that are not finite at size {epsilon:.4g}")
    if spec.norm != "none":
        order = math.inf if spec.norm == "linf" else 2
        largest = torch.linalg.vector_norm((attacked - images).flatten(1), order, dim=1).max().item()
        if largest > epsilon * (1 + TOLERANCE) + 1e-6:
            raise NotEvaluable(
                f"{spec.function} moves an image by {largest:.4g} ({spec.norm}) where its size is {epsilon:.4g}; "
                'mend it, or say another norm, or norm = "none"'
            )
    return attacked
