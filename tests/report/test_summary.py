from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from invented import FOUR, condition, results

from harness.report.statistics import sign_flip_test, t_test
from harness.report.summary import (
    MEASURED,
    at_severity,
    baselines,
    corruption_means,
    gamma_means,
    paired_differences,
    scores,
    summarized,
)


def values(condition: str, *numbers: float) -> pd.DataFrame:
    """A measure's value by seed, from seed 0."""
    rows = [{"condition": condition, "seed": seed, "value": value} for seed, value in enumerate(numbers)]
    return pd.DataFrame(rows).assign(evaluation="clean", measure="clean", label="Clean", unit="accuracy")


def test_sem_divides_by_n_minus_one() -> None:
    [row] = summarized(values("none", 0.2, 0.4, 0.9), ["condition"]).itertuples()
    assert row.mean == pytest.approx(0.5)
    assert row.sem == pytest.approx(math.sqrt((0.3**2 + 0.1**2 + 0.4**2) / 2 / 3))
    assert row.n == 3


def test_one_seed_has_no_sem() -> None:
    [row] = summarized(values("none", 0.5), ["condition"]).itertuples()
    assert (row.mean, row.n) == (0.5, 1)
    assert math.isnan(row.sem)


def test_groups_keep_their_order() -> None:
    both = pd.concat([values("zebra", 0.5), values("ant", 0.5)])
    assert list(summarized(both, ["condition"])["condition"]) == ["zebra", "ant"]


def test_differences_are_paired_by_seed() -> None:
    # Differences 0.1, 0.2, 0.3: mean 0.2, SEM 0.1/sqrt(3), t(0.975, 2) = 4.302653.
    both = pd.concat([values("none", 0.5, 0.1, 0.6, 0.7), values("threshold", 0.6, 0.3, 0.9)])
    [row] = paired_differences(both, {"threshold": "none"}).itertuples()
    assert (row.condition, row.baseline, row.n) == ("threshold", "none", 3)
    assert row.difference == pytest.approx(0.2)
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert (row.low, row.high) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)


def test_one_pair_has_a_difference_but_no_interval() -> None:
    both = pd.concat([values("none", 0.5), values("threshold", 0.6)])
    [row] = paired_differences(both, {"threshold": "none"}).itertuples()
    assert row.difference == pytest.approx(0.1)
    assert math.isnan(row.low)
    assert math.isnan(row.high)


def test_without_common_seeds_there_is_no_difference() -> None:
    both = pd.concat([values("none", 0.5), values("threshold", 0.6).assign(seed=7)])
    assert paired_differences(both, {"threshold": "none"}).empty


def test_a_baseline_is_the_same_training_without_regularizer() -> None:
    other = condition("gray", "pixel") | {"baseline": "another training"}
    assert baselines(pd.DataFrame([*FOUR, other])) == {
        "pixel": "none",
        "threshold": "none",
        "threshold-cifar10": "none",
    }


def test_diverged_models_are_in_no_mean() -> None:
    given = results(seeds=2)
    models = given.models.assign(status=["diverged" if row.seed == 1 else "ok" for row in given.models.itertuples()])
    diverged = replace(given, models=models)
    assert set(scores(diverged)["seed"]) == {0}
    assert set(gamma_means(diverged)["n"]) == {1}


def differing(*samples: list[float]) -> pd.DataFrame:
    """Values of a baseline, and of a condition for each sample that differs from it by so much at each seed."""
    rows = [("none", seed, *["x"] * 3, "accuracy", 0.5) for seed in range(max(map(len, samples)))] + [
        (f"c{number}", seed, *["x"] * 3, "accuracy", 0.5 + difference)
        for number, sample in enumerate(samples)
        for seed, difference in enumerate(sample)
    ]
    return pd.DataFrame(rows, columns=["condition", "seed", *MEASURED, "value"])


def test_a_difference_is_sure_where_both_tests_agree_after_correction_for_all_of_them() -> None:
    clear, weak = [0.10, 0.11, 0.12, 0.09, 0.10], [0.10, 0.02, 0.05, -0.01, 0.04]
    values = differing(clear, weak, clear[:3])
    found = paired_differences(values, {"c0": "none", "c1": "none", "c2": "none"}).set_index("condition")
    assert found["sure"].tolist() == [True, False, False]
    assert found.loc["c0", "holm_p"] == pytest.approx(3 * t_test(clear))
    assert found["sign_flip_p"].tolist() == [1 / 16, sign_flip_test(weak), 1 / 4]
    alone = paired_differences(differing(weak), {"c0": "none"})
    assert alone["holm_p"].item() == pytest.approx(t_test(weak))


