"""The paper's three tables, the published values beside the measured ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from harness.report import summary
from harness.report.formats import Table
from harness.report.published_gammas import published_gammas
from harness.report.results import Results
from harness.report.rows import records
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
    columns = ["suite", "classification", "regularization", "alpha", "threshold"]
    parts = [_in_order(found[suite])[columns] for suite in SUITES if suite in found]
    used = pd.concat(parts or [pd.DataFrame(columns=columns)])
    used = used[used["regularization"] != "none"].drop_duplicates().reset_index(drop=True)
    rows = []
    for row in records(used):
        published = HYPERPARAMETERS.get((row.classification, row.regularization))
        given = [f"{value:g}" for value in published] if published else ["–", "–"]
        rows.append((f"{row.classification} - {row.regularization}", f"{row.alpha:g}", f"{row.threshold:g}", *given))
    return Table(
        name="table-1",
        title=f"Table 1 ({scale(profile)}): hyperparameters, classification - regularization",
        columns=("Sets", "α", "Th", "α, published", "Th, published"),
        rows=tuple(rows),
        corrupted=False,
        data=used,
    )


def _in_order(results: Results) -> pd.DataFrame:
    """The models in the order of the suite's conditions."""
    ranks = {condition: rank for rank, condition in enumerate(results.order)}
    return results.models.sort_values("condition", key=lambda names: names.map(ranks), kind="stable")


def gammas_tables(found: Mapping[str, Results], profile: str) -> list[Table]:
    """Tables 2 and 3, as far as their suites have results: weight of each tap after training, and the paper's."""
    tables = []
    for name, (title, suites) in GAMMA_TABLES.items():
        parts: list[pd.DataFrame] = []
        order: list[str] = []
        published: dict[str, tuple[float, ...]] = {}
        usable = (suite if suite in found else INSTEAD.get(suite, suite) for suite in suites)
        for suite in (suite for suite in usable if suite in found):
            means = summary.gamma_means(found[suite])
            parts.append(means.assign(suite=suite, condition=f"{suite}: " + means["condition"]))
            order += [f"{suite}: {condition}" for condition in found[suite].order]
            published |= {f"{suite}: {condition}": taps for condition, taps in published_gammas(suite).items()}
        if parts:
            together = pd.concat(parts, ignore_index=True)
            named = f"{title} ({scale(profile)}): weight γ of each tap after training, mean ± SEM over seeds"
            tables.append(replace(gamma_table(together, order, title, published), name=name, title=named))
    return tables
