from __future__ import annotations

from invented import condition, results

from harness.report.figures.gammas import gamma_curves
from harness.report.figures.looks import looks
from harness.report.figures.numbers import gamma_epoch_means
from harness.report.figures.style import styled


def test_every_column_of_panels_ends_with_its_epochs() -> None:
    four = (f"threshold[pairs_per_batch={k}]" for k in (4, 8, 16, 32))
    given = results((condition("none"), *(condition(name, "threshold") for name in four)), epochs=3)
    with styled():
        figure = gamma_curves(gamma_epoch_means(given), looks(given.conditions))
        figure.draw_without_rendering()
    told = [
        (panel.get_xlabel(), any(label.get_text() and label.get_visible() for label in panel.get_xticklabels()))
        for panel in figure.axes
    ]
    assert told == [("", False), ("Epoch", True), ("Epoch", True), ("Epoch", True)]
