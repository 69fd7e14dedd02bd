from __future__ import annotations

import math
from typing import get_args

import pytest

from harness.report.published_accuracies import PUBLISHED, compared
from harness.spec.external import RobustBenchModel


def test_every_model_has_a_published_clean_accuracy() -> None:
    assert set(PUBLISHED) == set(get_args(RobustBenchModel))
    assert all(0.5 < value < 1 for row in PUBLISHED.values() for value in row.values())
    assert all("clean" in row for row in PUBLISHED.values())


def test_what_was_measured_is_compared_where_there_is_a_published_number() -> None:
    clean, severity5 = compared("Standard", {"clean": (0.95, 10_000), "severity5": (0.55, 10_000)})
    assert (clean.measure, severity5.measure) == ("clean", "severity5")
    assert clean.difference == pytest.approx(0.0022)
    assert severity5.difference == pytest.approx(-0.0149)
    assert [found.measure for found in compared("Carmon2019Unlabeled", {"severity5": (0.7, 100)})] == []


def test_the_standard_error_is_that_of_a_share_of_n_images() -> None:
    [found] = compared("Standard", {"clean": (0.9, 400)})
    assert found.standard_error == pytest.approx(math.sqrt(0.9478 * 0.0522 / 400))


def test_numbers_agree_within_three_standard_errors_and_not_beyond() -> None:
    limit = 3 * math.sqrt(0.9306 * 0.0694 / 1000)
    for factor, agrees in ((0.99, True), (-0.99, True), (1.01, False), (-1.01, False)):
        [found] = compared("Modas2021PRIMEResNet18", {"clean": (0.9306 + factor * limit, 1000)})
        assert found.agrees == agrees


def test_the_warning_says_both_numbers_and_what_chance_explains() -> None:
    [found] = compared("Standard", {"severity5": (0.3, 100)})
    assert found.warning == (
        "Standard: mean accuracy on CIFAR-10-C at severity 5 is 30.00% here and 56.49% at RobustBench; 26.49% is more "
        "than the 14.87% (3 standard errors) that 100 images explain: look at the weights and the images"
    )
