"""External models as a table: the accuracies that their publisher states beside those measured here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from harness.data.sets import FREQUENCY, SEVERITIES
from harness.report.cells import number, signed
from harness.report.published_accuracies import (
    AUTOATTACKS,
    PUBLISHED,
    TITLES,
    TOLERATED,
    Comparison,
    Measure,
    compared,
)
from harness.report.results import Results
from harness.report.rows import records
from harness.report.table import Table
from harness.report.vocabulary import ELSEWHERE, WORST
from harness.spec import AutoAttackSpec, RobustBenchSpec
from harness.spec.external import THREAT_MODELS

ROUNDED = 0.01
"""By which share a suite's size may differ from the published one: 8/255 has to be written as a decimal fraction."""


def published_table(results: Results) -> Table:
    """One row per published number that was measured too; a warning below for each that disagrees.

    Weights that were generated here are compared with nothing.
    """
    found = list(_comparisons(results))
    return Table(
        name="published",
        title=f"Published and measured accuracy in {results.scope}",
        columns=(
            "Model",
            "Measure",
            "Published (%)",
            "Measured (%)",
            "Difference\n(points)",
            "Error\n(points)",
        ),
        rows=tuple(
            (
                each.model,
                TITLES[each.measure],
                number(100 * each.published, 2),
                number(100 * each.measured, 2),
                signed(100 * each.difference, 2),
                number(100 * each.standard_error, 2),
            )
            for each in found
        ),
        notes=(
            f"Error: of sampling the images, one binomial standard error; {TOLERATED} of them are worth a warning.",
            *(f"Warning: {each.warning}." for each in found if not each.agrees),
        ),
        data=pd.DataFrame(
            [(results.suite, each.model, each.measure, each.published, each.measured, each.n_images) for each in found],
            columns=["suite", "model", "measure", "published", "measured", "n_images"],
        ),
    )


def _comparisons(results: Results) -> Iterator[Comparison]:
    models = results.models
    made_here = {split.name for split in results.origins.data if split.generated}
    for row in records(models[models["target"] == ELSEWHERE]):
        name = next((known for known in PUBLISHED if known == row.architecture), None)
        if name is None or RobustBenchSpec(model=name).weights in made_here:
            continue
        corrupted = results.corruptions[results.corruptions["condition"] == row.condition]
        measured: dict[Measure, tuple[float, int]] = {}
        if pd.notna(row.clean_accuracy):
            measured["clean"] = row.clean_accuracy, _clean_images(results, row.condition)
        if _is_whole(corrupted):
            n, worst = int(corrupted["n"].min()), corrupted[corrupted["severity"] == WORST]
            measured["corruptions"] = corrupted["accuracy"].mean(), n
            measured["severity5"] = worst["accuracy"].mean(), n
        tried = AUTOATTACKS.get(THREAT_MODELS[name])
        if tried and (attacked := _under_autoattack(results, row.condition, *tried)):
            measured["autoattack"] = attacked
        yield from compared(name, measured)


def _under_autoattack(
    results: Results, condition: str, norm: Literal["linf", "l2"], size: float
) -> tuple[float, int] | None:
    """The accuracy that the standard AutoAttack of that norm and size leaves, and of how many images, if known."""
    standard = AutoAttackSpec(norm=norm, max_epsilon=size).model_dump(mode="json")
    asked = results.specs[(results.specs["condition"] == condition) & results.specs["evaluation"].notna()]
    whole = [
        row.evaluation
        for row in records(asked)
        if all(row.spec.get(key) == standard[key] for key in ("kind", "norm", "attacks", "steps", "queries"))
    ]
    curves = results.curves[(results.curves["condition"] == condition) & results.curves["evaluation"].isin(whole)]
    at_size = curves[(curves["epsilon"] / size - 1).abs() < ROUNDED].dropna(subset="accuracy")
    found = [(row.accuracy, int(row.n)) for row in records(at_size)]
    return max(found, key=lambda each: each[1], default=None)


def _clean_images(results: Results, condition: str) -> int:
    """How many images the clean accuracy is of, which is that of one evaluation (`v_models`)."""
    images = results.images
    clean = images[(images["condition"] == condition) & (images["kind"] == "clean")].set_index("evaluation")["n"]
    return int(clean[min(clean.index, key=lambda name: (name != "clean", name))])


def _is_whole(corrupted: pd.DataFrame) -> bool:
    """Whether all corruptions of CIFAR-10-C are there at all severities."""
    return len(corrupted) == len(FREQUENCY) * len(SEVERITIES) and bool(corrupted["accuracy"].notna().all())
