"""Bars over seeds with the SEM: the Boundary score, median distances, and each corruption at one severity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.report.cells import INFINITE, UNITS
from harness.report.figures.facets import facets, rows_of_facets
from harness.report.figures.grid import spaced
from harness.report.figures.legends import legend, put_below
from harness.report.figures.looks import Look, bar_style
from harness.report.figures.style import (
    LABEL_SIZE,
    POINT_SIZE,
    WIDTH,
    counted,
    folded,
    plain,
    present_in,
    seeds,
    sheet,
    title,
)
from harness.report.rows import by_key
from harness.report.vocabulary import BOUNDARY_SCORE, FREQUENCIES, NORMS, attack_title

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME_WIDTH = 1.8
"""Inches that a condition's name beside its bar may take."""

SCORE_FACTOR = UNITS["score"].factor
SCORE_LABEL = f"{BOUNDARY_SCORE} ({UNITS['score'].title})"
NO_NUMBER, NO_START = "no number", "no image had a start"
"""What the Boundary attack has where a number would stand, and why."""
NO_RESULT = "no result"
"""What stands in the place of what was not measured: it may yet be, or its training diverged."""
INK = "#222222"
"""Of error bars, and of what stands beside bars."""
HARDLY = 0.02
"""Share of the longest bar below which a bar is hardly seen."""
ABOVE: dict[str, Any] = {"xytext": (0, 2), "ha": "center", "va": "bottom"}
BESIDE: dict[str, Any] = {"xytext": (3, 0), "ha": "left", "va": "center"}
"""Where a value stands from where its bar begins."""
START: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": (0, (2, 1))}
"""The line of where the Boundary attack starts."""


