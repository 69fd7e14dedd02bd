"""How far away the closest images are that an attack of a researcher's own finds."""

from __future__ import annotations

import math
import statistics

import torch
from torch import Tensor, nn

from harness.evaluations.attacker import Attacker
from harness.evaluations.classifier import Classifier
from harness.evaluations.clean import clean_predictions
from harness.evaluations.curve import accuracies, sizes
from harness.evaluations.distance import TOLERANCE, distance_moved
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Measurement
from harness.spec import OwnMinimalAttackSpec


def own_minimal_attack(model: nn.Module, setting: Setting, spec: OwnMinimalAttackSpec) -> EvaluationResult:
    """The median distance to the closest misclassified images, `median_l2` or `median_linf`, and the accuracy by size.

    What the attack returns counts where the model misclassifies it, seen from the true label. An image that the model
    gets wrong already is at distance 0, whatever the attack makes of it; one for which the attack found nothing is
    infinitely far away, and counted as failed. The accuracy that a size leaves is the share of images that are farther
    away, so that at size 0 it is the clean accuracy. Array: `distances` float64 (n,), of each image.

    Source: of the distances, DeepFool (Moosavi-Dezfooli et al. 2016) and what came after it. The Boundary attack here
    has another question, the paper's: how far until the model's own decision changes, be it right or wrong.

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
        measurements=(_median(distances, spec), *_curve(distances, spec)),
        arrays={"distances": distances.cpu().numpy()},
        images_classified=classifier.images_classified,
    )


def _median(distances: Tensor, spec: OwnMinimalAttackSpec) -> Measurement:
    """The median over all images; no number where it is infinite. distances: (n,), infinite where nothing was found."""
    median, n = statistics.median(distances.tolist()), len(distances)
    n_failed = int(distances.isinf().sum())
    infinite = math.isinf(median)
    return Measurement(
        metric=f"median_{spec.norm}",
        value=None if infinite else median,
        n=n - n_failed,
        n_failed=n_failed,
        reason=f"the median is infinite: nothing was found for {n_failed} of {n} images" if infinite else None,
    )


def _curve(distances: Tensor, spec: OwnMinimalAttackSpec) -> tuple[Measurement, ...]:
    """The accuracy that each size leaves; none if the spec has no largest size."""
    if spec.max_epsilon is None:
        return ()
    epsilons = sizes(spec)
    hits = torch.stack([(distances > epsilon * (1 + TOLERANCE)).sum() for epsilon in epsilons])
    return accuracies(epsilons, hits, len(distances))
