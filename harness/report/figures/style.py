"""How figures look: one size, one font, one way to draw a line and to write text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from harness.report.figures.looks import Look, line_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, TALLEST = 5.5, 9.0
"""Inches: the text of a conference's or a thesis's page, so that nothing is scaled down in print."""
HEADING = 0.5
"""Inches that are left for what stands above a figure: four lines."""

DOTS_PER_INCH = 200

MOST_MARKERS = 12
"""Curves with more points get a marker at every tenth of their length."""

LABEL_SIZE = 7
"""Of all text but titles, in typographic points."""

TITLE_SIZE, TITLE_WEIGHT = 7.5, "bold"
"""Of what stands above panels."""
POINT_SIZE = 6
"""Of what is said of single points and bars."""
EDGE = 0.01
"""Of the figure's width, to the left and the right of its heading."""
GRAY = "#555555"
"""Of what is said beside the numbers."""

RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so pictures are the same everywhere
    "font.size": LABEL_SIZE,
    "axes.titlesize": TITLE_SIZE,
    "axes.titleweight": TITLE_WEIGHT,
    "axes.labelsize": LABEL_SIZE,
    "legend.fontsize": LABEL_SIZE,
    "xtick.labelsize": LABEL_SIZE,
    "ytick.labelsize": LABEL_SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.2,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text: journals ask for it
    "svg.hashsalt": "harness",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.04,
    "figure.dpi": DOTS_PER_INCH,
    "text.hinting": "none",  # text is as wide in one format as in another, so that one layout fits all
}


def plain(text: str) -> str:
    """Text that matplotlib draws as it is: neither mathematics nor a label to be left out of the legend."""
    escaped = text.replace("\\", "∖").replace("$", r"\$")
    return "\u200b" + escaped if escaped.startswith("_") else escaped


def folded(text: str, size: float, room: float, weight: str = "normal") -> str:
    """The text as it is drawn, in lines of at most `room` points; a word is broken only where it alone is wider."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight=weight)
    lines = [text]
    for letters in range(len(text), 0, -1):
        if all(text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] <= room for line in lines):
            break
        lines = wrap(text, letters)
    return "\n".join(map(plain, lines))


def title(text: str, room: float) -> str:
    """A panel's title in lines of at most `room` points."""
    return folded(text, TITLE_SIZE, room, TITLE_WEIGHT)


@contextmanager
def styled() -> Iterator[None]:
    """Within it figures have the report's look, whatever the user's matplotlibrc says."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast(Any, RC))
        yield


def headed_pictures(figure: Figure, heading: str, kinds: tuple[str, ...]) -> dict[str, bytes]:
    """The figure in each file format (png, pdf, svg), the whole heading above it; the same bytes each time."""
    put_above(figure, heading)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # it is settled: formats need not find it again
    return {kind: _picture(figure, kind) for kind in kinds}


def put_above(figure: Figure, heading: str) -> None:
    """The heading in as many lines as it takes; the figure grows by their height."""
    room = 72 * figure.get_figwidth() * (1 - 2 * EDGE)
    text = figure.suptitle(folded(heading, LABEL_SIZE, room), x=EDGE, ha="left", fontsize=LABEL_SIZE, color=GRAY)
    figure.set_figheight(figure.get_figheight() + text.get_window_extent().height / figure.dpi)


def _picture(figure: Figure, kind: str) -> bytes:
    undated = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[kind]
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=DOTS_PER_INCH, metadata=undated)
    return buffer.getvalue()


def sheet(rows: int, columns: int, height: float, **subplots: Any) -> tuple[Figure, list[Axes]]:
    """A figure of panels in reading order; height is one row's, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, rows * height))
    FigureCanvasAgg(figure)  # keeps the picture that text is measured on; without it, each text has a new one
    axes = figure.subplots(rows, columns, squeeze=False, **subplots)
    return figure, list(axes.flat)


def room_of(panel: Axes) -> float:
    """Points of the page's width that a panel has with its axis, among as many beside it as its figure has columns."""
    spec = panel.get_subplotspec()
    return 72 * WIDTH / (spec.get_gridspec().ncols if spec else 1)


def columns_for(count: int, most: int = 3) -> int:
    """How many of so many panels are in a row: up to `most`, and of four two."""
    return 2 if count == 4 else min(count, most)


def panels_for(count: int, height: float = 1.9, most: int = 3) -> tuple[Figure, list[Axes]]:
    """A figure with that many panels, in as many columns as `columns_for` says."""
    columns = columns_for(count, most)
    figure, axes = sheet(ceil(count / columns), columns, height)
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def without_axes(axis: Axes) -> None:
    """For an image, whose pixels need no numbers."""
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.grid(visible=False)


def passed(data: pd.DataFrame) -> pd.DataFrame:
    """Epochs as readers count them: the first one's number is what was measured after it, at 1."""
    return data.assign(epoch=data["epoch"] + 1)


def line(axes: Axes, data: pd.DataFrame, x: str, look: Look, factor: float = 1.0) -> None:
    """Mean over seeds with the SEM as a band; no band where one seed has no SEM."""
    data = data.sort_values(x)
    mean, sem = factor * data["mean"], factor * data["sem"]
    crowded = len(data) > MOST_MARKERS
    axes.plot(data[x], mean, markevery=0.1 if crowded else None, **line_style(look))
    axes.fill_between(data[x], mean - sem, mean + sem, color=look.color, alpha=0.18, linewidth=0)


def present_in(data: pd.DataFrame, looks: Mapping[str, Look]) -> list[str]:
    """The conditions that the data has, in the order of their looks."""
    there = set(data["condition"])
    return [condition for condition in looks if condition in there]


def seeds(data: pd.DataFrame) -> str:
    """How many seeds are behind the means, like "n = 7" or "n = 6–7", never to be broken over lines."""
    fewest, most = (int(data["n"].min()), int(data["n"].max())) if len(data) else (0, 0)
    return f"n = {most if fewest == most else f'{fewest}–{most}'}".replace(" ", "\u00a0")


def counted(count: int, what: str) -> str:
    """Like "1 seed" or "2 seeds"."""
    return f"{count} {what}{'' if count == 1 else 's'}"
