from __future__ import annotations

import pytest

from harness.report.published_gammas import GAMMAS, published_gammas


def test_published_gammas_are_those_of_tables_two_and_three() -> None:
    assert len(GAMMAS) == 10
    for gammas in GAMMAS.values():
        assert len(gammas) == 5
        assert sum(gammas) == pytest.approx(1.0, abs=0.001)
    assert published_gammas("grayscale-cifar100")["imagenet"] == (0.8, 0.2, 0, 0, 0)
    assert published_gammas("neural") == {}


def test_the_first_suites_models_are_those_of_table_two_under_names_of_its_own() -> None:
    """Its pixel models are not in the table."""
    sets = published_gammas("regularization-sets")
    assert published_gammas("grayscale-cifar10") == {
        "threshold-cifar10": sets["cifar10"],
        "threshold": sets["imagenet"],
    }
