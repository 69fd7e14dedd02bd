"""The paper's figures that are drawn in a way of their own: images, spectra, matrices, comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.data.sets import FREQUENCY
from harness.report.arrays import Arrays
from harness.report.figures import numbers
from harness.report.figures.bars import grouped_bars
from harness.report.figures.curves import lines
from harness.report.figures.legends import legend
from harness.report.figures.looks import Look
from harness.report.figures.region import REGIONS, acceptable_regions
from harness.report.figures.style import LABEL_SIZE, plain, present_in, sheet
from harness.report.paper.kind import OVER_SEEDS, FigureKind, Labels
from harness.report.paper.panels import HEIGHT, say, severity_title
from harness.report.results import Results
from harness.report.rows import records
from harness.report.summary import finished, summarized, worst_corruption_means
from harness.report.vocabulary import ATTACKS, FREQUENCIES, NOISES, SEVERITY, WORST, attack_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SPECTRUM_COLUMNS = ["panel", "condition", "x", "y", "mean", "sem", "n", "severity"]

BEST_OF = "Ours are means where the paper took its most robust model."
FILES = "The CSV names the files of its images and matrices."


def _draw_similarity(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 1: the scatter of the two similarities over pairs, and the two matrices."""
    [row] = records(data[data["metric"].notna()])
    kept = arrays.of_analysis(row.analysis)
    figure, (scatter, neural, pixel) = sheet(1, 3, HEIGHT)
    points = kept["pairs"]
    scatter.plot(points[:, 0], points[:, 1], ".", color="#0072B2", markersize=1.2, alpha=0.25, rasterized=True)
    told = f"r = {row.value:.2f}" if pd.notna(row.value) else "no correlation"
    scatter.set(xlabel="Pixel similarity", ylabel="Neural similarity", title=f"{told}, {row.n} images")
    for axis, name in ((neural, "neural"), (pixel, "pixel")):
        image = axis.imshow(kept[name], vmin=-1, vmax=1, cmap="RdBu_r", interpolation="none")
        axis.set(title=f"{name.capitalize()} similarity", xlabel="Image", ylabel="Image")
        axis.locator_params(integer=True, nbins=5)
        axis.grid(visible=False)
    figure.colorbar(image, ax=[neural, pixel], shrink=0.8, label="Cosine")
    return figure


def _region_numbers(results: Results, labels: Labels, least: float, arrays: Arrays) -> pd.DataFrame:
    return numbers.region(results, least)


