"""Bars over seeds with the SEM: the Boundary score, median distances, and each corruption at one severity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.report.cells import UNITS
from harness.report.figures.legends import legend, put_below
from harness.report.figures.style import RC, Look, face, folded, plain, present_in, seeds, sheet
from harness.report.rows import by_key, records
from harness.report.vocabulary import BOUNDARY_SCORE, FREQUENCIES, NORMS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ONE_ROW = 6
"""More conditions than this get a row for each frequency group."""

NAME_WIDTH = 2.2
"""Inches that a condition's name beside its bar may take."""

SCORE_FACTOR = UNITS["score"].factor
INK = "#222222"
"""Of error bars, and of what stands beside bars."""
START: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": (0, (2, 1))}
"""The line of where the Boundary attack starts."""


def boundary_bars(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """The Boundary attack's score of each condition, and where its starts were.

    data: steps, condition, measure ("score", "start_score"), mean, sem, n; squared distance per pixel value.
    """
    budgets = sorted(data["steps"].unique())
    present = present_in(data, looks)
    figure, panels = _named_rows(present, data, len(budgets))
    for panel, steps in zip(panels, budgets, strict=True):
        rows = by_key(data[data["steps"] == steps], ["measure", "condition"])
        for place, name in enumerate(present):
            _score_bar(panel, place, rows, name, looks[name])
        panel.set(title=f"Boundary attack, {steps} steps", xlabel=f"{BOUNDARY_SCORE} (10⁻³)")
    _explain_start(figure, data)
    return figure


def distance_bars(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """The median distance that each attack for the smallest perturbation found, of each condition.

    data: evaluation, norm, condition, mean, sem, n; distances in that norm.
    """
    attacks = list(dict.fromkeys(zip(data["evaluation"], data["norm"], strict=True)))
    present = present_in(data, looks)
    figure, panels = _named_rows(present, data, len(attacks))
    for panel, (evaluation, norm) in zip(panels, attacks, strict=True):
        rows = by_key(data[data["evaluation"] == evaluation], ["condition"])
        for place, name in enumerate(present):
            if name in rows:
                _bar(panel, place, rows[name].mean, rows[name].sem, looks[name])
        panel.set(title=plain(evaluation), xlabel=f"Median {NORMS[norm]} distance")
    return figure


def corruption_bars(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Accuracy on each corruption, grouped by the frequency that it changes.

    data: frequency, corruption, severity (one), condition, mean, sem, n.
    """
    groups = [name for name in FREQUENCIES if name in set(data["frequency"])]
    sizes = [data.loc[data["frequency"] == name, "corruption"].nunique() for name in groups]
    present = present_in(data, looks)
    if len(present) <= ONE_ROW:
        figure, panels = sheet(1, len(groups), 3.1, sharey=True, width_ratios=sizes)
        turned: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    else:
        figure, panels = sheet(len(groups), 1, 1.9, sharey=True)
        turned = {}
    for panel, group in zip(panels, groups, strict=True):
        rows = data[data["frequency"] == group]
        grouped_bars(panel, rows, present, looks)
        panel.set_title(f"{group.capitalize()} frequency")
        for label in panel.get_xticklabels():
            label.set(**turned)
    for panel in panels if len(present) > ONE_ROW else panels[:1]:
        panel.set_ylabel("Accuracy (%)")
    legend(figure, data, looks, filled=True)
    return figure


def _score_bar(panel: Axes, place: int, rows: dict[Any, Any], name: str, look: Look) -> None:
    for measure in ("score", "start_score"):
        if (measure, name) not in rows:
            continue
        found = rows[measure, name]
        mean, sem = SCORE_FACTOR * found.mean, SCORE_FACTOR * found.sem
        if measure == "score":
            _bar(panel, place, mean, sem, look)
        else:
            panel.plot([mean, mean], [place - 0.42, place + 0.42], **START)


def _bar(panel: Axes, place: int, mean: float, sem: float, look: Look) -> None:
    panel.barh(place, mean, height=0.62, facecolor=face(look), edgecolor=look.color, hatch=look.hatch)
    panel.errorbar(mean, place, xerr=_error(sem), color=INK, capsize=2.5, linewidth=1)


def _named_rows(present: Sequence[str], data: pd.DataFrame, columns: int) -> tuple[Figure, list[Axes]]:
    """Panels with a row for each condition, from top to bottom, which says how many seeds it has in the data."""
    counts = {name: seeds(data[data["condition"] == name]) for name in present}
    names = [folded(f"{name} ({count})", RC["ytick.labelsize"], 72 * NAME_WIDTH) for name, count in counts.items()]
    row = max(0.34, 0.16 * max(name.count("\n") + 1 for name in names))
    figure, panels = sheet(1, columns, 0.9 + row * len(present), sharey=True)
    for panel in panels:
        panel.set(yticks=range(len(present)), yticklabels=names, ylim=(len(present) - 0.4, -0.6))
        panel.grid(visible=False, axis="y")
    return figure, panels


def _explain_start(figure: Figure, data: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D

    if (data["measure"] == "start_score").any():
        dashed = Line2D([], [], **START)
        put_below(figure, [dashed], ["score of the attack's start"], loc="outside lower right")


def grouped_bars(
    panel: Axes, rows: pd.DataFrame, present: Sequence[str], looks: Mapping[str, Look], group: str = "corruption"
) -> None:
    """A group of bars, one per condition, for each value of the column `group`; accuracies in percent."""
    groups = list(dict.fromkeys(rows[group]))
    between = " " if len(present) <= ONE_ROW else "\n"
    width = 0.84 / len(present)
    for index, name in enumerate(present):
        own = rows[rows["condition"] == name].set_index(group).reindex(groups)
        places = np.arange(len(groups)) + (index - (len(present) - 1) / 2) * width
        look = looks[name]
        panel.bar(
            places,
            100 * own["mean"],
            width,
            facecolor=face(look),
            edgecolor=look.color,
            hatch=look.hatch,
            linewidth=0.5,
        )
        panel.errorbar(places, 100 * own["mean"], 100 * own["sem"], fmt="none", ecolor=INK, elinewidth=0.8, capsize=1.2)
    panel.set_xticks(range(len(groups)), [plain(str(name).replace("_", between)) for name in groups])
    panel.grid(visible=False, axis="x")
    panel.set_xlim(-0.55, len(groups) - 0.45)


def score_bars(panel: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """An upright bar per condition of the Boundary attack's score, in 10^-3. rows: condition, mean, sem."""
    present = present_in(rows, looks)
    for place, name in enumerate(present):
        [own] = records(rows[rows["condition"] == name])
        look = looks[name]
        panel.bar(place, SCORE_FACTOR * own.mean, 0.7, facecolor=face(look), edgecolor=look.color, hatch=look.hatch)
        panel.errorbar(
            place,
            SCORE_FACTOR * own.mean,
            yerr=_error(SCORE_FACTOR * own.sem),
            color=INK,
            capsize=2.5,
            linewidth=1,
        )
    panel.set(xticks=[], xlim=(-0.7, len(present) - 0.3))
    panel.grid(visible=False, axis="x")


def _error(sem: float) -> float | None:
    return None if pd.isna(sem) else sem
