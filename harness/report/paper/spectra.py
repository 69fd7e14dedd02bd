"""Figure 7: what corruptions change by frequency, and the spectra of the smallest perturbations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.report.arrays import Arrays
from harness.report.figures import numbers
from harness.report.figures.bars import grouped_bars
from harness.report.figures.curves import lines
from harness.report.figures.legends import legend
from harness.report.figures.looks import Look
from harness.report.figures.style import LABEL_SIZE, plain, present_in, sheet, without_axes
from harness.report.paper.kind import OVER_SEEDS, FigureKind, Labels
from harness.report.paper.panels import say, severity_title
from harness.report.results import Results
from harness.report.rows import in_order_of, stacked
from harness.report.summary import summarized
from harness.report.vocabulary import FREQUENCIES, SEVERITY, SPECTRUM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SPECTRUM_COLUMNS = ["panel", "condition", "x", "y", "mean", "sem", "n", "severity"]


def _spectrum_numbers(results: Results, labels: Labels, least: float, arrays: Arrays) -> pd.DataFrame:
    if results.suite == "regularization-sets":
        parts = {"corruptions": numbers.group_means(results)}
    else:
        parts = {"power": _power_means(labels, arrays), "radial": numbers.spectrum_means(results)}
    named = stacked(part.rename(columns={"frequency": "x"}).assign(panel=panel) for panel, part in parts.items())
    whole = named.reindex(columns=SPECTRUM_COLUMNS)
    return whole[whole["condition"].isin(list(labels))].astype({"severity": "Int64", "y": "Int64"})


def _power_means(labels: Labels, arrays: Arrays) -> pd.DataFrame:
    """condition, x, y, mean, sem, n, of the power at x and y cycles per image across and down."""
    parts = [pd.DataFrame(columns=["condition", "x", "y", "power"])]
    for condition in labels:
        for power in arrays.of_condition(condition, SPECTRUM, "power"):
            y, x = (place.ravel() - size // 2 for place, size in zip(np.indices(power.shape), power.shape, strict=True))
            parts.append(pd.DataFrame({"condition": condition, "x": x, "y": y, "power": power.ravel().astype(float)}))
    return summarized(stacked(parts), ["condition", "x", "y"], "power")


def _draw_spectra(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 7: corruptions by frequency group; each model's mean power spectrum; the radial spectra."""
    present = present_in(data, looks)
    power = data[data["panel"] == "power"]
    shown = {
        name: power[power["condition"] == name].pivot(index="y", columns="x", values="mean").to_numpy()
        for name in present_in(power, looks)
    }
    figure, (accuracy, rings, *images) = _two_rows(max(1, len(shown)))
    bars = in_order_of(data[data["panel"] == "corruptions"], "x", FREQUENCIES)
    _or_no_result(accuracy, bars, lambda: grouped_bars(accuracy, bars, present, looks, group="x"))
    title = severity_title(bars) if len(bars) else f"Severity {SEVERITY}"
    accuracy.set(title=title, ylabel="CIFAR-10-C accuracy (%)", xlabel="Corruptions' frequency")
    _power_images(images, shown, labels)
    radial = whole_rings(data[data["panel"] == "radial"].infer_objects(), shown)
    _or_no_result(rings, radial, lambda: lines(rings, radial, "x", looks, 1.0))
    rings.set(title="Radial spectrum", xlabel="Cycles per image", ylabel="Mean power", yscale="log")
    legend(figure, data, looks, labels=labels, bars=True)
    return figure


def _two_rows(images: int) -> tuple[Figure, list[Axes]]:
    """Two panels, and that many images under them."""
    figure, hidden = sheet(2, 1, 1.7, height_ratios=[1.3, 1])
    axes = []
    for place, columns in zip(hidden, (2, images), strict=True):
        spec = place.get_subplotspec()
        assert spec is not None
        grid = spec.subgridspec(1, columns)
        axes += [figure.add_subplot(grid[column]) for column in range(columns)]
        place.remove()
    return figure, axes


def whole_rings(radial: pd.DataFrame, spectra: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Up to half the shorter side: beyond it the rings are cut off by the spectrum's corners."""
    half = min((min(spectrum.shape) // 2 for spectrum in spectra.values()), default=None)
    return radial if half is None else radial[radial["x"] <= half]


def _power_images(axes: list[Axes], spectra: Mapping[str, NDArray[Any]], labels: Labels) -> None:
    """Log power of each model's perturbations on one scale, frequency zero in the middle."""
    if not spectra:
        say(axes[0])
        return
    logs = {name: np.log10(np.maximum(spectrum, 1e-12)) for name, spectrum in spectra.items()}
    low, high = min(each.min() for each in logs.values()), max(each.max() for each in logs.values())
    for axis, (name, log) in zip(axes, logs.items(), strict=True):
        image = axis.imshow(log, vmin=low, vmax=high, cmap="viridis", interpolation="none")
        axis.set_title(labels.get(name, plain(name)), fontsize=LABEL_SIZE)
        without_axes(axis)
    axes[-1].figure.colorbar(image, ax=axes, shrink=0.8, label="log$_{10}$ power")


def _or_no_result(axis: Axes, rows: pd.DataFrame, draw: Callable[[], None]) -> None:
    if len(rows):
        draw()
    else:
        say(axis)


SPECTRA = FigureKind(
    _spectrum_numbers, _draw_spectra, OVER_SEEDS, shows=("training", "corruption", "spectrum"), corrupted=True
)
