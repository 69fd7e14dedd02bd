from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from invented import FOUR, GRID, results

from harness.report.claims.measures import LOW_CORRUPTIONS, LOW_FREQUENCIES, MEASURES, WHOLE_GRID
from harness.report.results import Results


@pytest.fixture(scope="module")
def given() -> Results:
    return results(FOUR, seeds=2, epochs=1)


def value(results: Results, measure: str, condition: str = "threshold", seed: int = 1) -> float:
    rows = MEASURES[measure].values(results)
    [found] = rows.loc[(rows["condition"] == condition) & (rows["seed"] == seed), "value"]
    return found


def corruptions(given: Results, severity: int = 4) -> pd.DataFrame:
    return given.corruptions.query(f"condition == 'threshold' and seed == 1 and severity == {severity}")


def test_attacks_are_measured_at_their_largest_size(given: Results) -> None:
    rows = given.curves.query("condition == 'threshold' and seed == 1 and evaluation == 'fgsm_transfer'")
    assert value(given, "fgsm_transfer") == rows.set_index("epsilon")["accuracy"][0.02]


def test_of_several_boundary_attacks_the_longest_counts(given: Results) -> None:
    longer = given.boundary.assign(steps=10_000, score=0.5)
    assert value(replace(given, boundary=pd.concat([given.boundary, longer])), "boundary") == 0.5


def test_frequency_groups_are_means_at_severity_four(given: Results) -> None:
    means = corruptions(given).groupby("frequency")["accuracy"].mean()
    assert value(given, "high_frequency") == pytest.approx(means["high"])
    assert value(given, "high_over_low") == pytest.approx(means["high"] - means["low"])
    assert value(given, "high_over_medium") == pytest.approx(means["high"] - means["medium"])


def test_the_difference_of_group_differences_is_that_of_the_gains(given: Results) -> None:
    def gain(measure: str) -> float:
        return value(given, measure) - value(given, measure, "none")

    assert LOW_CORRUPTIONS == ("snow", "frost", "fog", "brightness", "contrast")
    low = [gain(name) for name in LOW_CORRUPTIONS]
    assert gain("high_over_low") == pytest.approx(gain("high_frequency") - sum(low) / len(low))


def test_where_severity_four_is_absent_the_largest_counts(given: Results) -> None:
    smoke = replace(given, corruptions=given.corruptions.query("severity in (1, 5)"))
    assert value(smoke, "fog") == corruptions(given, 5).set_index("corruption")["accuracy"]["fog"]


def test_a_group_with_a_missing_corruption_has_no_mean(given: Results) -> None:
    holed = given.corruptions.copy()
    holed.loc[corruptions(given).index[-1], "accuracy"] = float("nan")
    assert pd.isna(value(replace(given, corruptions=holed), "high_frequency"))


def test_early_taps_are_the_first_three(given: Results) -> None:
    rows = given.gammas.query("condition == 'threshold' and seed == 1").set_index("tap")["gamma"]
    assert value(given, "early_taps") == pytest.approx(rows[0] + rows[1] + rows[2])
    assert set(MEASURES["early_taps"].values(given)["condition"]) == {"pixel", "threshold", "threshold-cifar10"}


def test_low_frequencies_are_a_share_of_the_power_at_all_frequencies_of_the_image(given: Results) -> None:
    flat = pd.DataFrame(
        {
            "condition": "none",
            "classification": "cifar10",
            "seed": 0,
            "evaluation": "spectrum",
            "frequency": range(24),
            "power": 2.0,
        }
    )
    other = flat.assign(evaluation="long_spectrum", power=1e9 * flat["frequency"])  # it does not count
    found = replace(given, spectra=pd.concat([flat, other]))
    axis = range(-16, 16)  # of 32 pixels
    low = sum(round(math.hypot(down, across)) < LOW_FREQUENCIES for down in axis for across in axis)
    assert value(found, "low_frequencies", "none", 0) == low / 32**2
    holed = flat.assign(power=flat["power"].mask(flat["frequency"] == 19))
    assert pd.isna(value(replace(given, spectra=holed), "low_frequencies", "none", 0))


