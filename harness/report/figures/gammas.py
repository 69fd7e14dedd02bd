"""The weight of each tap by epoch: one panel per regularized condition."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.figures.legends import put_below
from harness.report.figures.looks import COLORS, DASHES, MARKERS, Look
from harness.report.figures.style import line, plain, present_in, seeds, sheet
from harness.report.vocabulary import tap_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
TITLE_LETTERS = 36
"""That fit above one panel."""


def gamma_curves(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Gamma of each tap by epoch, the taps in colours of their own.

    data: condition, tap, epoch, mean, sem, n.
    """
    from matplotlib.lines import Line2D

    present = present_in(data, looks)
    taps = sorted(data["tap"].unique())
    figure, panels = sheet(ceil(len(present) / COLUMNS), min(COLUMNS, len(present)), 2.1, sharex=True, sharey=True)
    differing = cycle(zip(COLORS, DASHES, MARKERS, strict=False))
    tap_looks = {tap: Look(*look, "") for tap, look in zip(taps, differing, strict=False)}
    for panel, name in zip(panels, present, strict=False):
        own = data[data["condition"] == name]
        for tap, look in tap_looks.items():
            line(panel, own[own["tap"] == tap], "epoch", look)
        panel.set(xlabel="Epoch", ylim=(-0.03, 1.03))
        panel.set_title("\n".join(wrap(f"{plain(name)} ({seeds(own)})", TITLE_LETTERS)), fontsize=7)
        panel.locator_params(axis="x", integer=True)
    for panel in panels[:: min(COLUMNS, len(present))]:
        panel.set_ylabel("Weight γ")
    for unused in panels[len(present) :]:
        unused.remove()
    handles = [
        Line2D([], [], color=look.color, linestyle=look.dashes, marker=look.marker) for look in tap_looks.values()
    ]
    titles = [tap_title(tap) for tap in taps]
    put_below(figure, handles, titles)
    return figure
