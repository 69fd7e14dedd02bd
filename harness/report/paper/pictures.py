"""The paper's figures that are drawn in a way of their own: images, matrices, comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.data.sets import FREQUENCY
from harness.report.arrays import Arrays
from harness.report.cells import number
from harness.report.figures import numbers
from harness.report.figures.bars import grouped_bars
from harness.report.figures.legends import legend
from harness.report.figures.looks import Look, family_looks
from harness.report.figures.region import REGIONS, acceptable_regions
from harness.report.figures.style import LABEL_SIZE, plain, present_in, sheet, without_axes
from harness.report.paper.kind import OVER_SEEDS, FigureKind, Labels
from harness.report.paper.panels import HEIGHT
from harness.report.paper.spectra import SPECTRA
from harness.report.ratios import judged
from harness.report.results import Results
from harness.report.rows import records
from harness.report.summary import finished, summarized, worst_corruption_means
from harness.report.vocabulary import ATTACKS, FREQUENCIES, NOISES, WORST, attack_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEST_OF = "Ours are means where the paper took its most robust model."
FILES = "The CSV names the files of its images and matrices."


def _draw_similarity(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 1: the scatter of the two similarities over pairs, and the two matrices."""
    [row] = records(data[data["metric"].notna()])
    kept = arrays.of_analysis(row.analysis)
    figure, (scatter, neural, pixel) = sheet(1, 3, HEIGHT)
    points = kept["pairs"]
    scatter.plot(points[:, 0], points[:, 1], ".", color="#0072B2", markersize=1.2, alpha=0.25, rasterized=True)
    told = f"r = {number(row.value, 2)}" if pd.notna(row.value) else "no correlation"
    scatter.set(xlabel="Pixel similarity", ylabel="Neural similarity", title=f"{told}, {row.n} images")
    for axis, name in ((neural, "neural"), (pixel, "pixel")):
        image = axis.imshow(kept[name], vmin=-1, vmax=1, cmap="RdBu_r", interpolation="none")
        axis.set(title=f"{name.capitalize()} similarity", xlabel="Image", ylabel="Image")
        axis.locator_params(integer=True, nbins=5)
        axis.grid(visible=False)
    figure.colorbar(image, ax=[neural, pixel], shrink=0.8, label="Cosine")
    return figure


def _region_numbers(results: Results, labels: Labels, least: float, arrays: Arrays) -> pd.DataFrame:
    return numbers.region(judged(results, least))


def _draw_regions(data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays) -> Figure:
    """Figure 4: R0/U0 against RD/UD for each attack."""
    return acceptable_regions(data, family_looks(data.drop_duplicates("condition").assign(free=False)))


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
        without_axes(axis)
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
        without_axes(axis)
    for unused in axes[len(names) :]:
        unused.remove()
    figure.colorbar(image, ax=axes[: len(names)], shrink=0.6, label="log(1 + E|F|)")
    return figure


def _analysis(name: str, results: Results, labels: Labels, least: float, arrays: Arrays) -> pd.DataFrame:
    """The numbers of the analysis of that name, then the files of its arrays."""
    named = results.arrays.rename(columns={"evaluation": "analysis", "name": "array"})
    rows, files = (frame[frame["analysis"] == name] for frame in (results.analyses, named))
    together = pd.concat(
        [
            rows[["analysis", "metric", "point", "value", "n"]],
            files[["analysis", "array", "file", "sha256", "shape"]],
        ]
    )
    return together.astype({"n": "Int64"})


PICTURES: Mapping[str, FigureKind] = {
    "similarity": FigureKind(
        partial(_analysis, "similarity"),
        _draw_similarity,
        "Of data alone, without a model; r: Pearson's correlation over all pairs; points: pairs evenly spread among "
        f"these, all where they are few; matrices: of the first images. {FILES}",
        shows=("similarity",),
    ),
    "regions": FigureKind(_region_numbers, _draw_regions, REGIONS, shows=("training", "clean", *ATTACKS)),
    "spectra": SPECTRA,
    "noises": FigureKind(
        partial(_analysis, "noise_examples"),
        _draw_noises,
        "Test images as they are, and with noise of one size as models are tested with it: drawn for each channel by "
        "itself, and clipped to the least and the largest value of each image, so that salt and pepper need not be "
        f"white and black. {FILES}",
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
        "log(1 + E|F|) by frequency, zero in the middle; E: mean over images and their channels, F: Fourier transform "
        f"(not normalized) of what a corruption adds, pixels in [0, 1]. {FILES}",
        shows=("corruption_spectra",),
        corrupted=True,
    ),
}
"""By the name that `contents` has for it."""
