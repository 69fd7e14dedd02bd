from __future__ import annotations

import pandas as pd
import pytest
from invented import FOUR, results

from harness.report.figures.curves import attack_curves, training_curves
from harness.report.figures.looks import looks
from harness.report.figures.numbers import epoch_means
from harness.report.figures.style import styled


def test_bands_are_the_sem_in_percent_and_absent_for_one_seed() -> None:
    data = pd.DataFrame(
        {
            "evaluation": "gaussian",
            "kind": "gaussian",
            "condition": ["none", "none", "pixel", "pixel"],
            "epsilon": [0.0, 0.1, 0.0, 0.1],
            "mean": [0.8, 0.4, 0.7, 0.5],
            "sem": [0.01, 0.02, float("nan"), float("nan")],
            "n": [2, 2, 1, 1],
        }
    )
    with styled():
        figure = attack_curves(data, looks(pd.DataFrame(FOUR[:2])))
    [panel] = figure.axes
    band, none = panel.collections
    assert band.get_datalim(panel.transData).extents == pytest.approx([0.0, 38.0, 0.1, 81.0])
    assert not none.get_paths() or not len(none.get_paths()[0].vertices)
    assert [list(line.get_ydata()) for line in panel.lines] == [[80, 40], [70, 50]]
    assert panel.get_ylabel() == "Accuracy (%)"


def test_sizes_are_pixels_for_the_papers_attacks_alone() -> None:
    """Those of an attack of one's own may be angles or severities."""
    kinds = {"uniform": "uniform", "by-its-like": "fgsm_transfer", "rotation": "own_attack"}
    data = pd.DataFrame({"evaluation": [*kinds], "kind": [*kinds.values()], "condition": "none", "epsilon": 0.0})
    with styled():
        figure = attack_curves(data.assign(mean=0.8, sem=0.0, n=2), looks(pd.DataFrame(FOUR[:1])))
    labels = [panel.get_xlabel() for panel in figure.axes]
    assert labels == ["ε (pixel range 0 to 1)", "ε (pixel range 0 to 1)", "Size ε of the attack"]


def test_the_first_epoch_is_1() -> None:
    made = results(epochs=3)
    data = epoch_means(made)
    assert set(data["epoch"]) == {0, 1, 2}  # as the database has it
    with styled():
        figure = training_curves(data, looks(made.conditions))
    assert all(
        set(line.get_xdata()) == {1, 2, 3} for panel in figure.axes for line in panel.lines if len(line.get_xdata())
    )