def with_uniform(made: Results, uniform: pd.DataFrame) -> Results:
    others = made.comparisons.query("evaluation != 'uniform'")
    return replace(made, comparisons=pd.concat([others, uniform.assign(evaluation="uniform")]))


def test_agreement_is_the_rank_correlation_of_a_seeds_grid_under_noise_and_the_others_under_the_attack() -> None:
    made = results(GRID, seeds=2, epochs=1)
    found = MEASURES["ranks_uniform"].values(made)
    assert list(found["condition"]) == [WHOLE_GRID] * 2
    assert list(found["seed"]) == [0, 1]
    assert (found["value"] > 0.8).all()  # both follow the same gains, with noise
    gaussian = made.comparisons.query("evaluation == 'gaussian'")
    exchanged = gaussian.assign(seed=1 - gaussian["seed"])
    assert list(MEASURES["ranks_uniform"].values(with_uniform(made, exchanged))["value"]) == pytest.approx([1.0, 1.0])


def test_what_single_models_happen_to_be_good_at_is_no_agreement() -> None:
    made = results(GRID, seeds=7, epochs=1)
    gaussian = made.comparisons.query("evaluation == 'gaussian'")
    by_chance = gaussian.assign(distorted=gaussian["distorted"].sample(frac=1, random_state=0).to_numpy())
    lucky = with_uniform(replace(made, comparisons=by_chance), by_chance)
    assert abs(MEASURES["ranks_uniform"].values(lucky)["value"].mean()) < 0.2


def test_one_seed_alone_has_no_agreement_with_others() -> None:
    assert MEASURES["ranks_uniform"].values(results(GRID, seeds=1, epochs=1))["value"].isna().all()


def test_conditions_without_both_attacks_are_left_out_of_the_ranking() -> None:
    made = results(GRID, seeds=2, epochs=1)
    lacking = made.comparisons["condition"].unique()[-2:]
    lacks = made.comparisons["condition"].isin(lacking)
    few, neither = made.comparisons[~lacks | (made.comparisons["evaluation"] != "uniform")], made.comparisons[~lacks]
    pd.testing.assert_frame_equal(
        MEASURES["ranks_uniform"].values(replace(made, comparisons=few)),
        MEASURES["ranks_uniform"].values(replace(made, comparisons=neither)),
    )


def test_an_attack_that_the_suite_lacks_agrees_with_nothing() -> None:
    made = results(GRID, seeds=1, epochs=1)
    without = replace(made, comparisons=made.comparisons.query("evaluation != 'uniform'"))
    assert MEASURES["ranks_uniform"].values(without).empty


def test_what_a_third_attack_lacks_leaves_the_ranking_as_it_is() -> None:
    made = results(GRID, seeds=2, epochs=1)
    few = made.comparisons.query("evaluation != 'boundary' or condition.str.startswith('cifar10')")
    assert len(few) < len(made.comparisons)
    found = MEASURES["ranks_uniform"].values(replace(made, comparisons=few))
    pd.testing.assert_frame_equal(found, MEASURES["ranks_uniform"].values(made))


@pytest.mark.parametrize("measure", sorted(set(MEASURES) - {name for name in MEASURES if name.startswith("ranks_")}))
def test_diverged_models_are_not_measured(given: Results, measure: str) -> None:
    diverged = given.models.assign(status=given.models["seed"].map({0: "ok", 1: "diverged"}))
    assert set(MEASURES[measure].values(replace(given, models=diverged))["seed"]) == {0}


def test_published_models_are_compared_at_the_worst_severity(given: Results) -> None:
    assert value(given, "worst_corruptions") == pytest.approx(corruptions(given, severity=5)["accuracy"].mean())
    assert value(given, "worst_corruptions") != value(given, "corruption")
