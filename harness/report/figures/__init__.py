"""The report's figures: each is drawn from one tidy frame, which is also its CSV, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.figures.bars import boundary_bars, corruption_bars
from harness.report.figures.curves import TRAINING, attack_curves, severity_curves, training_curves
from harness.report.figures.gammas import gamma_curves
from harness.report.figures.region import acceptable_regions
from harness.report.figures.style import Look, looks, picture, plain, styled
from harness.report.results import Results
from harness.report.rows import records
from harness.report.summary import UNREGULARIZED, acceptable, finished, summarized

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEVERITY = 4
"""Of the figure that shows each corruption (paper, Figure 6); the largest there is if there is no 4."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One figure: what it shows, and the numbers that it is drawn from."""

    name: str
    """Stem of its files."""
    caption: str
    data: pd.DataFrame
    draw: Callable[[pd.DataFrame, Mapping[str, Look]], Figure]


def drawings(results: Results, least_clean_ratio: float) -> list[Drawing]:
    """The figures that the results can fill, in the order of the page."""
    every = [
        Drawing(
            name="curves",
            caption="Accuracy under perturbations of growing size. Mean over seeds; bands: SEM.",
            data=_curve_means(results),
            draw=attack_curves,
        ),
        Drawing(
            name="boundary",
            caption="Boundary attack: median squared L2 distance per pixel value to the nearest adversarial image "
            "found, pixels in [0, 1]; higher is more robust. Mean over seeds; error bars: SEM. Dashed: the "
            "attack's start.",
            data=_boundary_means(results),
            draw=boundary_bars,
        ),
        Drawing(
            name="corruptions-by-severity",
            caption="Mean accuracy over all corruptions by severity. Mean over seeds; bands: SEM.",
            data=_severity_means(results),
            draw=severity_curves,
        ),
        _each_corruption(results),
        Drawing(
            name="acceptable",
            caption="What regularization costs without distortion (R0/U0) against what it gains at the given "
            f"distortion (RD/UD), means over seeds. Shaded: R0/U0 ≥ {least_clean_ratio:g} and RD/UD > 1. "
            "Labels: α, Th.",
            data=_region(results, least_clean_ratio),
            draw=acceptable_regions,
        ),
        Drawing(
            name="training",
            caption="Training by epoch. Mean over seeds; bands: SEM.",
            data=_epoch_means(results),
            draw=training_curves,
        ),
        Drawing(
            name="gammas",
            caption="Weight γ of each tap by epoch (tap 0: stem, 1 to 4: stages). Mean over seeds; bands: SEM.",
            data=_gamma_means(results),
            draw=gamma_curves,
        ),
    ]
    return [drawing for drawing in every if len(drawing.data)]


def pictures(drawing: Drawing, results: Results, kinds: tuple[str, ...]) -> dict[str, bytes]:
    """The figure in each file format; suite and profile stand above it."""
    conditions = results.conditions
    unregularized = conditions.loc[conditions["target"] == UNREGULARIZED, "condition"]
    with styled():
        figure = drawing.draw(drawing.data, looks(results.order, tuple(unregularized)))
        figure.suptitle(
            plain(f"{results.scope} {results.remark}".strip()), fontsize=7, color="#555555", x=0.01, ha="left"
        )
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it is settled: formats need not find it again
        return {kind: picture(figure, kind) for kind in kinds}


def _curve_means(results: Results) -> pd.DataFrame:
    curves = finished(results.curves, results.models)
    return summarized(curves, ["evaluation", "condition", "epsilon"], "accuracy")


def _boundary_means(results: Results) -> pd.DataFrame:
    long = finished(results.boundary, results.models).melt(
        ["condition", "seed", "steps"], ["score", "start_score"], "measure"
    )
    return summarized(long, ["steps", "condition", "measure"])


def _severity_means(results: Results) -> pd.DataFrame:
    """Over corruptions first, within each model, so that the SEM is over seeds."""
    models = finished(results.corruptions, results.models).groupby(["condition", "severity", "seed"], sort=False)
    means = models["accuracy"].agg(lambda part: part.mean(skipna=False)).reset_index()
    return summarized(means, ["condition", "severity"], "accuracy")


def _each_corruption(results: Results) -> Drawing:
    rows = finished(results.corruptions, results.models)
    severity = SEVERITY if (rows["severity"] == SEVERITY).any() else rows["severity"].max()
    data = summarized(
        rows[rows["severity"] == severity], ["frequency", "corruption", "severity", "condition"], "accuracy"
    )
    return Drawing(
        name="corruptions",
        caption=f"Accuracy on each corruption at severity {severity}, grouped by the frequencies that it changes. "
        "Mean over seeds; error bars: SEM.",
        data=data,
        draw=corruption_bars,
    )


def _region(results: Results, least_clean_ratio: float) -> pd.DataFrame:
    rows = acceptable(results.acceptable, least_clean_ratio)
    labels = [f"{row.alpha:g}, {'pixel' if pd.isna(row.threshold) else f'{row.threshold:g}'}" for row in records(rows)]
    columns = ["evaluation", "epsilon", "condition", "regularization", "alpha", "threshold"]
    numbers = ["clean_ratio", "distorted_ratio", "acceptable"]
    return rows[[*columns, *numbers]].assign(label=labels, least_clean_ratio=least_clean_ratio, n=rows["n_seeds"])


def _epoch_means(results: Results) -> pd.DataFrame:
    long = finished(results.epochs, results.models).melt(["condition", "seed", "epoch"], list(TRAINING), "quantity")
    return summarized(long, ["quantity", "condition", "epoch"])


def _gamma_means(results: Results) -> pd.DataFrame:
    return summarized(finished(results.gamma_epochs, results.models), ["condition", "tap", "epoch"], "gamma")
