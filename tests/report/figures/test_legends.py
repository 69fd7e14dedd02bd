from __future__ import annotations

import itertools
from dataclasses import replace

import pandas as pd
import pytest
from invented import FOUR, GRID, condition, figures_of, results
from matplotlib.figure import Figure

from harness.report.figures.looks import looks
from harness.report.figures.style import styled

LONG = (condition("none"), *(condition(f"{name}-{'of-my-own-' * 12}", "pixel") for name in ("first", "second")))
NAMES = [drawing.name for drawing in figures_of(results(epochs=3))]


def is_whole(figure: Figure) -> bool:
    """Whether nothing is drawn beyond the figure's edge."""
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return min(drawn.x0, drawn.y0) > -0.01 and drawn.x1 < width + 0.01 and drawn.y1 < height + 0.01


@pytest.mark.parametrize("conditions", [FOUR, GRID, LONG], ids=["four", "grid", "long"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_off(name: str, conditions: tuple[dict, ...]) -> None:
    made = results(conditions, epochs=3)
    parts = [each for each in figures_of(made) if each.name in {name, f"{name}-1", f"{name}-2"}]
    assert parts
    for drawing in parts:
        with styled():
            assert is_whole(drawing.draw(drawing.data, looks(made.conditions)))


@pytest.mark.parametrize("name", ["curves", "acceptable", "distances"])
def test_long_names_of_attacks_stay_above_their_panels(name: str) -> None:
    made = results(epochs=3)
    names = {
        each: f"{each}-of-my-own-with-20-steps-and-5-restarts-in-linf" for each in ("uniform", "salt_pepper", "ddn")
    }
    given = {
        frame: getattr(made, frame).replace({"evaluation": names}) for frame in ("curves", "acceptable", "distances")
    }
    given["distances"] = pd.concat(
        [given["distances"], made.distances.assign(evaluation=f"second-{names['ddn']}", norm="linf")]
    )
    drawing = next(each for each in figures_of(replace(made, **given)) if each.name == name)
    with styled():
        figure = drawing.draw(drawing.data, looks(made.conditions))
        figure.draw_without_rendering()
    boxes = [panel.title.get_window_extent() for panel in figure.axes]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_panels_are_as_high_under_a_long_legend_as_under_a_short_one() -> None:
    heights = []
    for conditions in (FOUR, LONG):
        made = results(conditions, epochs=3)
        drawing = next(each for each in figures_of(made) if each.name == "corruptions-by-severity")
        with styled():
            figure = drawing.draw(drawing.data, looks(made.conditions))
            figure.draw_without_rendering()
        heights.append(figure.axes[0].get_window_extent().height)
    assert heights[0] == pytest.approx(heights[1], rel=0.05)
