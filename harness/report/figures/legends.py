"""Legends below panels: at most as wide as their figure, which grows by their height."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.report.figures.grid import spaced
from harness.report.figures.looks import Look, bar_style, line_style
from harness.report.figures.style import LABEL_SIZE, folded, present_in, seeds

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
    bars: bool = False,
    curves: bool = True,
    labels: Mapping[str, str] | None = None,
) -> None:
    """The conditions of the data with their number of seeds, below all panels, as the figure's bars and curves look.

    labels: other words for conditions than their names; mathematics is allowed in them.
    """
    present = present_in(data, looks)
    room = 72 * figure.get_figwidth() - (2 * HANDLE + 3) * LABEL_SIZE
    counts = {name: seeds(data[data["condition"] == name]) for name in present}
    named = {name: folded(f"{spaced(name)} ({count})", LABEL_SIZE, room) for name, count in counts.items()}
    named |= {name: f"{label} ({counts[name]})" for name, label in (labels or {}).items() if name in counts}
    handles = [handle(looks[name], bars=bars, curves=curves) for name in present]
    put_below(figure, handles, list(named.values()), handlelength=HANDLE * (1.8 if bars and curves else 1))


def handle(look: Look, *, bars: bool, curves: bool) -> tuple[Artist, ...]:
    """A bar, a curve or both, as the condition's are."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return (*([Patch(**bar_style(look))] if bars else []), *([Line2D([], [], **line_style(look))] if curves else []))


def put_below(figure: Figure, handles: Sequence[Any], texts: Sequence[str], **how: Any) -> None:
    """A legend under all panels, in as few rows as the figure's width allows; tuples of handles stand side by side."""
    from matplotlib.legend_handler import HandlerTuple

    beside = {tuple: HandlerTuple(ndivide=None, pad=0.3)}
    how = {"loc": "outside lower center", "handlelength": HANDLE, "handler_map": beside, **how}
    for rows in range(1, len(texts) + 1):
        drawn = figure.legend(handles, texts, ncols=ceil(len(texts) / rows), **how)
        box = drawn.get_window_extent()
        if box.width <= figure.bbox.width:
            break
        if rows < len(texts):
            drawn.remove()
    figure.set_figheight(figure.get_figheight() + box.height / figure.dpi)
