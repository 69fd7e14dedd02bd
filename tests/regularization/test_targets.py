from __future__ import annotations

import torch

from harness.regularization.targets import target_values, thresholded
from harness.spec.training import RegularizerSpec

SIMILARITY = torch.tensor([-1.0, -0.5, -0.3, 0.0, 0.1, 0.5, 0.7, 1.0])


def test_thresholds_themselves_have_target_zero() -> None:
    assert thresholded(SIMILARITY, 0.5).tolist() == [-1, 0, 0, 0, 0, 0, 1, 1]


def test_pixel_target_is_the_similarity() -> None:
    spec = RegularizerSpec(target="pixel", alpha=10, images="digits")
    assert target_values(SIMILARITY, spec) is SIMILARITY


def test_double_has_the_values_of_equation_6() -> None:
    spec = RegularizerSpec(
        target="threshold", alpha=10, images="digits", pair_range="double", threshold=0.6, threshold_low=0.2
    )
    defined = (SIMILARITY.abs() > 0.6) | (SIMILARITY.abs() <= 0.2)
    assert target_values(SIMILARITY, spec)[defined].tolist() == [-1, 0, 0, 1, 1]
