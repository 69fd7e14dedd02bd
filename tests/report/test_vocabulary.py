from __future__ import annotations

from harness.report.vocabulary import in_order


def test_a_suites_own_evaluations_follow_the_papers() -> None:
    assert in_order(["mine", "uniform", "gaussian", "mine"]) == ["gaussian", "uniform", "mine"]
