"""The panels that most of the paper's figures consist of: curves with a band, bars with error bars.

A figure's numbers are one long frame: panel, condition, x, mean, sem, n. `x` is the size of the perturbation, the
severity, or the name of what a bar is of; bars of corruptions at one severity have it as a column, and the
frequency that they change, and the Boundary attack's how many seeds are `without` a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from harness.report.arrays import Arrays
from harness.report.figures import numbers
from harness.report.figures.bars import NO_NUMBER, NO_RESULT, NO_START, grouped_bars, score_bars
from harness.report.figures.curves import lines
from harness.report.figures.legends import legend
from harness.report.figures.looks import Look
from harness.report.figures.style import GRAY, counted, present_in, sheet
from harness.report.paper.kind import OVER_SEEDS, FigureKind, Found, Labels
from harness.report.results import Results
from harness.report.rows import in_order_of
from harness.report.vocabulary import BOUNDARY_SCORE, FREQUENCIES, SEVERITY, SIZED, attack_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 1.8  # inches


class Panel(NamedTuple):
    """One kind of panel."""

    numbers: Callable[[Results], pd.DataFrame]
    """condition, mean, sem, n, and a column of what stands across."""
    x: str
    """The name of that column."""
    draw: Callable[[Axes, pd.DataFrame, Mapping[str, Look]], None]
    title: str
    width: float = 1.0
    """Relative to a curve's."""
    bars: bool = False
    """It consists of bars."""
    below: float = 0.0
    """Inches that words below it take."""
    corrupted: bool = False
    """It shows something of corrupted images."""


def panels_kind(panels: tuple[str, ...]) -> FigureKind:
    """The kind of figure that has these panels beside each other."""
    return FigureKind(
        numbers=partial(_numbers, panels),
        draw=partial(_draw, panels),
        told=OVER_SEEDS,
        shows=("training", *dict.fromkeys("corruption" if PANELS[name].corrupted else name for name in panels)),
        corrupted=any(PANELS[name].corrupted for name in panels),
        shares=shares,
    )


def shares(found: Found, labels: Labels) -> list[tuple[Results, Labels]]:
    """Each condition with the first results that have it."""
    left = dict(labels)
    return [(results, {name: left.pop(name) for name in results.order if name in left}) for results in found.values()]


def _numbers(panels: tuple[str, ...], results: Results, labels: Labels, least: float, arrays: Arrays) -> pd.DataFrame:
    """Conditions without any number are not in it."""
    kinds = {name: PANELS[name] for name in panels}
    parts = [kind.numbers(results).rename(columns={kind.x: "x"}).assign(panel=name) for name, kind in kinds.items()]
    found = pd.concat(parts, ignore_index=True)
    whole = {name: "Int64" for name in ("severity", "without") if name in found}
    columns = ["panel", "condition", "x", "mean", "sem", "n", *whole, *(["frequency"] if "frequency" in found else [])]
    return found.loc[found["condition"].isin(list(labels)), columns].astype(whole)


def _draw(
    panels: tuple[str, ...], data: pd.DataFrame, looks: Mapping[str, Look], labels: Labels, arrays: Arrays
) -> Figure:
    """The panels beside each other; one that has no numbers yet says so."""
    height = HEIGHT + max(PANELS[name].below for name in panels)
    shown = {name: looks[name] for name in present_in(data, looks)}
    figure, axes = sheet(1, len(panels), height, width_ratios=[PANELS[name].width for name in panels])
    for axis, name in zip(axes, panels, strict=True):
        rows = data[data["panel"] == name].infer_objects()  # each panel's x is of one type
        axis.set_title(PANELS[name].title)
        if len(rows):
            PANELS[name].draw(axis, rows, shown)
        else:
            say(axis)
    bars = [PANELS[name].bars for name in panels]
    legend(figure, data, looks, labels=labels, bars=any(bars), curves=not all(bars))
    return figure


def say(axis: Axes, why: str = NO_RESULT) -> None:
    """In the place of numbers that are not there."""
    axis.text(0.5, 0.5, why, ha="center", va="center", color=GRAY, transform=axis.transAxes)
    axis.set(xticks=[], yticks=[])


def _curve_numbers(evaluation: str, results: Results) -> pd.DataFrame:
    means = numbers.curve_means(results)
    own: pd.DataFrame = means[means["evaluation"] == evaluation]
    return own


def _boundary_numbers(results: Results) -> pd.DataFrame:
    """Of the attack with the most steps."""
    means = numbers.boundary_means(results)
    scores: pd.DataFrame = means[(means["steps"] == means["steps"].max()) & (means["measure"] == "score")]
    return scores


def _draw_curve(axis: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    lines(axis, rows, "x", looks, 100.0)
    axis.set(xlabel="ε (pixel range 0 to 1)", ylabel="Accuracy (%)")
    axis.locator_params(axis="x", nbins=4)


def _draw_severity(axis: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    lines(axis, rows, "x", looks, 100.0)
    axis.set(xlabel="Severity", ylabel="Mean accuracy (%)", xticks=sorted(rows["x"].unique()))


def _draw_corruptions(axis: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    rows = in_order_of(rows, "frequency", FREQUENCIES)
    grouped_bars(axis, rows, present_in(rows, looks), looks, group="x")
    axis.set(title=f"{severity_title(rows)}, by frequency", ylabel="Accuracy (%)", ylim=(0, 1.12 * axis.get_ylim()[1]))
    groups = rows.drop_duplicates("x")["frequency"].tolist()
    for name in dict.fromkeys(groups):
        first, count = groups.index(name), groups.count(name)
        how: dict[str, Any] = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "top", "color": GRAY}
        axis.text(first + (count - 1) / 2, 1.0, name, **how)
        axis.axvline(first - 0.55, color=GRAY, linewidth=0.6)
    for label in axis.get_xticklabels():
        label.set(rotation=40, ha="right", rotation_mode="anchor")


def _draw_boundary(axis: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    if not rows["n"].any():
        say(axis, f"{NO_NUMBER}:\n{NO_START}\n({counted(int(rows['without'].sum()), 'model')})")
        return
    score_bars(axis, rows, looks)
    axis.set_ylabel(f"{BOUNDARY_SCORE} ($10^{{-3}}$)")


def severity_title(rows: pd.DataFrame) -> str:
    """At which severity corruptions are shown: not at the paper's where a profile has others."""
    return f"Severity {' and '.join(f'{severity:g}' for severity in sorted(rows['severity'].unique()))}"


PANELS: Mapping[str, Panel] = {
    **{name: Panel(partial(_curve_numbers, name), "epsilon", _draw_curve, attack_title(name)) for name in SIZED},
    "boundary": Panel(_boundary_numbers, "measure", _draw_boundary, attack_title("boundary"), 0.9, bars=True),
    "severity": Panel(numbers.severity_means, "severity", _draw_severity, "All corruptions", 0.8, corrupted=True),
    "corruptions": Panel(
        numbers.single_corruption_means,
        "corruption",
        _draw_corruptions,
        f"Severity {SEVERITY}",
        2.4,
        bars=True,
        below=0.5,
        corrupted=True,
    ),
}
"""By the evaluation's name, or by what of the corruptions is shown."""
