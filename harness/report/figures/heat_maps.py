"""Fourier heat maps: the accuracy under waves of each spatial frequency, and what it differs from the baseline's by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.report.arrays import Arrays
from harness.report.figures import numbers
from harness.report.figures.drawings import Drawing, captioned
from harness.report.figures.grid import spaced
from harness.report.figures.looks import Look
from harness.report.figures.style import WIDTH, columns_for, panels_for, present_in, seeds, title
from harness.report.notes import fourier_note
from harness.report.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

MAPS = "Fourier heat maps: accuracy by spatial frequency, zero in the middle (Yin et al. 2019 draw the error rate)."
DIFFERENCES = (
    "Differences of Fourier heat maps to {baseline}, by spatial frequency, zero in the middle; blue: more accurate. "
    "Tested are the means over bands, in the table of differences, not single frequencies."
)
MEANS = "Mean over n seeds; dashed: borders of the bands."
BORDER: tuple[dict[str, Any], ...] = ({"color": "white"}, {"color": "black", "linestyle": (0, (4, 4))})
"""Of bands: a dashed line upon another, to be seen on all colors."""
BESIDE, BELOW, LINE = 0.5, 0.4, 0.13
"""Inches that the numbers and words at the left of a map take, those below it, and a line of its title."""
BAR = 0.7
"""Inches of the color bar."""
WIDEST = 2.2
"""Inches of a map that stands alone."""


def heat_maps(results: Results, arrays: Arrays, compared: Mapping[str, str]) -> list[Drawing]:
    """The maps of each Fourier evaluation, and their differences; compared: what each condition is compared with."""
    every = numbers.heat_maps(results, arrays)
    found = []
    for evaluation, maps in every.groupby("evaluation"):
        told = " ".join([*fourier_note(results.specs[results.specs["evaluation"] == evaluation]), MEANS])
        differences = numbers.heat_map_differences(maps, compared)
        against = DIFFERENCES.format(baseline=" or ".join(dict.fromkeys(differences["baseline"])))
        found += [
            Drawing(f"{evaluation}-map", f"{MAPS} {told}", numbers.heat_map_means(maps), accuracy_maps),
            Drawing(f"{evaluation}-differences", f"{against} {told}", differences, difference_maps),
        ]
    return [captioned(drawing, results) for drawing in found if len(drawing.data)]


def accuracy_maps(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """A map of each condition, all on one scale.

    data: evaluation (one), condition, down, across (cycles per image), mean, sem, n; accuracies as fractions.
    """
    scale = {"vmin": 100 * data["mean"].min(), "vmax": 100 * data["mean"].max(), "cmap": "viridis"}
    return _maps(data, looks, "Accuracy (%)", scale)


def difference_maps(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """A map of each condition that is compared, all on one scale with 0 in its middle: blue where it is better.

    data: as for `accuracy_maps`, and baseline; differences of fractions.
    """
    most = 100 * data["mean"].abs().max() or 1.0
    return _maps(data, looks, "Difference (points)", {"vmin": -most, "vmax": most, "cmap": "RdBu"})


def _maps(data: pd.DataFrame, looks: Mapping[str, Look], label: str, scale: Mapping[str, Any]) -> Figure:
    tables = {name: data[data["condition"] == name] for name in present_in(data, looks)}
    columns = columns_for(len(tables))
    width = min(WIDEST, (WIDTH - BAR) / columns - BESIDE)
    titles = [title(f"{spaced(name)} ({seeds(own)})", 72 * (width + BESIDE)) for name, own in tables.items()]
    shape = max(own["down"].nunique() / own["across"].nunique() for own in tables.values())
    height = width * shape + BELOW + LINE * (1 + max(told.count("\n") for told in titles))
    figure, panels = panels_for(len(tables), height)
    for number, (panel, own, told) in enumerate(zip(panels, tables.values(), titles, strict=True)):
        image = _map(panel, own, scale)
        panel.set_title(told)
        if number % columns == 0:
            panel.set_ylabel("Cycles per image, down")
        if number + columns >= len(tables):  # nothing is below
            panel.set_xlabel("Cycles per image, across")
    figure.set_layout_engine("compressed")  # maps keep their proportions
    proportions = 20 * math.ceil(len(tables) / columns)  # as narrow beside many rows as beside one
    figure.colorbar(image, ax=panels, label=label, shrink=0.8, aspect=proportions)
    return figure


def _map(panel: Axes, data: pd.DataFrame, scale: Mapping[str, Any]) -> AxesImage:
    """One condition's, with the borders of the bands."""
    from matplotlib.patches import Ellipse

    table = data.pivot(index="down", columns="across", values="mean")
    height, width = table.shape
    top, left = -(height // 2) - 0.5, -(width // 2) - 0.5
    extent = (left, left + width, top + height, top)
    image = panel.imshow(100 * table.to_numpy(), extent=extent, interpolation="none", **scale)
    for third, style in itertools.product((1, 2), BORDER):
        panel.add_patch(Ellipse((0, 0), third * width / 3, third * height / 3, fill=False, linewidth=0.6, **style))
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)
    panel.locator_params(nbins=5)
    return image
