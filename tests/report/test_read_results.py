"""What is read of a suite, and what is said of its data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from invented import results
from study import EVALUATIONS, HOSTILE, NONE, OWN, planned, record

from harness.errors import HarnessError
from harness.measurement import LEFT_BY
from harness.report.missing import read_missing
from harness.report.results import _refuse_twins, _told_apart, read_results
from harness.spec.evaluation import BoundarySpec, NoiseSpec
from harness.store.engine import Database, open_database
from harness.store.origins import SplitOrigin
from harness.store.read import BANDS, MEDIANS


def test_results_are_read_in_the_suites_order(db: Database) -> None:
    found = read_results(db, "study", "small")
    assert found.order == ("none", HOSTILE, "pixel")
    assert found.title == "What does it do?"
    assert len(found.curves) == 2 * 3
    assert set(found.missing["state"]) == {"diverged", "blocked", "failed", "waiting"}


def test_evaluations_are_read_in_the_suites_order(tmp_path: Path) -> None:
    asked = {"gaussian": EVALUATIONS["gaussian"], "ddn": OWN["ddn"]}
    with open_database(f"sqlite:///{tmp_path / 'harness.sqlite'}") as db:
        record(db, "study", {"none": NONE}, {"none": 0.0}, evaluations=asked)
        found = read_results(db, "study", "small")
    assert [*found.curves["evaluation"].unique()] == ["gaussian", "ddn"]


def test_what_a_suite_asks_for_is_read_once_for_all_seeds(db: Database) -> None:
    specs = read_results(db, "study", "small").specs
    assert not specs.duplicated(["condition", "evaluation"]).any()
    [training] = specs.loc[(specs["condition"] == "pixel") & specs["evaluation"].isna(), "spec"]
    assert training["regularizer"]["target"] == "pixel"
    assert {"clean", "gaussian"} <= set(specs["evaluation"].dropna())


def test_what_is_missing_has_the_name_that_tables_have_for_it_and_its_own(tmp_path: Path) -> None:
    asked = {"boundary": BoundarySpec(), "boundary_long": BoundarySpec(steps=500), "unit": NoiseSpec(kind="gaussian")}
    with open_database(f"sqlite:///{tmp_path / 'harness.sqlite'}") as db:
        planned(db, "study", {"none": NONE}, seeds=(0,), evaluations=asked)
        found = read_missing(db, "study", "small")
    assert [*zip(found["evaluation"], found["name"], strict=True)] == [
        ("training", "training"),
        ("boundary", "boundary"),
        ("boundary", "boundary_long"),
        ("unit", "unit"),
    ]


def test_evaluations_that_the_views_cannot_tell_apart_are_not_mixed(db: Database) -> None:
    twice = pd.DataFrame({"suite": "study", "condition": "none", "seed": [0, 0], "steps": 50})
    with pytest.raises(HarnessError, match="two Boundary attacks with the same steps"):
        _refuse_twins(twice, ["condition", "seed", "steps"], "Boundary attacks with the same steps")


def test_numbers_are_told_apart_by_what_their_metric_is_of() -> None:
    metrics = ["median_linf", "left_by_square", "accuracy_low", "median_l2"]
    numbers = pd.DataFrame({"seed": [3, 2, 1, 0], "value": [0.3, 0.2, 0.1, float("nan")], "metric": metrics})
    found = _told_apart(numbers, MEDIANS, "norm", "distance")
    assert list(found.columns) == ["seed", "distance", "norm"]
    assert (list(found["seed"]), list(found["norm"])) == ([3, 0], ["linf", "l2"])
    assert _told_apart(numbers, BANDS, "band", "accuracy").to_numpy().tolist() == [[1, 0.1, "low"]]
    assert _told_apart(numbers, LEFT_BY, "attack", "left").to_numpy().tolist() == [[2, 0.2, "square"]]


def test_generated_images_are_marked(db: Database) -> None:
    assert results().remark == "Generated images: cifar10-c."
    assert read_results(db, "study", "small").remark == ""


@pytest.mark.parametrize(
    ("name", "split", "n", "told"),
    [
        ("mnist", "test", 120, "Parts of the official sets: mnist."),
        ("mnist", "test", 10_000, ""),
        ("imagenet", "train", 1000, ""),
        ("v1", "neural", 64, ""),
    ],
)
def test_a_part_of_an_official_set_is_called_one(name: str, split: str, n: int, told: str) -> None:
    part = SplitOrigin(name=name, split=split, sha256="ef" * 32, n=n, generated=False, origin="import: folder")
    given = results()
    assert replace(given, origins=replace(given.origins, data=(part,))).remark == told
