"""Accuracy under an attack of a researcher's own."""

from __future__ import annotations

import torch
from torch import nn

from harness.errors import NotEvaluable
from harness.evaluations.attacker import TOLERANCE, Attacker
from harness.evaluations.clean import clean_predictions
from harness.evaluations.curve import accuracies, sizes
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult
from harness.spec import OwnAttackSpec


def own_attack(model: nn.Module, setting: Setting, spec: OwnAttackSpec) -> EvaluationResult:
    """Accuracy at each size, on what the attack makes of the images when it is told the size.

    At size 0 the images are left as they are. Array: `hits` bool (sizes, n), which images are classified right.

    Raises:
        SpecError: it returns something else than images.
        NotEvaluable: what it returns is not finite or exceeds its size, or some logits are not finite.
    """
    setting = setting.first(spec.n_images)
    n, epsilons = len(setting.images), sizes(spec)
    attacker = Attacker(model, setting, spec, expected=n * len(epsilons))
    classifier = attacker.classifier
    hits = torch.zeros(len(epsilons), n, dtype=torch.bool, device=setting.device)
    hits[0] = clean_predictions(classifier, setting) == setting.labels
    for batch in attacker.batches():
        for index, epsilon in enumerate(epsilons[1:], start=1):
            attacked = attacker.attacked(batch, epsilon)
            if spec.norm != "none":
                _require_size(attacker.distances(batch, attacked).max().item(), epsilon, spec)
            hits[index, batch.rows] = classifier.predictions(attacked) == batch.labels
        classifier.refuse_not_finite()
        classifier.report(n + (len(epsilons) - 1) * batch.rows.stop)
    return EvaluationResult(
        measurements=accuracies(epsilons, hits.sum(1), n),
        arrays={"hits": hits.cpu().numpy()},
        images_classified=classifier.images_classified,
    )


def _require_size(largest: float, epsilon: float, spec: OwnAttackSpec) -> None:
    """Raises NotEvaluable where the largest distance of a batch exceeds its size."""
    if largest > epsilon * (1 + TOLERANCE) + 1e-6:
        raise NotEvaluable(
            f"{spec.function} moves an image by {largest:.4g} ({spec.norm}) where its size is {epsilon:.4g}; "
            'fix the attack, or set another norm, or norm = "none"'
        )
