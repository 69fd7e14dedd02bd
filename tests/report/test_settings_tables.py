"""What a report says of how its models were trained and evaluated."""

from __future__ import annotations

import pandas as pd
from invented import FOUR, results

from harness.report.settings_tables import evaluations_table, trainings_table


def specs(*rows: tuple[str, str | None, dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["condition", "evaluation", "spec"])


def test_what_all_trainings_share_is_told_once_and_the_rest_beside_each_condition() -> None:
    table = trainings_table(results().specs, "study")
    threshold = "regularizer.target = threshold, regularizer.threshold = 0.8, regularizer.images = "
    assert dict(table.rows) == {
        "none": "no regularizer",
        "pixel": "regularizer.target = pixel, regularizer.images = imagenet",
        "threshold": f"{threshold}imagenet",
        "threshold-cifar10": f"{threshold}cifar10",
    }
    assert table.notes == (
        "All: classification = cifar10.",
        "optimisation: epochs = 40, learning_rate = 0.1.",
        "regularizer: alpha = 10, n_images = 5000, shuffled = no.",
    )


def test_the_settings_of_the_only_regularizer_stand_beside_its_condition() -> None:
    table = trainings_table(results(FOUR[:2]).specs, "study")
    assert dict(table.rows)["pixel"].startswith("regularizer.target = pixel, regularizer.alpha = 10, ")


def test_every_setting_is_in_the_data() -> None:
    data = trainings_table(results().specs, "study").data
    assert list(data.columns) == ["condition", "setting", "value"]
    own = data[data["condition"] == "threshold"].set_index("setting")["value"]
    assert (own["optimisation.epochs"], own["regularizer.threshold"]) == ("40", "0.8")
    assert "n_train" not in own, "what is not set is not told"


def test_an_evaluation_of_all_conditions_has_one_row_and_one_that_differs_its_own() -> None:
    noise, more = {"kind": "gaussian", "sizes": 11}, {"kind": "gaussian", "sizes": 21}
    table = evaluations_table(
        specs(
            ("none", None, {}),
            ("none", "gaussian", noise),
            ("none", "clean", {"kind": "clean"}),
            ("pixel", None, {}),
            ("pixel", "gaussian", more),
            ("pixel", "clean", {"kind": "clean"}),
            ("", "similarity", {"kind": "similarity", "sets": ["mnist", "digits"]}),
        ),
        "study",
    )
    assert table.rows == (
        ("gaussian", "none", "kind = gaussian, sizes = 11"),
        ("clean", "all", "kind = clean"),
        ("gaussian", "pixel", "kind = gaussian, sizes = 21"),
        ("similarity", "(data)", "kind = similarity, sets = mnist digits"),
    )
