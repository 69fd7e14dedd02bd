"""Legends below panels: at most as wide as their figure, which grows by their height."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.report.figures.style import LEGEND_SIZE, Look, face, folded, present_in, seeds

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

HANDLE = 3.2
"""Length of a line in a legend, in letters."""


def legend(
    figure: Figure,
    data: pd.DataFrame,
    looks: Mapping[str, Look],
    *,
    filled: bool = False,
    labels: Mapping[str, str] | None = None,
) -> None:
    """The conditions of the data with their number of seeds, below all panels; filled for bars.

    labels: other words for conditions than their names; mathematics is allowed in them.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    present = present_in(data, looks)
    handles: list[Artist] = [
        Patch(facecolor=face(looks[name]), edgecolor=looks[name].color, hatch=looks[name].hatch)
        if filled
        else Line2D([], [], color=looks[name].color, linestyle=looks[name].dashes, marker=looks[name].marker)
        for name in present
    ]
    room = 72 * figure.get_figwidth() - (HANDLE + 3) * LEGEND_SIZE
    counts = {name: seeds(data[data["condition"] == name]) for name in present}
    named = {name: folded(f"{name} ({count})", LEGEND_SIZE, room) for name, count in counts.items()}
    named |= {name: f"{label} ({counts[name]})" for name, label in (labels or {}).items() if name in counts}
    put_below(figure, handles, list(named.values()))


def put_below(figure: Figure, handles: Sequence[Artist], texts: Sequence[str], **how: Any) -> None:
    """A legend under all panels, in as few rows as the figure's width allows."""
    how = {"loc": "outside lower center", "handlelength": HANDLE, **how}
    for rows in range(1, len(texts) + 1):
        drawn = figure.legend(handles, texts, ncols=ceil(len(texts) / rows), **how)
        box = drawn.get_window_extent()
        if box.width <= figure.bbox.width:
            break
        if rows < len(texts):
            drawn.remove()
    figure.set_figheight(figure.get_figheight() + box.height / figure.dpi)