def boundary_bars(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """The Boundary attack's score of each condition, and where its starts were.

    data: steps, condition, measure ("score", "start_score"), mean, sem, n, without; squared distance per pixel value.
    """
    budgets = sorted(data["steps"].unique())
    figure, panels = _named_rows(looks, data[data["measure"] == "score"], len(budgets))
    label = folded(SCORE_LABEL, LABEL_SIZE, 72 * (WIDTH - NAME_WIDTH) / len(budgets))
    for panel, steps in zip(panels, budgets, strict=True):
        rows = by_key(data[data["steps"] == steps], ["measure", "condition"])
        for place, (name, look) in enumerate(looks.items()):
            _score_bar(panel, place, rows, name, look)
        panel.set(title=f"Boundary attack, {steps} steps", xlabel=label, xlim=(0, None))
        _mark_small(panel, upright=False)
    _explain(figure, data)
    return figure


def distance_bars(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """The median distance that each attack for the smallest perturbation found, of each condition.

    data: evaluation, norm, condition, mean, sem, n, without; distances in that norm.
    """
    attacks = list(dict.fromkeys(zip(data["evaluation"], data["norm"], strict=True)))
    figure, panels = _named_rows(looks, data, len(attacks))
    room = 72 * (WIDTH - NAME_WIDTH) / len(attacks)
    for panel, (evaluation, norm) in zip(panels, attacks, strict=True):
        rows = by_key(data[data["evaluation"] == evaluation], ["condition"])
        for place, (name, look) in enumerate(looks.items()):
            _bar(panel, place, rows.get(name), look, INFINITE)
        label = folded(f"Median {NORMS[norm]} distance", LABEL_SIZE, room)
        panel.set(title=title(attack_title(evaluation), room), xlabel=label, xlim=(0, None))
        _mark_small(panel, upright=False)
    if data["without"].any():
        put_below(figure, [_nothing()], [f"{INFINITE}: nothing found for half of the images"], handlelength=0)
    return figure


def corruption_bars(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Accuracy on each corruption, grouped by the frequency that it changes.

    data: frequency, corruption, severity (one), condition, mean, sem, n.
    """
    groups = [name for name in FREQUENCIES if name in set(data["frequency"])]
    sizes = [max(4, data.loc[data["frequency"] == name, "corruption"].nunique()) for name in groups]

    def draw(panel: Axes, group: str, looks: Mapping[str, Look]) -> None:
        rows = data[data["frequency"] == group]
        grouped_bars(panel, rows, present_in(rows, looks), looks)
        panel.set(title=f"{group.capitalize()} frequency", ylabel="Accuracy (%)" if group == groups[0] else "")
        for label in panel.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")

    parts = facets(data, looks)
    if len(parts) > 1:
        return rows_of_facets(data, parts, groups, draw, bars=True)
    figure, panels = sheet(1, len(groups), 2.2, sharey=True, width_ratios=sizes)
    for panel, group in zip(panels, groups, strict=True):
        draw(panel, group, looks)
    legend(figure, data, looks, bars=True, curves=False)
    return figure


def _score_bar(panel: Axes, place: int, rows: dict[Any, Any], name: str, look: Look) -> None:
    _bar(panel, place, rows.get(("score", name)), look, NO_NUMBER, SCORE_FACTOR)
    if ("start_score", name) in rows:
        start = SCORE_FACTOR * rows["start_score", name].mean
        panel.plot([start, start], [place - 0.42, place + 0.42], **START)


def _bar(panel: Axes, place: int, found: Any | None, look: Look, without: str, factor: float = 1.0) -> None:
    """A bar, and beside it how many seeds are not in it: `without` says what they have instead of a number."""
    how: dict[str, Any] = {"textcoords": "offset points", "va": "center", "color": INK}
    if found is None:
        panel.annotate(NO_RESULT, (0.0, place), (4, 0), **how)
        return
    end, sem = factor * found.mean, _error(factor * found.sem)
    if found.n:
        panel.barh(place, end, height=0.62, **bar_style(look))
        panel.errorbar(end, place, xerr=sem, color=INK, capsize=2.5, linewidth=1)
    if found.without:
        told = f"{'+ ' if found.n else ''}{without} ({counted(found.without, 'seed')})"
        at = end + (sem or 0.0) if found.n else 0.0
        panel.annotate(told, (at, place), (12 if found.n else 4, 0), **how)


def _named_rows(conditions: Iterable[str], data: pd.DataFrame, columns: int) -> tuple[Figure, list[Axes]]:
    """Panels with a row for each condition, from top to bottom, which says how many seeds it has in the data."""
    counts = {name: seeds(data[data["condition"] == name]) for name in conditions}
    names = [folded(f"{spaced(name)} ({count})", LABEL_SIZE, 72 * NAME_WIDTH) for name, count in counts.items()]
    row = max(0.27, 0.14 * max(name.count("\n") + 1 for name in names))
    figure, panels = sheet(1, columns, 0.8 + row * len(names), sharey=True)
    for panel in panels:
        panel.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6))
        panel.grid(visible=False, axis="y")
    return figure, panels


def _explain(figure: Figure, data: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D

    told: dict[str, Artist] = {}
    if data.loc[data["measure"] == "start_score", "n"].any():
        told["score of the attack's start"] = Line2D([], [], **START)
    if data["without"].any():
        told[f"{NO_NUMBER}: {NO_START}"] = _nothing()
    if told:
        put_below(figure, list(told.values()), list(told))


def _nothing() -> Artist:
    """Of a line of the legend that has words only."""
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none")


def grouped_bars(
    panel: Axes, rows: pd.DataFrame, present: Sequence[str], looks: Mapping[str, Look], group: str = "corruption"
) -> None:
    """A group of bars, one per condition, for each value of the column `group`; accuracies in percent."""
    groups = list(dict.fromkeys(rows[group]))
    width = 0.84 / len(present)
    for index, name in enumerate(present):
        own = rows[rows["condition"] == name].set_index(group).reindex(groups)
        places = np.arange(len(groups)) + (index - (len(present) - 1) / 2) * width
        panel.bar(places, 100 * own["mean"], width, linewidth=0.5, **bar_style(looks[name]))
        panel.errorbar(places, 100 * own["mean"], 100 * own["sem"], fmt="none", ecolor=INK, elinewidth=0.8, capsize=1.2)
    panel.set_xticks(range(len(groups)), [plain(str(name).replace("_", " ")) for name in groups])
    panel.grid(visible=False, axis="x")
    panel.set_xlim(-0.55, len(groups) - 0.45)
    _mark_small(panel)


def score_bars(panel: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """An upright bar per condition of the Boundary attack's score, in 10^-3; each look has its place.

    rows: condition, mean, sem, n, without.
    """
    scores = by_key(rows, ["condition"])
    for place, (name, look) in enumerate(looks.items()):
        own = scores.get(name)
        if own and own.n:
            top, sem = SCORE_FACTOR * own.mean, _error(SCORE_FACTOR * own.sem)
            panel.bar(place, top, 0.7, **bar_style(look))
            panel.errorbar(place, top, yerr=sem, color=INK, capsize=2.5, linewidth=1)
        else:
            told = NO_NUMBER if own else NO_RESULT
            panel.annotate(told, (place, 0), (0, 4), textcoords="offset points", rotation=90, ha="center", va="bottom")
    silent, whole = int(rows["without"].sum()), int(rows["n"].sum() + rows["without"].sum())
    panel.set(xticks=[], xlim=(-0.7, len(looks) - 0.3))
    if silent:
        panel.set_xlabel(f"{NO_START}:\n{silent} of {counted(whole, 'model')}")
    panel.grid(visible=False, axis="x")
    _mark_small(panel)


def _mark_small(panel: Axes, *, upright: bool = True) -> None:
    """Write the value of each bar that would look like a missing one: of 0, or hardly to be seen."""
    from matplotlib.patches import Rectangle

    bars = [bar for bar in panel.patches if isinstance(bar, Rectangle)]
    lengths = [bar.get_height() if upright else bar.get_width() for bar in bars]
    for bar, length in zip(bars, lengths, strict=True):
        if length <= HARDLY * np.nanmax(lengths):
            x, y, width, height = bar.get_bbox().bounds
            at, how = ((x + width / 2, 0.0), ABOVE) if upright else ((0.0, y + height / 2), BESIDE)
            panel.annotate(f"{length:.1g}", at, textcoords="offset points", fontsize=POINT_SIZE, **how)


def _error(sem: float) -> float | None:
    return None if pd.isna(sem) else sem
