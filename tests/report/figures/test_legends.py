from __future__ import annotations

import pytest
from invented import FOUR, GRID, condition, results
from matplotlib.figure import Figure

from harness.report.figures.drawings import drawings
from harness.report.figures.looks import looks
from harness.report.figures.style import styled

LONG = (condition("none"), *(condition(f"{name}-{'of-my-own-' * 12}", "pixel") for name in ("first", "second")))
NAMES = [drawing.name for drawing in drawings(results(epochs=3), 0.9)]


def is_whole(figure: Figure) -> bool:
    """Whether nothing is drawn beyond the figure's edge."""
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return min(drawn.x0, drawn.y0) > -0.01 and drawn.x1 < width + 0.01 and drawn.y1 < height + 0.01


@pytest.mark.parametrize("conditions", [FOUR, GRID, LONG], ids=["four", "grid", "long"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_off(name: str, conditions: tuple[dict, ...]) -> None:
    made = results(conditions, epochs=3)
    drawing = next(each for each in drawings(made, 0.9) if each.name == name)
    with styled():
        assert is_whole(drawing.draw(drawing.data, looks(made.conditions)))


def test_panels_are_as_high_under_a_long_legend_as_under_a_short_one() -> None:
    heights = []
    for conditions in (FOUR, LONG):
        made = results(conditions, epochs=3)
        drawing = next(each for each in drawings(made, 0.9) if each.name == "corruptions-by-severity")
        with styled():
            figure = drawing.draw(drawing.data, looks(made.conditions))
            figure.draw_without_rendering()
        heights.append(figure.axes[0].get_window_extent().height)
    assert heights[0] == pytest.approx(heights[1], rel=0.05)
