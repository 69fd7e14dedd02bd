"""One figure of the paper as far as its results are there: its numbers, what is missing, and its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.report.arrays import Arrays
from harness.report.figures.looks import Look, looks
from harness.report.figures.style import headed_pictures, styled
from harness.report.marks import Marks
from harness.report.notes import missing_note
from harness.report.paper.contents import PaperFigure
from harness.report.paper.kind import FigureKind, Labels
from harness.report.paper.panels import panels_kind
from harness.report.paper.pictures import PICTURES
from harness.report.results import Results, remark_on
from harness.report.rows import in_order_of, stacked
from harness.report.vocabulary import scale
from harness.store.origins import together

_WITHOUT_MATH = str.maketrans("^", "_", "${}")  # of a label: S_Th for $S^{Th}$


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A figure at a profile."""

    figure: PaperFigure
    kind: FigureKind
    profile: str
    shares: Sequence[tuple[Results, Labels]]
    """Which conditions it takes from which results."""
    arrays: Arrays
    data: pd.DataFrame
    """Its numbers; empty if there are none yet."""
    notes: tuple[str, ...]
    """What is missing of it, and why; and its remark, if there is one."""
    remark: str
    """What is to be said of the data behind it that are not the official ones."""
    least_clean_ratio: float
    """A0, from which it calls models acceptable."""

    @property
    def name(self) -> str:
        """Stem of its files, "figure-05", so that they sort."""
        return f"figure-{self.figure.number:02}"

    @property
    def heading(self) -> str:
        """What stands above its picture, also where its notes do not go with it."""
        marked = ""
        if "Stand-ins" in self.remark:
            marked = " on stand-ins for the real data"
        elif self.remark:
            marked = " with other data than the official ones"
        return f"{self.figure.id} ({scale(self.profile)}){marked}: {self.figure.title}"


def shown(
    figure: PaperFigure, results: Mapping[str, Results], profile: str, least_clean_ratio: float, arrays_dir: Path
) -> Shown:
    """The figure with what it shows of the results, which are by suite and all of that profile.

    arrays_dir: where the arrays of results lie.
    """
    kind, labels = figure_kind(figure), figure.conditions
    found = {suite: results[suite] for suite in figure.suites if suite in results}
    if kind.of_data:
        found = {suite: each.of_data() for suite, each in found.items()}
    absent = [suite for suite in figure.suites if suite not in results]
    notes = [f"Not run yet: harness run-suite {suite} --profile {profile}." for suite in absent]
    shares = kind.shares(found, labels)
    for each, own in shares:
        lacking = each.missing[each.missing["evaluation"].isin(kind.shows)]
        lacking = lacking[lacking["condition"].isin([*own])] if labels else lacking
        words = {name: in_words(label) for name, label in own.items()}
        notes += missing_note(lacking, words, f"Missing of {each.suite}")
    remark = remark_on(together([each.origins for each in found.values()]).data, corrupted=kind.corrupted)
    arrays = Arrays(pd.concat([each.arrays for each in found.values()] or [pd.DataFrame()]), arrays_dir)
    numbers = [kind.numbers(each, own, least_clean_ratio, arrays).assign(suite=each.suite) for each, own in shares]
    marks = Marks(report=figure.id, profile=profile, results=found)
    return Shown(
        figure=figure,
        kind=kind,
        profile=profile,
        shares=shares,
        arrays=arrays,
        data=marks.data(stacked(numbers), corrupted=kind.corrupted) if numbers else pd.DataFrame(),
        notes=tuple(dict.fromkeys(filter(None, [*notes, remark]))),
        remark=remark,
        least_clean_ratio=least_clean_ratio,
    )


def pictures(figure: Shown, kinds: tuple[str, ...]) -> dict[str, bytes]:
    """The figure in each file format; its place in the paper and the profile stand above it."""
    with styled():
        drawn = figure.kind.draw(figure.data, _looks(figure), figure.figure.conditions, figure.arrays)
        return headed_pictures(drawn, figure.heading, kinds)


def _looks(figure: Shown) -> dict[str, Look]:
    """The look of each condition in the figure's order, the same as in its suite's figures."""
    known = pd.concat([results.conditions for results, _ in figure.shares]).drop_duplicates("condition")
    own = known[known["condition"].isin(list(figure.figure.conditions))]
    return looks(in_order_of(own, "condition", figure.figure.conditions))


def figure_kind(figure: PaperFigure) -> FigureKind:
    """How the figure is made."""
    return PICTURES[figure.content] if isinstance(figure.content, str) else panels_kind(figure.content)


def in_words(label: str) -> str:
    """A legend's label without mathematics."""
    return label.translate(_WITHOUT_MATH)
