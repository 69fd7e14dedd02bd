from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from invented import condition, results

from harness.report.missing import DATA
from harness.report.paper.captions import caption
from harness.report.paper.contents import FIGURES, PaperFigure
from harness.report.paper.shown import figure_kind, in_words, pictures, shown
from harness.report.results import Results
from harness.store import arrays


def noted(figure: PaperFigure, given: Results) -> tuple[str, ...]:
    return shown(figure, {given.suite: given}, "small", 0.9, Path("arrays")).notes


def test_generated_corruptions_are_told_of_where_they_are_shown() -> None:
    shown = {figure.number for figure in FIGURES if figure_kind(figure).corrupted}
    assert shown == {6, 7, 24, 25}


def test_a_figure_lacks_only_what_it_shows() -> None:
    lacking = [
        ("pixel", "corruption", "corruption", 0, "blocked", "no images"),
        ("pixel", "gaussian", "gaussian", 1, "waiting", "not run yet"),
        (DATA, "noise_examples", "noise_examples", 0, "failed", "no room"),
    ]
    given = replace(results(), missing=pd.DataFrame(lacking, columns=list(results().missing)))
    notes = {
        figure.number: [
            note
            for note in shown(figure, {given.suite: given}, "small", 0.9, Path("arrays")).notes
            if "Missing" in note
        ]
        for figure in FIGURES
        if given.suite in figure.suites
    }
    gaussian = "Missing of grayscale-cifar10: S_pixel (1 result, waiting: not run yet)."
    assert notes == {
        **{number: [gaussian] for number in (2, 3, 12, 13)},
        6: ["Missing of grayscale-cifar10: S_pixel (1 result, blocked: no images)."],
        11: ["Missing of grayscale-cifar10: (data) (1 result, failed: no room)."],
    }


def test_a_figure_of_a_whole_suite_lacks_what_any_of_its_conditions_lacks() -> None:
    lacking = [
        ("pixel", "boundary", "boundary", 0, "waiting", "not run yet"),
        ("none", "corruption", "corruption", 0, "waiting", "why"),
    ]
    given = replace(results(), suite="hyperparameters", missing=pd.DataFrame(lacking, columns=list(results().missing)))
    [regions] = [figure for figure in FIGURES if figure.suites == ("hyperparameters",)]
    assert noted(regions, given) == ("Missing of hyperparameters: pixel (1 result, waiting: not run yet).",)


def test_what_diverged_is_said_to_have_diverged() -> None:
    lacking = [("pixel", "training", "training", seed, "diverged", "epoch 1, step 3: loss is nan") for seed in (0, 1)]
    given = replace(results(), missing=pd.DataFrame(lacking, columns=list(results().missing)))
    told = "Missing of grayscale-cifar10: S_pixel (2 results, diverged: epoch 1, step 3: loss is nan)."
    assert told in noted(FIGURES[1], given)


def test_labels_of_a_legend_have_no_command_of_mathematics_in_words() -> None:
    assert not any("\\" in in_words(label) for figure in FIGURES for label in figure.conditions.values())


def test_a_second_spectrum_of_other_settings_is_not_mixed_with_the_papers(tmp_path: Path) -> None:
    rows = []
    for evaluation, power in (("spectrum", np.ones((32, 32))), ("short", np.full((32, 32), 3.0))):
        [file] = arrays.save(tmp_path, evaluation, {"power": power})
        where = {"condition": "none", "seed": 0, "evaluation": evaluation, "kind": "spectrum", "shape": "32 x 32"}
        rows.append(where | {"name": file.name, "file": file.file, "sha256": file.sha256})
    given = results((condition("none"), condition("imagenet", "threshold")), epochs=2)
    specs = pd.DataFrame(
        [
            ("none", "spectrum", {"kind": "spectrum", "steps": 9000}),
            ("none", "short", {"kind": "spectrum", "steps": 5}),
        ],
        columns=list(given.specs),
    )
    shorter = given.spectra.assign(evaluation="short", power=7.0, n=1)
    both = replace(
        given,
        suite="frequency",
        arrays=pd.DataFrame(rows),
        specs=pd.concat([given.specs, specs]),
        spectra=pd.concat([given.spectra, shorter]),
        images=pd.DataFrame({"condition": "none", "evaluation": ["spectrum", "short"], "kind": "spectrum", "n": 1000}),
    )
    [spectra] = [figure for figure in FIGURES if figure.number == 7]
    figure = shown(spectra, {"frequency": both}, "small", 0.9, tmp_path)
    assert set(figure.data.loc[figure.data["panel"] == "power", "mean"]) == {1.0}
    assert set(figure.data.loc[figure.data["panel"] == "radial", "n"]) == {2}
    assert figure.data["mean"].max() < 3
    assert "found in 9000 steps" in caption(figure)
    assert "without a start" not in caption(figure)


def test_a_second_analysis_of_a_kind_is_not_in_the_papers_figure(tmp_path: Path) -> None:
    analyses, files, specs = [], [], []
    for name, correlation in (("similarity", 0.25), ("of_another", 0.75)):
        number = {"kind": "similarity", "metric": "correlation", "point": "", "value": correlation, "n": 64}
        analyses.append(number | {"analysis": name})
        kept = {"pixel": np.eye(4), "neural": np.eye(4), "pairs": np.zeros((6, 2))}
        where = {"condition": None, "seed": None, "evaluation": name, "kind": "similarity", "shape": "4 x 4"}
        for file in arrays.save(tmp_path, name, kept):
            files.append(where | {"name": file.name, "file": file.file, "sha256": file.sha256})
        specs.append(("", name, {"kind": "similarity", "recording": name}))
    given = results(epochs=2)
    both = replace(
        given,
        suite="neural",
        analyses=pd.DataFrame(analyses),
        arrays=pd.DataFrame(files),
        specs=pd.concat([given.specs, pd.DataFrame(specs, columns=list(given.specs))]),
    )
    figure = shown(FIGURES[0], {"neural": both}, "small", 0.9, tmp_path)
    assert set(figure.data["analysis"]) == {"similarity"}
    assert "Settings: recording = similarity." in caption(figure)
    assert "of_another" not in caption(figure)
    assert pictures(figure, ("png",))["png"].startswith(b"\x89PNG")


def test_spectra_are_drawn_from_their_csv(tmp_path: Path) -> None:
    power = np.arange(32.0 * 32).reshape(32, 32).astype(np.float32) + 1
    rows = []
    for seed, spectrum in enumerate((power, 3 * power)):
        [file] = arrays.save(tmp_path, f"job{seed}", {"power": spectrum})
        where = {"condition": "none", "seed": seed, "evaluation": "spectrum", "kind": "spectrum", "shape": "32 x 32"}
        rows.append(where | {"name": file.name, "file": file.file, "sha256": file.sha256})
    given = replace(results(epochs=2), suite="frequency", arrays=pd.DataFrame(rows))
    [spectra] = [figure for figure in FIGURES if figure.number == 7]
    figure = shown(spectra, {"frequency": given}, "small", 0.9, tmp_path)
    found = figure.data[figure.data["panel"] == "power"].set_index(["y", "x"])
    assert len(found) == 32 * 32
    assert found.loc[(-16, -15)][["mean", "sem", "n"]].tolist() == pytest.approx([4, 2, 2])
    assert pictures(replace(figure, arrays=None), ("png",))["png"].startswith(b"\x89PNG")
