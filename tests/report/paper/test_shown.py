from __future__ import annotations

from harness.report.paper.contents import FIGURES
from harness.report.paper.shown import caption, figure_kind


def test_captions_say_what_is_true_of_their_figure() -> None:
    captions = {figure.number: caption(figure) for figure in FIGURES}
    assert "SEM" in captions[2]
    assert "SEM" in captions[24]
    assert not any("SEM" in captions[number] for number in (1, 4, 11, 25))


def test_generated_corruptions_are_told_of_where_they_are_shown() -> None:
    shown = {figure.number for figure in FIGURES if figure_kind(figure).corrupted}
    assert shown == {6, 7, 24, 25}
