from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from invented import results

from harness.report.ratios import acceptable, seed_values


def test_acceptable_needs_both_conditions() -> None:
    ratios = pd.DataFrame(
        {
            "condition": ["a", "b", "c", "d"],
            "evaluation": "gaussian",
            "epsilon": 0.1,
            "clean_ratio": [0.9, 0.89, 0.95, float("nan")],
            "rd": [0.101, 0.15, 0.1, 0.2],
            "ud": 0.1,
        }
    )
    assert list(acceptable(ratios, 0.9)["acceptable"]) == [True, False, False]
    assert list(acceptable(ratios, 0.8)["acceptable"]) == [True, True, False]


def test_ratios_that_are_at_their_bounds_but_for_rounding_are_at_them() -> None:
    clean_ratio, rd, ud = 0.72 / 0.8, np.mean([0.3, 0.5, 0.4]), np.mean([0.3, 0.4, 0.5])
    assert clean_ratio < 0.9
    assert rd > ud
    ratios = pd.DataFrame(
        {"condition": ["a"], "evaluation": "gaussian", "clean_ratio": clean_ratio, "rd": rd, "ud": ud}
    )
    [row] = acceptable(ratios, 0.9).itertuples()
    assert (row.accurate, row.robust) == (True, False)


def test_what_is_left_beside_nothing_is_more_robust() -> None:
    ratios = pd.DataFrame(
        {"condition": ["a", "b"], "evaluation": "pgd", "clean_ratio": 0.95, "rd": [0.01, 0.0], "ud": 0.0}
    )
    assert list(acceptable(ratios, 0.9)["acceptable"]) == [True, False]


def test_a_seed_that_lacks_one_of_the_four_numbers_is_in_no_ratio() -> None:
    given = results(seeds=3)
    compared = given.comparisons
    lacks = (compared["condition"] == "pixel") & (compared["evaluation"] == "gaussian") & (compared["seed"] == 1)
    for number in ("clean", "baseline_clean", "distorted", "baseline_distorted"):
        without = replace(given, comparisons=compared.assign(**{number: compared[number].mask(lacks)}))
        values = seed_values(without)
        assert len(values) == len(seed_values(given)) - 1
        own = values[(values["condition"] == "pixel") & (values["evaluation"] == "gaussian")]
        assert list(own["seed"]) == [0, 2]
