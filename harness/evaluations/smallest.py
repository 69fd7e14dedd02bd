"""Numbers of how far away the closest misclassified images are that an attack finds."""

from __future__ import annotations

import math
import statistics

import torch
from torch import Tensor

from harness.evaluations.curve import accuracies, sizes
from harness.evaluations.distance import TOLERANCE
from harness.measurement import Measurement
from harness.spec.evaluation import SmallestSpec


def smallest_perturbations(distances: Tensor, spec: SmallestSpec) -> tuple[Measurement, ...]:
    """The median distance, `median_l2` or `median_linf`, and the accuracy that each size leaves.

    An image that the model gets wrong already is at distance 0; one for which nothing was found is infinitely far away,
    and counted as failed. The accuracy that a size leaves is the share of images that are farther away, so that at size
    0 it is the clean accuracy. Without a largest size there are no accuracies.

    distances: (n,) float64, of all images, in the spec's norm.
    Source: DeepFool (Moosavi-Dezfooli et al. 2016) and what came after it. The Boundary attack here has another
    question, the paper's: how far until the model's own decision changes, be it right or wrong.
    """
    return (_median(distances, spec.norm), *_curve(distances, spec))


def _median(distances: Tensor, norm: str) -> Measurement:
    """The median over all images; no number where it is infinite. distances: (n,), infinite where nothing was found."""
    median, n = statistics.median(distances.tolist()), len(distances)
    n_failed = int(distances.isinf().sum())
    infinite = math.isinf(median)
    return Measurement(
        metric=f"median_{norm}",
        value=None if infinite else median,
        n=n - n_failed,
        n_failed=n_failed,
        reason=f"the median is infinite: nothing was found for {n_failed} of {n} images" if infinite else None,
    )


def _curve(distances: Tensor, spec: SmallestSpec) -> tuple[Measurement, ...]:
    if spec.max_epsilon is None:
        return ()
    epsilons = sizes(spec)
    hits = torch.stack([(distances > epsilon * (1 + TOLERANCE)).sum() for epsilon in epsilons])
    return accuracies(epsilons, hits, len(distances))
