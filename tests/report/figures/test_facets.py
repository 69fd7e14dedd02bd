from __future__ import annotations

import itertools

import pandas as pd
from invented import FOUR, condition, figures_of, results

from harness.report.figures.drawings import ROWS
from harness.report.figures.facets import MOST, facets
from harness.report.figures.looks import looks
from harness.report.figures.style import styled

ALPHAS, THRESHOLDS = (0.1, 1, 4, 10, 40), (0.2, 0.4, 0.6, 0.8)
GRID = [f"threshold[alpha={alpha},threshold={th}]" for alpha, th in itertools.product(ALPHAS, THRESHOLDS)]
SETS = ("imagenet", "cifar10", "mnist")
RANGES = [f"{name}[images={images}]" for name in ("low", "high", "double") for images in SETS]


def parts(names: list[str]) -> dict[str, list[str]]:
    conditions = pd.DataFrame([condition("none"), *(condition(name, "threshold") for name in names)])
    return {part.title: list(part.looks) for part in facets(conditions, looks(conditions))}


def test_few_conditions_stay_together() -> None:
    assert parts(["pixel", "threshold"]) == {"": ["none", "pixel", "threshold"]}


def test_a_grid_is_divided_by_its_first_setting() -> None:
    found = parts(GRID)
    assert list(found) == [f"α = {alpha}" for alpha in ALPHAS]
    assert found["α = 1"] == ["none", *(f"threshold[alpha=1,threshold={threshold}]" for threshold in THRESHOLDS)]


def test_every_condition_is_in_one_part_and_the_baseline_in_all() -> None:
    for names in (GRID, RANGES, [f"own-{number}" for number in range(20)]):
        found = parts(names)
        assert all(part[0] == "none" and len(part) <= MOST for part in found.values())
        assert sorted(name for part in found.values() for name in part[1:]) == sorted(names)


def test_captions_say_that_conditions_are_divided() -> None:
    grid = (condition("none"), *(condition(name, "threshold") for name in GRID))
    told = {each.name for each in figures_of(results(grid, epochs=3)) if ROWS in each.caption}
    assert told == {"curves", "corruptions-by-severity", "corruptions", "training"}
    assert not any(ROWS in each.caption for each in figures_of(results(FOUR, epochs=3)))


def test_panels_above_each_other_have_the_same_axes() -> None:
    made = results((condition("none"), *(condition(name, "threshold") for name in GRID)), epochs=3)
    curves = next(each for each in figures_of(made) if each.name == "curves")
    with styled():
        figure = curves.draw(curves.data, looks(made.conditions))
    columns = 5  # the last has the legends
    for column in range(4):
        panels = figure.axes[column::columns]
        assert len({(panel.get_xlim(), panel.get_ylim()) for panel in panels}) == 1
        low, high = panels[0].get_ylim()
        assert all(low <= value <= high for panel in panels for line in panel.lines for value in line.get_ydata())


def test_no_marker_is_cut_off_at_the_side_of_a_narrow_panel() -> None:
    made = results((condition("none"), *(condition(name, "threshold") for name in GRID)), epochs=3)
    curves = next(each for each in figures_of(made) if each.name == "curves")
    with styled():
        figure = curves.draw(curves.data, looks(made.conditions))
        figure.draw_without_rendering()
    first = figure.axes[0]
    places = [first.transData.transform((x, 0))[0] for x in first.lines[0].get_xdata()]
    half = figure.dpi / 72 * (first.lines[0].get_markersize() + first.lines[0].get_markeredgewidth()) / 2
    assert first.bbox.x0 < min(places) - half
    assert max(places) + half < first.bbox.x1