def test_an_infinite_difference_is_never_sure() -> None:
    found = paired_differences(differing([float("inf")] * 5), {"c0": "none"})
    assert (found["difference"].item(), found["sure"].item(), found["holm_p"].item()) == (float("inf"), False, 1.0)


def test_scores_take_the_largest_epsilon_and_the_mean_over_corruptions() -> None:
    given = results(seeds=1)
    found = scores(given)
    own = found[found["condition"] == "none"].set_index("measure")["value"]
    curve = given.curves.query("condition == 'none' and evaluation == 'gaussian' and epsilon == 0.1")
    assert own["gaussian"] == curve["accuracy"].item()
    assert own["corruption"] == pytest.approx(given.corruptions.query("condition == 'none'")["accuracy"].mean())
    assert list(own.index) == [
        "clean",
        "gaussian",
        "uniform",
        "salt_pepper",
        "fgsm_transfer",
        "boundary_score_50",
        "boundary_start_score_50",
        "boundary_score_all_images_50",
        "ddn_median_l2",
        "corruption",
        "fourier_low",
        "fourier_medium",
        "fourier_high",
    ]
    assert own["fourier_high"] == given.bands.query("condition == 'none' and band == 'high'")["accuracy"].item()


def test_corruptions_are_shown_at_severity_four_and_at_the_largest_where_there_is_none() -> None:
    given = results(seeds=1)
    for severities, shown in (((3, 4, 5), 4), ((2, 3), 3)):
        rows = pd.concat([given.corruptions.assign(severity=severity) for severity in severities])
        found = at_severity(replace(given, corruptions=rows))
        assert set(found["severity"]) == {shown}
        assert len(found) == len(given.corruptions)


def test_a_boundary_score_of_all_images_is_shown_where_some_had_no_start_and_infinite_where_there_is_none() -> None:
    given = results(seeds=1)
    for changes, shown in (
        ({"n_failed": 0}, {"boundary_score_50", "boundary_start_score_50"}),
        (
            {"n_failed": 1, "score_all_images": float("nan")},
            {"boundary_score_50", "boundary_start_score_50", "boundary_score_all_images_50"},
        ),
    ):
        found = scores(replace(given, boundary=given.boundary.assign(**changes)))
        boundary = found[found["evaluation"] == "boundary"]
        assert set(boundary["measure"]) == shown
        infinite = boundary.loc[boundary["value"] == float("inf"), "measure"]
        assert set(infinite) == shown - {"boundary_score_50", "boundary_start_score_50"}


def test_a_mean_over_corruptions_needs_all_of_them() -> None:
    given = results(seeds=1)
    holed = given.corruptions.copy()
    holed.loc[0, "accuracy"] = float("nan")
    found = scores(replace(given, corruptions=holed))
    assert "none" not in set(found.loc[found["measure"] == "corruption", "condition"])


def test_a_mean_over_corruptions_is_over_the_same_ones_for_every_model() -> None:
    """A suite's second evaluation of corruptions may not have run yet for a seed."""
    given = results(seeds=2)
    rows = given.corruptions
    later = (rows["condition"] == "none") & (rows["seed"] == 1) & (rows["corruption"] == "fog")
    found = scores(replace(given, corruptions=rows[~later]))
    have = found.loc[found["measure"] == "corruption", ["condition", "seed"]].apply(tuple, axis=1)
    assert ("none", 0) in set(have)
    assert ("none", 1) not in set(have)
    at_four = corruption_means(rows[~later], "severity")
    assert at_four.loc[(at_four["condition"] == "none") & (at_four["seed"] == 1), "value"].isna().all()


def test_each_condition_is_shown_at_its_own_largest_size() -> None:
    """CIFAR-100 is attacked with smaller perturbations than CIFAR-10: a suite may have models of both."""
    given = results(seeds=1)
    curves = given.curves.copy()
    smaller = (curves["condition"] == "pixel") & (curves["evaluation"] == "fgsm_transfer")
    curves.loc[smaller, "epsilon"] /= 4
    found = scores(replace(given, curves=curves))
    attacked = found[found["evaluation"] == "fgsm_transfer"].set_index("condition")
    assert attacked["measure"].to_dict() == {
        "pixel": "fgsm_transfer_0.005",
        "none": "fgsm_transfer_0.02",
        "threshold": "fgsm_transfer_0.02",
        "threshold-cifar10": "fgsm_transfer_0.02",
    }
    assert attacked["label"]["pixel"].endswith("ε = 0.005")