def _draw_regions(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 4: R0/U0 against RD/UD for each attack."""
    return acceptable_regions(data, looks)


def _spectrum_numbers(results: Results, labels: Labels, least: float, arrays: Arrays) -> pd.DataFrame:
    if results.suite == "regularization-sets":
        parts = {"corruptions": numbers.group_means(results)}
    else:
        parts = {"power": _power_means(labels, arrays), "radial": numbers.spectrum_means(results)}
    named = [part.rename(columns={"frequency": "x"}).assign(panel=panel) for panel, part in parts.items() if len(part)]
    whole = pd.concat(named or [pd.DataFrame(columns=SPECTRUM_COLUMNS)]).reindex(columns=SPECTRUM_COLUMNS)
    return whole[whole["condition"].isin(list(labels))].astype({"severity": "Int64", "y": "Int64"})


def _power_means(labels: Labels, arrays: Arrays) -> pd.DataFrame:
    """condition, x, y, mean, sem, n, of the power at x and y cycles per image across and down."""
    parts = [pd.DataFrame(columns=["condition", "x", "y", "power"])]
    for condition in labels:
        for power in arrays.of_condition(condition, "power"):
            y, x = (place.ravel() - size // 2 for place, size in zip(np.indices(power.shape), power.shape, strict=True))
            parts.append(pd.DataFrame({"condition": condition, "x": x, "y": y, "power": power.ravel().astype(float)}))
    return summarized(pd.concat(parts[1:] or parts), ["condition", "x", "y"], "power")


def _draw_spectra(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 7: corruptions by frequency group; each model's mean power spectrum; the radial spectra."""
    present = present_in(data, looks)
    power = data[data["panel"] == "power"]
    shown = {
        name: power[power["condition"] == name].pivot(index="y", columns="x", values="mean").to_numpy()
        for name in present_in(power, looks)
    }
    figure, (accuracy, rings, *images) = _two_rows(max(1, len(shown)))
    bars = data[data["panel"] == "corruptions"]
    bars = bars.sort_values("x", key=lambda names: names.map({name: rank for rank, name in enumerate(FREQUENCIES)}))
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
        _without_axes(axis)
    axes[-1].figure.colorbar(image, ax=axes, shrink=0.8, label="log$_{10}$ power")


def _draw_noises(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 11: test images as they are and under each noise."""
    kept = arrays.of_analysis(data["analysis"].iloc[0])
    size = data["point"].iloc[0].replace("epsilon=", "ε = ")
    kinds = ("clean", *NOISES)
    count = len(kept["clean"])
    figure, axes = sheet(count, len(kinds), 1.25)
    for place, axis in enumerate(axes):
        kind, number = kinds[place % len(kinds)], place // len(kinds)
        image = kept[kind][number].transpose(1, 2, 0)
        axis.imshow(image if image.shape[2] == 3 else image[:, :, 0], vmin=0, vmax=1, cmap="gray", interpolation="none")
        _without_axes(axis)
        if number == 0:
            axis.set_title("Image" if kind == "clean" else f"{attack_title(kind)}\n{size}", fontsize=LABEL_SIZE)
    return figure


def _robustbench_numbers(results: Results, labels: Labels, least: float, arrays: Arrays) -> pd.DataFrame:
    """Mean accuracy at severity 5 over corruptions, and clean accuracy."""
    worst = summarized(worst_corruption_means(results), ["condition"]).assign(x=f"CIFAR-10-C, severity {WORST}")
    clean = finished(results.models[["condition", "seed", "clean_accuracy"]], results.models)
    best = summarized(clean, ["condition"], "clean_accuracy").assign(x=attack_title("clean"))
    whole = pd.concat([worst, best], ignore_index=True)
    return whole.loc[whole["condition"].isin(list(labels)), ["condition", "x", "mean", "sem", "n"]]


def _draw_robustbench(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 24: mean accuracy on the worst corruptions, ours beside published models."""
    present = present_in(data, looks)
    figure, (axis,) = sheet(1, 1, 2.2)
    grouped_bars(axis, data, present, looks, group="x")
    axis.set_ylabel("Accuracy (%)")
    legend(figure, data, looks, labels=labels, bars=True, curves=False)
    return figure


def _draw_corruption_spectra(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 25: log(1 + E|F(C(X) - X)|) of each corruption, by groups from low to high frequency."""
    kept = arrays.of_analysis(data["analysis"].iloc[0])
    names = sorted(kept, key=lambda name: (FREQUENCIES.index(FREQUENCY[name]), list(FREQUENCY).index(name)))
    columns = 5
    figure, axes = sheet(-(-len(names) // columns), columns, 1.3)
    logs = {name: np.log1p(kept[name]) for name in names}
    high = max(log.max() for log in logs.values())
    for axis, name in zip(axes, names, strict=False):
        image = axis.imshow(logs[name], vmin=0, vmax=high, cmap="viridis", interpolation="none")
        axis.set_title(f"{plain(name.replace('_', ' '))}\n({FREQUENCY[name]})", fontsize=LABEL_SIZE)
        _without_axes(axis)
    for unused in axes[len(names) :]:
        unused.remove()
    figure.colorbar(image, ax=axes[: len(names)], shrink=0.6, label="log(1 + E|F|)")
    return figure


def _analysis(kind: str, results: Results, labels: Labels, least: float, arrays: Arrays) -> pd.DataFrame:
    """The numbers of the analysis of that kind, then the files of its arrays."""
    rows, files = (frame[frame["kind"] == kind] for frame in (results.analyses, results.arrays))
    named = files.rename(columns={"evaluation": "analysis", "name": "array"})
    together = pd.concat(
        [
            rows[["analysis", "metric", "point", "value", "n"]],
            named[["analysis", "array", "file", "sha256", "shape"]],
        ]
    )
    return together.astype({"n": "Int64"})


def _without_axes(axis: Axes) -> None:
    """For an image, whose pixels need no numbers."""
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.grid(visible=False)


def _or_no_result(axis: Axes, rows: pd.DataFrame, draw: Callable[[], None]) -> None:
    if len(rows):
        draw()
    else:
        say(axis)


PICTURES: Mapping[str, FigureKind] = {
    "similarity": FigureKind(
        partial(_analysis, "similarity"),
        _draw_similarity,
        f"Of data alone, without a model; r: Pearson's correlation over all pairs. {FILES}",
        shows=("similarity",),
    ),
    "regions": FigureKind(_region_numbers, _draw_regions, REGIONS, shows=("training", "clean", *ATTACKS)),
    "spectra": FigureKind(
        _spectrum_numbers, _draw_spectra, OVER_SEEDS, shows=("training", "corruption", "spectrum"), corrupted=True
    ),
    "noises": FigureKind(
        partial(_analysis, "noise_examples"),
        _draw_noises,
        f"Test images as they are, and with noise of one size. {FILES}",
        shows=("noise_examples",),
    ),
    "robustbench": FigureKind(
        _robustbench_numbers,
        _draw_robustbench,
        f"{OVER_SEEDS} {BEST_OF}",
        shows=("training", "clean", "corruption"),
        corrupted=True,
    ),
    "corruption_spectra": FigureKind(
        partial(_analysis, "corruption_spectra"),
        _draw_corruption_spectra,
        f"log(1 + E|F|), E the mean over images, F the Fourier transform of what a corruption adds. {FILES}",
        shows=("corruption_spectra",),
        corrupted=True,
    ),
}
"""By the name that `contents` has for it."""
