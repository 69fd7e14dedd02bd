from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import invented
import pandas as pd
from invented import condition
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from harness.report.arrays import Arrays
from harness.report.figures.looks import looks
from harness.report.figures.style import styled
from harness.report.paper.kind import FigureKind
from harness.report.paper.panels import panels_kind, severity_title, shares
from harness.report.results import Results


def numbers_of(panel: str, made: Results, labels: Mapping[str, str]) -> pd.DataFrame:
    return panels_kind((panel,)).numbers(made, labels, 0.9, Arrays(made.arrays, Path()))


def drawn_by(kind: FigureKind, made: Results, labels: dict[str, str]) -> Figure:
    arrays = Arrays(made.arrays, Path())
    with styled():
        return kind.draw(kind.numbers(made, labels, 0.9, arrays), looks(made.conditions), labels, arrays)


def test_each_condition_is_the_first_suites_that_has_it() -> None:
    seven = invented.results((condition("none"), condition("pixel", "pixel")), seeds=7)
    five = invented.results(
        (condition("none"), condition("pixel", "pixel"), condition("neural", "threshold", alpha=1)), seeds=5
    )
    labels = {"none": "unregularized", "pixel": "S", "neural": "neural", "absent": "?"}
    both = shares({"seven": seven, "five": five}, labels)
    assert [(found, list(own)) for found, own in both] == [(seven, ["none", "pixel"]), (five, ["neural"])]
    assert [list(own) for _, own in shares({"five": five}, labels)] == [["none", "pixel", "neural"]]
    counts = {name: set(numbers_of("gaussian", found, own)["n"]) for found, own in both for name in own}
    assert counts == {"none": {7}, "pixel": {7}, "neural": {5}}


def test_corruptions_are_titled_with_the_severity_that_they_are_shown_at() -> None:
    given = invented.results()
    labels = dict.fromkeys(given.order, "")
    fewer = replace(given, corruptions=given.corruptions[given.corruptions["severity"].isin([1, 5])])
    assert severity_title(numbers_of("corruptions", given, labels)) == "Severity 4"
    assert severity_title(numbers_of("corruptions", fewer, labels)) == "Severity 5"


def test_a_measured_panel_without_any_number_says_why() -> None:
    made = invented.results()
    silent = replace(made, boundary=made.boundary.assign(score=float("nan")))
    labels = dict.fromkeys(made.order, "")
    kind = panels_kind(("gaussian", "boundary"))
    figure = drawn_by(kind, silent, labels)
    assert [text.get_text() for text in figure.axes[1].texts] == ["no number:\nno image had a start\n(8 models)"]


def test_a_condition_whose_score_is_not_there_yet_keeps_its_place_among_the_bars() -> None:
    made = invented.results()
    labels = dict.fromkeys(made.order, "")
    kind = panels_kind(("gaussian", "boundary"))
    some = replace(made, boundary=made.boundary[made.boundary["condition"] != "pixel"])
    panel = drawn_by(kind, some, labels).axes[1]
    assert [bar.get_x() + bar.get_width() / 2 for bar in panel.patches] == [0, 2, 3]
    assert [text.get_text() for text in panel.texts] == ["no result"]


def test_a_legend_shows_bars_and_curves_as_they_are_drawn() -> None:
    made = invented.results()
    labels = dict.fromkeys(made.order, "")
    for panels, drawn in (
        (("gaussian", "boundary"), {Patch, Line2D}),
        (("gaussian",), {Line2D}),
        (("boundary",), {Patch}),
    ):
        kind = panels_kind(panels)
        figure = drawn_by(kind, made, labels)
        [legend] = figure.legends
        assert {kind for kind in (Patch, Line2D) if set(legend.findobj(kind)) - {legend.legendPatch}} == drawn


def test_corruptions_are_grouped_by_frequency() -> None:
    made = invented.results()
    labels = dict.fromkeys(made.order, "")
    kind = panels_kind(("corruptions",))
    figure = drawn_by(kind, made, labels)
    [panel] = figure.axes
    said = [text.get_text() for text in panel.texts]
    assert panel.get_title() == "Severity 4, by frequency"
    assert said == ["low", "medium", "high"]
    figure.draw_without_rendering()
    words = [text.get_window_extent() for text in panel.texts]
    edges = [line.get_window_extent().x0 for line in panel.lines] + [panel.get_window_extent().x1]
    for word, left, right in zip(words, edges[-4:-1], edges[-3:], strict=True):
        assert left < word.x0 < word.x1 < right
    assert [label.get_text() for label in panel.get_xticklabels()][:5] == invented.CORRUPTIONS["low"]
