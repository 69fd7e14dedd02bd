"""Fourier heat maps: the accuracy under waves of each spatial frequency, and what it differs from the baseline's by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.report.arrays import Arrays
from harness.report.figures import numbers
from harness.report.figures.drawings import Drawing, captioned
from harness.report.figures.grid import spaced
from harness.report.figures.looks import Look
from harness.report.figures.style import (
    HEADING,
    TALLEST,
    WIDTH,
    columns_for,
    panels_for,
    present_in,
    seeds,
    styled,
    title,
)
from harness.report.notes import fourier_note
from harness.report.results import Results
from harness.report.rows import groups

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
LARGEST = 2.2
"""Inches of a map's longer side."""


class Scale(NamedTuple):
    """What the colors of maps stand for; numbers are fractions."""

    label: str
    least: float
    most: float
    colors: str


def heat_maps(results: Results, arrays: Arrays, compared: Mapping[str, str]) -> list[Drawing]:
    """The maps of each Fourier evaluation, and their differences; compared: what each condition is compared with."""
    every = numbers.heat_maps(results, arrays)
    found: list[Drawing] = []
    for evaluation, maps in every.groupby("evaluation"):
        told = " ".join([*fourier_note(results.specs[results.specs["evaluation"] == evaluation]), MEANS])
        means, differences = numbers.heat_map_means(maps), numbers.heat_map_differences(maps, compared)
        against = DIFFERENCES.format(baseline=" or ".join(dict.fromkeys(differences["baseline"])))
        most = differences["mean"].abs().max() or 0.01  # on both sides of 0, which is white
        shown = {
            "map": (MAPS, means, Scale("Accuracy (%)", means["mean"].min(), means["mean"].max(), "viridis")),
            "differences": (against, differences, Scale("Difference (points)", -most, most, "RdBu")),
        }
        for kind, (what, data, scale) in shown.items():
            if len(data):
                whole = Drawing(f"{evaluation}-{kind}", f"{what} {told}", data, partial(_draw, scale=scale))
                found += whole.parts(results.order, _most(data))
    return [captioned(drawing, results) for drawing in found]


def _most(data: pd.DataFrame) -> int:
    """How many maps fit a page, whatever is written above them."""
    with styled():
        layout = _layout(data)
    return layout.columns * max(1, int((TALLEST - HEADING) / layout.height))


def _draw(data: pd.DataFrame, looks: Mapping[str, Look], scale: Scale) -> Figure:
    """A map of each condition.

    data: rows of `numbers.heat_map_means` or of `heat_map_differences`, of one evaluation.
    """
    names = present_in(data, looks)
    columns, titles, height = _layout(data)
    figure, panels = panels_for(len(names), height)
    for number, (panel, name) in enumerate(zip(panels, names, strict=True)):
        image = _map(panel, data[data["condition"] == name], scale)
        panel.set_title(titles[name])
        if number % columns == 0:
            panel.set_ylabel("Cycles per image, down")
        if number + columns >= len(names):  # nothing is below
            panel.set_xlabel("Cycles per image, across")
    figure.set_layout_engine("compressed")  # maps keep their proportions
    proportions = 20 * math.ceil(len(names) / columns)  # as narrow beside many rows as beside one
    figure.colorbar(image, ax=panels, label=scale.label, shrink=0.8, aspect=proportions)
    return figure


class _Layout(NamedTuple):
    """Where maps stand in a figure."""

    columns: int
    titles: Mapping[str, str]
    """By condition."""
    height: float
    """Inches of a row."""


def _layout(data: pd.DataFrame) -> _Layout:
    """That of all the conditions' maps, however many rows they take."""
    tables = {name: own for (name,), own in groups(data, ["condition"])}
    shape = max(own["down"].nunique() / own["across"].nunique() for own in tables.values())
    columns = columns_for(len(tables))
    width = min(LARGEST / max(1.0, shape), (WIDTH - BAR) / columns - BESIDE)
    titles = {name: title(f"{spaced(name)} ({seeds(own)})", 72 * (width + BESIDE)) for name, own in tables.items()}
    lines = 1 + max(told.count("\n") for told in titles.values())
    return _Layout(columns, titles, width * shape + BELOW + LINE * lines)


def _map(panel: Axes, data: pd.DataFrame, scale: Scale) -> AxesImage:
    """One condition's, with the borders of the bands."""
    from matplotlib.patches import Ellipse

    table = data.pivot(index="down", columns="across", values="mean")
    height, width = table.shape
    top, left = -(height // 2) - 0.5, -(width // 2) - 0.5
    extent = (left, left + width, top + height, top)
    image = panel.imshow(
        100 * table.to_numpy(),
        extent=extent,
        interpolation="none",
        cmap=scale.colors,
        vmin=100 * scale.least,
        vmax=100 * scale.most,
    )
    for third, style in itertools.product((1, 2), BORDER):
        panel.add_patch(Ellipse((0, 0), third * width / 3, third * height / 3, fill=False, linewidth=0.6, **style))
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)
    panel.locator_params(nbins=5)
    return image
