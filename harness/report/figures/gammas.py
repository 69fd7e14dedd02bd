"""The weight of each tap by epoch: one panel per regularized condition."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.report.figures.grid import spaced
from harness.report.figures.legends import put_below
from harness.report.figures.looks import DASHES, MARKERS, Look, line_style
from harness.report.figures.style import HEADING, LABEL_SIZE, TALLEST, folded, line, passed, present_in, seeds, sheet
from harness.report.vocabulary import tap_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS, ROW = 3, 1.65
"""Panels beside each other, and the inches of their height."""
MOST = COLUMNS * int((TALLEST - HEADING) / ROW)
"""Panels of a figure that fits a page, the legend's line within the heading's four."""
TITLE_WIDTH = 100
"""Points above one panel."""
LIGHTEST = 0.85
"""Share of the color map that is dark enough for lines on white."""


def gamma_curves(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Gamma of each tap by epoch, the taps in a sequence of colors from the input (dark) to the output.

    data: condition, tap, epoch, mean, sem, n.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex
    from matplotlib.lines import Line2D

    present = present_in(data, looks)
    taps = sorted(data["tap"].unique())
    figure, panels = sheet(ceil(len(present) / COLUMNS), min(COLUMNS, len(present)), ROW, sharex=True, sharey=True)
    shades = colormaps["viridis"](np.linspace(0, LIGHTEST, len(taps)))
    differing = cycle(zip(DASHES, MARKERS, strict=False))
    tap_looks = {tap: Look(to_hex(shade), *look, "") for tap, shade, look in zip(taps, shades, differing, strict=False)}
    for number, (panel, name) in enumerate(zip(panels, present, strict=False)):
        own = data[data["condition"] == name]
        for tap, look in tap_looks.items():
            line(panel, passed(own[own["tap"] == tap]), "epoch", look)
        panel.set(ylim=(-0.03, 1.03))
        panel.set_title(folded(f"{spaced(name)} ({seeds(own)})", LABEL_SIZE, TITLE_WIDTH), fontsize=LABEL_SIZE)
        panel.locator_params(axis="x", integer=True)
        if number + COLUMNS >= len(present):  # nothing is below
            panel.set_xlabel("Epoch")
            panel.tick_params(labelbottom=True)
    for panel in panels[:: min(COLUMNS, len(present))]:
        panel.set_ylabel("Weight γ")
    for unused in panels[len(present) :]:
        unused.remove()
    handles = [Line2D([], [], **line_style(look)) for look in tap_looks.values()]
    put_below(figure, handles, [tap_title(tap) for tap in taps])
    return figure
