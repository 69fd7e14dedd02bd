"""The paper's three tables, the published values beside the measured ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from harness.report import summary
from harness.report.paper.contents import DIGITS, SETS
from harness.report.published_gammas import published_gammas
from harness.report.results import Results
from harness.report.rows import records, stacked
from harness.report.table import Table
from harness.report.tables import gamma_table
from harness.report.vocabulary import scale

HYPERPARAMETERS: Mapping[tuple[str, str], tuple[float, float]] = {
    **{(task, images): (10, 0.8) for task in ("cifar10", "cifar100") for images in ("cifar10", "cifar100", "imagenet")},
    ("mnist", "mnist"): (4, 0.2),
    ("mnist", "fashionmnist"): (10, 0.8),
    ("fashionmnist", "mnist"): (10, 0.4),
    ("fashionmnist", "fashionmnist"): (10, 0.8),
}
"""Published (alpha, Th) by task and regularization set (Table 1)."""
NAMES = {**SETS, **DIGITS}
"""How the paper calls sets."""
SUITES = ("regularization-sets", "grayscale-cifar100", "mnist", "fashionmnist")
"""The suites of Tables 1 to 3."""
GAMMA_TABLES = {
    "table-2": ("Table 2, ResNet18", ("regularization-sets", "mnist", "fashionmnist")),
    "table-3": ("Table 3, ResNet34", ("grayscale-cifar100",)),
}
INSTEAD = {"regularization-sets": "grayscale-cifar10"}
"""A suite that has some of another's models, for where the other was not run."""


def hyperparameters_table(found: Mapping[str, Results], profile: str) -> Table:
    """Table 1: alpha and Th of each pair of sets that was trained, and the paper's."""
    used = _models(found, SUITES)
    rows = []
    for row in records(used):
        published = HYPERPARAMETERS.get((row.classification, row.regularization))
        given = [f"{value:g}" for value in published] if published else ["–", "–"]
        rows.append((row.sets, f"{row.alpha:g}", f"{row.threshold:g}", *given))
    return Table(
        name="table-1",
        title=f"Table 1 ({scale(profile)}): hyperparameters, classification - regularization",
        columns=("Sets", "α", "Th", "α, published", "Th, published"),
        rows=tuple(rows),
        notes=_instead(found, SUITES),
        corrupted=False,
        data=used.drop(columns="sets"),
    )


def gammas_tables(found: Mapping[str, Results], profile: str) -> list[Table]:
    """Tables 2 and 3, as far as their suites have results: weight of each tap after training, and the paper's."""
    tables = []
    for name, (title, suites) in GAMMA_TABLES.items():
        models = _models(found, suites)
        parts = [summary.gamma_means(found[suite]).assign(suite=suite) for suite in models["suite"].unique()]
        if parts:
            keys = ["suite", "condition"]
            means = pd.concat(parts).merge(models[[*keys, "sets"]], on=keys)
            published = {row.sets: published_gammas(row.suite)[row.condition] for row in records(models)}
            table = gamma_table(means.assign(condition=means["sets"]), models["sets"], title, published)
            tables.append(
                replace(
                    table,
                    name=name,
                    title=f"{title} ({scale(profile)}): weight γ of each tap after training, mean ± SEM over seeds",
                    columns=("Sets", *table.columns[1:]),
                    notes=(*table.notes, *_instead(found, suites)),
                    data=means,
                )
            )
    return tables


def _models(found: Mapping[str, Results], suites: Sequence[str]) -> pd.DataFrame:
    """The trained models that the paper's tables have, in their order; `sets` is what the tables call one."""
    columns = ["suite", "condition", "classification", "regularization", "alpha", "threshold"]
    parts = [pd.DataFrame(columns=[*columns, "sets"])]
    for suite in _taken(found, suites).values():
        models = found[suite].models.assign(suite=suite).drop_duplicates("condition").set_index("condition", drop=False)
        own = models.loc[[condition for condition in published_gammas(suite) if condition in models.index], columns]
        task, images = (
            own[name].map(lambda given: NAMES.get(given, given)) for name in ("classification", "regularization")
        )
        parts.append(own.assign(sets=task + " - " + images))
    return stacked(parts).reset_index(drop=True)


def _taken(found: Mapping[str, Results], suites: Sequence[str]) -> dict[str, str]:
    """Which suite's results stand for each of the suites, as far as there are any."""
    taken = {suite: suite if suite in found else INSTEAD.get(suite, suite) for suite in suites}
    return {suite: own for suite, own in taken.items() if own in found}


def _instead(found: Mapping[str, Results], suites: Sequence[str]) -> tuple[str, ...]:
    taken = _taken(found, suites).items()
    return tuple(f"{suite} was not run: its models are those of {own}." for suite, own in taken if own != suite)
