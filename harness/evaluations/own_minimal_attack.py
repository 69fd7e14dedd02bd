"""How far away the closest images are that an attack of a researcher's own finds."""

from __future__ import annotations

import math

import torch
from torch import nn

from harness.evaluations.attacker import Attacker
from harness.evaluations.classifier import Classifier
from harness.evaluations.clean import clean_predictions
from harness.evaluations.distance import distance_moved
from harness.evaluations.setting import Setting
from harness.evaluations.smallest import smallest_perturbations
from harness.measurement import EvaluationResult
from harness.spec import OwnMinimalAttackSpec


def own_minimal_attack(model: nn.Module, setting: Setting, spec: OwnMinimalAttackSpec) -> EvaluationResult:
    """The numbers of `smallest_perturbations`.

    What the attack returns counts where the model misclassifies it, seen from the true label; of an image that the
    model gets wrong already nothing counts. Array: `distances` float64 (n,), of each image.

    Raises:
        SpecError: the attack returns something else than images.
        NotEvaluable: what it returns is not finite, or some logits are not finite.
    """
    setting = setting.first(spec.n_images)
    n = len(setting.images)
    classifier = Classifier(model, setting, expected=2 * n)
    attacker = Attacker(classifier.copied_model, setting, spec)
    right = clean_predictions(classifier, setting) == setting.labels
    distances = torch.zeros(n, dtype=torch.float64, device=setting.device)
    for batch in attacker.batches():
        attacked = attacker.attacked(batch)
        fooled = classifier.predictions(attacked) != batch.labels
        found = distance_moved(batch.images, attacked, spec.norm).where(fooled, math.inf)
        distances[batch.rows] = found.where(right[batch.rows], 0.0)
        classifier.refuse_not_finite()
        classifier.report(n + batch.rows.stop)
    return EvaluationResult(
        measurements=smallest_perturbations(distances, spec),
        arrays={"distances": distances.cpu().numpy()},
        images_classified=classifier.images_classified,
    )
