from __future__ import annotations

from dataclasses import replace

import pandas as pd
from invented import results

from harness.report.missing import DATA
from harness.report.paper.contents import FIGURES
from harness.report.paper.shown import caption, figure_kind, shown


def test_captions_say_what_is_true_of_their_figure() -> None:
    captions = {figure.number: caption(figure) for figure in FIGURES}
    assert "SEM" in captions[2]
    assert "SEM" in captions[24]
    assert not any("SEM" in captions[number] for number in (1, 4, 11, 25))


def test_generated_corruptions_are_told_of_where_they_are_shown() -> None:
    shown = {figure.number for figure in FIGURES if figure_kind(figure).corrupted}
    assert shown == {6, 7, 24, 25}


def test_a_figure_lacks_only_what_it_shows() -> None:
    lacking = [
        ("pixel", "corruption", 0, "blocked", "no images"),
        ("pixel", "gaussian", 1, "waiting", "not run yet"),
        (DATA, "noise_examples", 0, "failed", "no room"),
    ]
    given = replace(results(), missing=pd.DataFrame(lacking, columns=list(results().missing)))
    notes = {
        figure.number: [note for note in shown(figure, {given.suite: given}, "small", 0.9).notes if "Missing" in note]
        for figure in FIGURES
        if given.suite in figure.suites
    }
    gaussian = "Missing of grayscale-cifar10: S_pixel (1 result: not run yet)."
    assert notes == {
        **{number: [gaussian] for number in (2, 3, 12, 13)},
        6: ["Missing of grayscale-cifar10: S_pixel (1 result: no images)."],
        11: ["Missing of grayscale-cifar10: (data) (1 result: no room)."],
    }


def test_a_figure_of_a_whole_suite_lacks_what_any_of_its_conditions_lacks() -> None:
    lacking = [("pixel", "boundary", 0, "waiting", "not run yet"), ("none", "corruption", 0, "waiting", "why")]
    given = replace(results(), suite="hyperparameters", missing=pd.DataFrame(lacking, columns=list(results().missing)))
    [regions] = [figure for figure in FIGURES if figure.suites == ("hyperparameters",)]
    assert shown(regions, {given.suite: given}, "small", 0.9).notes == (
        "Missing of hyperparameters: pixel (1 result: not run yet).",
    )
