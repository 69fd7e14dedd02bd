from __future__ import annotations

import itertools
from dataclasses import replace

import pandas as pd
from invented import condition, results

from harness.data.sets import FREQUENCY
from harness.report.published_table import published_table
from harness.report.results import Results
from harness.spec import AutoAttackSpec


def published(accuracy: float, n: int) -> Results:
    """RobustBench's Standard, measured clean on n images and on the corruptions of 200."""
    given = results((condition("standard", "external"),), seeds=1)
    models = given.models.assign(architecture="Standard", clean_accuracy=accuracy)
    images = given.images.assign(n=given.images["n"].mask(given.images["kind"] == "clean", n))
    points = pd.DataFrame(itertools.product(FREQUENCY, range(1, 6)), columns=["corruption", "severity"])
    corruptions = points.assign(condition="standard", seed=0, accuracy=0.7, n=200)
    return replace(given, models=models, images=images, corruptions=corruptions)


def test_each_published_number_is_compared_on_the_images_that_it_was_measured_on() -> None:
    data = published_table(published(0.9178, 2000)).data.set_index("measure")
    assert data["n_images"].to_dict() == {"clean": 2000, "corruptions": 200, "severity5": 200}


def test_three_points_are_a_warning_on_two_thousand_images_and_none_on_two_hundred() -> None:
    for n, warned in ((2000, True), (200, False)):
        notes = published_table(published(0.9178, n)).notes
        assert any("clean accuracy" in note for note in notes) == warned


def test_a_clean_accuracy_is_compared_without_corruptions_too() -> None:
    given = published(0.9478, 2000)
    without = replace(given, corruptions=given.corruptions.iloc[:0])
    assert list(published_table(without).data["measure"]) == ["clean"]


def test_of_several_clean_evaluations_the_images_of_the_one_that_is_shown_count() -> None:
    given = published(0.9178, 200)
    more = given.images[given.images["kind"] == "clean"].assign(evaluation="all", n=10_000)
    table = published_table(replace(given, images=pd.concat([given.images, more])))
    assert table.data.set_index("measure")["n_images"]["clean"] == 200
    assert not any("clean accuracy" in note for note in table.notes)


def under_autoattack(left: float, n: int, epsilon: float = 0.03137, **changes: object) -> Results:
    """RobustBench's Carmon2019Unlabeled, under AutoAttack with some settings."""
    given = published(0.8969, 2000)
    spec = AutoAttackSpec(max_epsilon=epsilon).model_dump(mode="json") | changes
    asked = pd.DataFrame([{"condition": "standard", "evaluation": "mine", "spec": spec}])
    curve = [{"condition": "standard", "seed": 0, "evaluation": "mine", "epsilon": epsilon, "accuracy": left, "n": n}]
    return replace(
        given,
        models=given.models.assign(architecture="Carmon2019Unlabeled"),
        specs=pd.concat([given.specs, asked]),
        curves=pd.concat([given.curves, pd.DataFrame(curve)]),
    )


def test_what_autoattack_leaves_is_compared_where_it_is_the_published_attack() -> None:
    row = published_table(under_autoattack(0.58, 1000)).data.set_index("measure").loc["autoattack"]
    assert (row["published"], row["measured"], row["n_images"]) == (0.5953, 0.58, 1000)
    assert any("under AutoAttack is 48.00%" in note for note in published_table(under_autoattack(0.48, 1000)).notes)
    for other in ({"epsilon": 0.0157}, {"norm": "l2"}, {"attacks": ["square"]}, {"steps": 20}, {"queries": 100}):
        assert "autoattack" not in set(published_table(under_autoattack(0.58, 1000, **other)).data["measure"])
