"""The acceptable region (paper, section 5.2 and Figure 4): what regularization costs against what it gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.report.figures.labels import Box, placed
from harness.report.figures.legends import put_below
from harness.report.figures.looks import Look
from harness.report.figures.style import GRAY, LABEL_SIZE, POINT_SIZE, folded, panels_for, plain, room_of, seeds, title
from harness.report.rows import records
from harness.report.statistics import CONFIDENCE, LEAST_SEEDS
from harness.report.vocabulary import ELSEWHERE, UNREGULARIZED, attack_title, in_order

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import BboxBase

REGIONS = (
    "What regularization costs without distortion (R0/U0) against what it gains at the given distortion (RD/UD, of the "
    "Boundary attack of its scores): R regularized, U unregularized, means over n seeds. Shaded, and filled: "
    "R0/U0 ≥ {least:g} and RD/UD > 1. "
    f"Lines, of {LEAST_SEEDS} seeds or more: {CONFIDENCE:.0%} intervals of the ratios, cut at the frame."
)
"""What the figure's captions say; {least} is A0."""
SHADE = "#DCEBF7"
FEW = 6
"""More points than this need wider panels for their labels."""
LABEL_WIDTH = 70
"""Points that a label may take beside its point; where one needs more, all are numbers."""
MARK = 4.0
"""Diameter of a point, in typographic points."""


def acceptable_regions(data: pd.DataFrame, families: Mapping[str, Look]) -> Figure:
    """R0/U0 across, RD/UD up, one panel per attack; acceptable points are filled, the region is shaded.

    data: evaluation, epsilon, condition, target, regularization, label, labels (what labels are), clean_ratio,
    distorted_ratio, acceptable, the ends of the ratios' intervals, least_clean_ratio, n.
    families: `family_looks` of all conditions that figures beside it show.
    """
    names = in_order(data["evaluation"])
    figure, panels = panels_for(len(names), 2.2, most=2 if data["condition"].nunique() > FEW else 3)
    across = _limits(data["clean_ratio"], data["least_clean_ratio"].iloc[0])
    data, key = _numbered(data)
    for panel, name in zip(panels, names, strict=True):
        rows = data[data["evaluation"] == name]
        _panel(panel, rows, families, across)
        size = rows["epsilon"].iloc[0]
        panel.set_title(title(attack_title(name), room_of(panel)) + (f"\nε = {size:g}" if pd.notna(size) else ""))
    _legend(figure, data, families, key)
    figure.draw_without_rendering()  # settles the layout, so that labels are placed where points really are
    for panel, name in zip(panels, names, strict=True):
        _label(panel, data[data["evaluation"] == name], families)
    return figure


def _panel(panel: Axes, rows: pd.DataFrame, looks: Mapping[str, Look], across: tuple[float, float]) -> None:
    least = rows["least_clean_ratio"].iloc[0]
    left, right = across
    bottom, top = _limits(rows["distorted_ratio"], 1.0)
    panel.set(xlim=(left, right), ylim=(bottom, top), xlabel="$R_0/U_0$, clean accuracy", ylabel="$R_D/U_D$, distorted")
    panel.locator_params(axis="x", nbins=4)
    panel.locator_params(axis="y", nbins=6)
    panel.fill_between([least, right], 1.0, top, color=SHADE, linewidth=0, zorder=0.5)
    panel.axvline(least, color=GRAY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0.6)
    panel.axhline(1.0, color=GRAY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0.6)
    for row in records(rows):
        color, marker = looks[row.condition].color, looks[row.condition].marker
        if row.n >= LEAST_SEEDS:
            line: dict[str, Any] = {"color": color, "linewidth": 0.6, "alpha": 0.6}
            panel.plot(np.clip([row.clean_low, row.clean_high], left, right), [row.distorted_ratio] * 2, **line)
            panel.plot([row.clean_ratio] * 2, np.clip([row.distorted_low, row.distorted_high], bottom, top), **line)
        panel.plot(
            row.clean_ratio,
            row.distorted_ratio,
            marker=marker,
            markersize=MARK,
            color=color,
            markerfacecolor=color if row.acceptable else "white",
            linestyle="none",
        )


def _limits(values: pd.Series, border: float) -> tuple[float, float]:
    """Around all values and the border, with room for labels."""
    low, high = min(values.min(), border), max(values.max(), border)
    margin = max(0.02, 0.16 * (high - low))
    return low - margin, high + margin


