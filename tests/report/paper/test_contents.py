"""The paper's figures against the suites that there are."""

from __future__ import annotations

import pytest

from harness.report.paper.contents import FIGURES, PaperFigure
from harness.report.paper.panels import PANELS
from harness.report.paper.pictures import PICTURES
from harness.report.paper.shown import figure_kind
from harness.suites.registry import find_collection, get_suites

every_figure = pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)


def test_all_25_figures_are_there_in_order() -> None:
    assert [figure.number for figure in FIGURES] == list(range(1, 26))


@every_figure
def test_its_suites_belong_to_the_paper_and_say_so(figure: PaperFigure) -> None:
    collection = find_collection("paper")
    assert collection is not None
    assert {*figure.suites} <= {*collection.suites}
    assert all(figure.id in get_suites(suite, "paper")[0].figures for suite in figure.suites)


@every_figure
@pytest.mark.parametrize("profile", ["paper", "small", "smoke"])
def test_its_suite_has_what_it_shows(figure: PaperFigure, profile: str) -> None:
    suites = [get_suites(name, profile)[0] for name in figure.suites]
    for suite in suites:
        shown = [name for name in figure.conditions if name in suite.conditions]
        assert bool(shown) == bool(figure.conditions), "no condition of the figure is in the suite"
        if figure.conditions:
            assert shown[0] == "none"
    if isinstance(figure.content, str):
        assert figure.content in PICTURES
    else:
        measured = {"corruption" if name in {"severity", "corruptions"} else name for name in figure.content}
        assert all(measured <= {*suite.evaluations} for suite in suites)
        assert {*figure.content} <= {*PANELS}


@every_figure
def test_what_its_missing_results_are_told_of_is_in_its_suites(figure: PaperFigure) -> None:
    suites = [get_suites(name, "paper")[0] for name in figure.suites]
    assert {*figure_kind(figure).shows} - {"training"} <= {
        name for suite in suites for name in (*suite.evaluations, *suite.analyses)
    }


@every_figure
def test_at_the_papers_scale_every_condition_of_a_figure_is_run(figure: PaperFigure) -> None:
    conditions = {name for suite in figure.suites for name in get_suites(suite, "paper")[0].conditions}
    reduced = {"threshold[n_images=32]", "threshold[n_images=64]", "threshold[n_images=300]"}  # of other profiles
    assert {*figure.conditions} - reduced <= conditions


def test_every_suite_of_the_paper_has_a_figure_or_table() -> None:
    collection = find_collection("paper")
    assert collection is not None
    assert {suite for figure in FIGURES for suite in figure.suites} == {*collection.suites}
