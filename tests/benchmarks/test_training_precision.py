from __future__ import annotations

import pandas as pd

from benchmarks.training_precision import table


def test_seeds_are_paired_and_those_with_one_precision_are_left_out() -> None:
    rows = [
        ("none", 0, 70.0),
        ("none", 1, 72.0),
        ("none", 2, 90.0),
        ("none-bfloat16", 1, 71.0),
        ("none-bfloat16", 0, 71.0),
    ]
    numbers = pd.DataFrame(
        [(condition, seed, "clean accuracy", value) for condition, seed, value in rows],
        columns=["condition", "seed", "number", "value"],
    )
    *_, row = table(numbers).splitlines()
    assert row == "| none | clean accuracy | 2 | 71.00 | 71.00 | +0.00 | -12.71 to +12.71 | 1.00 |"