def _label(panel: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """Each point's label where it covers nothing, with a thin line to its point when it is not beside it."""
    figure = panel.get_figure(root=True)
    assert figure is not None
    dots = figure.dpi / 72
    points = [
        tuple(panel.transData.transform(point))
        for point in zip(rows["clean_ratio"], rows["distorted_ratio"], strict=True)
    ]
    style: dict[str, Any] = {"fontsize": POINT_SIZE, "va": "center", "ha": "center", "in_layout": False}
    texts = [panel.text(0, 0, plain(row.label), color=looks[row.condition].color, **style) for row in records(rows)]
    extents = [text.get_window_extent() for text in texts]
    frame = panel.get_window_extent()
    left, bottom = panel.transData.transform((rows["least_clean_ratio"].iloc[0], 1.0))
    inside, outside = _keep_off(frame, left, bottom, dots)
    boxes = placed(
        points,
        [(extent.width + 2 * dots, extent.height + 1 * dots) for extent in extents],
        Box(frame.x0, frame.y0, frame.width, frame.height),
        [inside if accepted else outside for accepted in rows["acceptable"]],
        radius=dots * MARK / 2 + dots,
    )
    to_data = panel.transData.inverted()
    for text, box, point in zip(texts, boxes, points, strict=True):
        middle = (box.left + box.width / 2, box.bottom + box.height / 2)
        text.set_position(tuple(to_data.transform(middle)))
        near = (
            min(max(point[0], box.left), box.left + box.width),
            min(max(point[1], box.bottom), box.bottom + box.height),
        )
        if abs(near[0] - point[0]) + abs(near[1] - point[1]) > dots * MARK * 1.5:
            ends = to_data.transform([near, point])
            panel.plot(ends[:, 0], ends[:, 1], color="#888888", linewidth=0.5, zorder=1.5)


def _keep_off(frame: BboxBase, left: float, bottom: float, dots: float) -> tuple[list[Box], list[Box]]:
    """What the labels of acceptable points stay off, and those of others: what is not theirs, and the borders."""
    borders = [
        Box(left - dots, frame.y0, 2 * dots, frame.height),
        Box(frame.x0, bottom - dots, frame.width, 2 * dots),
    ]
    beside = Box(frame.x0, frame.y0, left - frame.x0, frame.height)
    below = Box(frame.x0, frame.y0, frame.width, bottom - frame.y0)
    return [*borders, beside, below], [*borders, Box(left, bottom, frame.x1 - left, frame.y1 - bottom)]


def _numbered(data: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The points with numbers in place of labels where one is long, and what each number stands for."""
    texts = list(dict.fromkeys(data["label"]))
    if not any("\n" in folded(text, POINT_SIZE, LABEL_WIDTH) for text in texts):
        return data, {}
    key = {str(number): text for number, text in enumerate(texts, start=1)}
    return data.assign(label=data["label"].map({text: number for number, text in key.items()})), key


def _legend(figure: Figure, data: pd.DataFrame, looks: Mapping[str, Look], key: Mapping[str, str]) -> None:
    """A marker for each target and set of images, or condition trained elsewhere, and what all else stands for."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    style: dict[str, Any] = {"markersize": MARK, "linestyle": "none"}
    handles: dict[str, Artist] = {}
    for row in records(data):
        look = looks[row.condition]
        handles.setdefault(plain(_kind(row)), Line2D([], [], color=look.color, marker=look.marker, **style))
    handles["open: not acceptable"] = Line2D([], [], color=GRAY, marker="o", markerfacecolor="white", **style)
    handles[f"acceptable region ({seeds(data)})"] = Patch(color=SHADE)
    if (data["n"] >= LEAST_SEEDS).any():
        handles[f"{CONFIDENCE:.0%} interval"] = Line2D([], [], color=GRAY, linewidth=0.6)
    handles[f"labels: {plain(data['labels'].iloc[0])}"] = Line2D([], [], linestyle="none")
    room = 72 * figure.get_figwidth() - 6 * LABEL_SIZE
    handles |= {
        folded(f"{label}: {text}", LABEL_SIZE, room): Line2D([], [], linestyle="none") for label, text in key.items()
    }
    put_below(figure, list(handles.values()), list(handles), handlelength=2.0)


def _kind(row: Any) -> str:
    """What the conditions of one look share: the target and its images, and what else they are trained with."""
    if row.target == ELSEWHERE:
        return str(row.condition)
    target, *others = row.target.split(" + ")
    images = [] if row.regularization == UNREGULARIZED else [f"on {row.regularization}"]
    return " + ".join((" ".join((target, *images)), *others))
