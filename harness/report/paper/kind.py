"""What is common to all kinds of figures in the paper: how one gets its numbers, is drawn, and speaks of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from harness.report.arrays import Arrays
from harness.report.figures.looks import Look
from harness.report.results import Results
from harness.spec import ANALYSIS_SPECS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Labels = Mapping[str, str]
"""What the legend calls each condition."""
Found = Mapping[str, Results]
"""The results of those of a figure's suites that have any."""
OVER_SEEDS = "Mean over n seeds; bands and error bars: SEM."


def whole(found: Found, labels: Labels) -> list[tuple[Results, Labels]]:
    """All conditions of all results."""
    return [(results, labels) for results in found.values()]


class FigureKind(NamedTuple):
    """One kind of figure."""

    numbers: Callable[[Results, Labels, float, Arrays], pd.DataFrame]
    """What one suite's results give of its tidy frame, empty where nothing is there yet; A0 is the acceptable R0/U0."""
    draw: Callable[[pd.DataFrame, Mapping[str, Look], Labels, Arrays], Figure]
    told: str
    """What its caption says beside its title; {least} is A0."""
    shows: tuple[str, ...]
    """What it takes from results, in the words of `Results.missing`: trainings and evaluations, or an analysis."""
    corrupted: bool = False
    """It shows something of corrupted images."""
    shares: Callable[[Found, Labels], Sequence[tuple[Results, Labels]]] = whole
    """Which conditions it takes from which results."""

    @property
    def of_data(self) -> bool:
        """It shows an analysis of data alone, and nothing of a model."""
        return {*self.shows} <= ANALYSIS_SPECS.keys()
