from __future__ import annotations

import gc
from dataclasses import replace

import pandas as pd
import pytest
from invented import GRID, condition, figures_of, results
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.transforms import Bbox

from harness.report.figures.drawings import Drawing, pictures
from harness.report.figures.looks import BASELINE_GRAYS, looks
from harness.report.figures.style import TALLEST, put_above, styled
from harness.report.results import Results
from harness.report.vocabulary import attack_title

NAMES = [
    "curves",
    "boundary",
    "distances",
    "corruptions-by-severity",
    "corruptions",
    "acceptable",
    "training",
    "gammas",
]


def drawing(name: str, least_clean_ratio: float = 0.9, **given: object) -> tuple[Drawing, Results]:
    made = results(epochs=3, **given)
    return next(each for each in figures_of(made, least_clean_ratio) if each.name == name), made


def test_each_result_has_its_figure() -> None:
    assert [each.name for each in figures_of(results(epochs=3))] == NAMES


@pytest.mark.parametrize("name", ["corruptions", "acceptable"])
def test_one_seed_and_many_conditions_can_be_drawn(name: str) -> None:
    each, made = drawing(name, conditions=GRID[:9], seeds=1)
    assert pictures(each, made, ("png",))["png"].startswith(b"\x89PNG")


def test_gammas_of_many_conditions_are_on_as_many_pages_as_they_need() -> None:
    made = results(epochs=3, conditions=GRID, seeds=1)
    parts = [each for each in figures_of(made) if each.name.startswith("gammas")]
    assert [each.name for each in parts] == ["gammas-1", "gammas-2"]
    assert [name for each in parts for name in each.data["condition"].unique()] == [
        row["condition"] for row in GRID[1:]
    ]
    for number, each in enumerate(parts, start=1):
        assert f"Part {number} of 2" in each.caption
        with styled():
            figure = each.draw(each.data, looks(made.conditions))
            put_above(figure, "Stand-ins: " + "cifar10, " * 15)
        assert figure.get_figheight() <= TALLEST


def test_the_boundary_figure_says_how_many_attacks_its_scores_leave_out() -> None:
    few, _ = drawing("boundary")
    own = "none: 6 of 10006; pixel: 6 of 10006; threshold: 6 of 10006; threshold-cifar10: 6 of 10006"
    assert f"Attacks without a start: {own}." in few.caption
    many, made = drawing("boundary", conditions=GRID, seeds=1)
    failed = made.boundary["condition"] == "none"
    more = replace(made, boundary=made.boundary.assign(n_failed=made.boundary["n_failed"].mask(failed, 1250)))
    [many] = [each for each in figures_of(more) if each.name == "boundary"]
    assert "Attacks without a start: 0.1 to 20.0 % of a condition's." in many.caption
    every = replace(made, boundary=made.boundary.assign(n_failed=0))
    assert not any("without a start" in each.caption for each in figures_of(every))


def test_captions_say_why_a_condition_has_no_bar() -> None:
    made, reason = results(epochs=2), "a model that it needs failed: diverged: the cross-entropy is nan"
    names = ("training", "boundary", "corruption", "ddn", "gaussian")
    rows = [("pixel", name, seed, "blocked", reason) for name in names for seed in (0, 1)]
    rows += [("none", name, 1, "waiting", "not run yet") for name in names]  # its other seed has bars
    given = replace(
        made,
        missing=pd.DataFrame(rows, columns=["condition", "evaluation", "seed", "state", "reason"]),
        boundary=made.boundary.query("condition != 'pixel'"),
        corruptions=made.corruptions.query("condition != 'pixel'"),
        distances=made.distances.query("condition != 'pixel'"),
        curves=made.curves.query("condition != 'pixel' or evaluation != 'gaussian'"),
    )
    captions = {each.name: each.caption for each in figures_of(given)}
    told = {name for name, said in captions.items() if said.count("Missing: ") == 1 and "not run yet" not in said}
    assert told == {"curves", "boundary", "corruptions-by-severity", "corruptions", "distances"}
    assert all(f"Missing: pixel (2 results, blocked: {reason})." in captions[name] for name in told)
    assert not any("Missing: " in captions[name] for name in captions.keys() - told)


def test_hostile_names_can_be_drawn() -> None:
    odd = (condition("none"), condition(r"_$x^{\input{y}}$ <script>", "threshold"))
    each, made = drawing("curves", conditions=odd)
    assert pictures(each, made, ("svg",))


def test_the_acceptable_figure_follows_the_bound() -> None:
    strict, _ = drawing("acceptable", least_clean_ratio=2.0)
    loose, _ = drawing("acceptable", least_clean_ratio=0.1)
    assert not strict.data["acceptable"].any()
    assert loose.data["acceptable"].any()
    assert set(loose.data["label"]) == {"pixel", "threshold", "threshold-cifar10"}


def test_captions_say_how_many_test_images_are_behind_the_numbers() -> None:
    found = {each.name: each.caption for each in figures_of(results(epochs=2))}
    told = "Test images behind each model's number: "
    assert f"{told}Gaussian noise, Uniform noise, Salt and pepper, Transferred FGSM 10000." in found["curves"]
    assert found["corruptions"].endswith(f"{told}Corruptions, mean 10000 (of corruptions at each severity).")
    assert "Attacks: 50 steps each, 1000 images × 5 repeats × seeds." in found["boundary"]
    assert not any(told in found[name] for name in ("training", "gammas", "boundary"))


def test_from_four_seeds_on_the_acceptable_figure_says_how_sure_its_points_are() -> None:
    for seeds, lines in ((3, 0), (4, 2)):
        each, made = drawing("acceptable", seeds=seeds, conditions=GRID[:2])
        with styled():
            figure = each.draw(each.data, looks(made.conditions))
        said = [text.get_text() for text in figure.legends[0].get_texts()]
        assert ("95% interval" in said) == bool(lines)
        for panel, row in zip(figure.axes, each.data.itertuples(), strict=True):
            drawn = [line.get_xydata() for line in panel.lines if line.get_alpha()]
            assert len(drawn) == lines
            if drawn:
                (left, low), (right, high) = zip(panel.get_xlim(), panel.get_ylim(), strict=True)
                across, up = drawn
                assert list(across[:, 0]) == [max(left, row.clean_low), min(right, row.clean_high)]
                assert list(up[:, 1]) == [max(low, row.distorted_low), min(high, row.distorted_high)]
                assert {*across[:, 1]} == {row.distorted_ratio}
                assert {*up[:, 0]} == {row.clean_ratio}


def test_what_was_made_of_test_images_is_not_told_of_where_it_is_not_shown() -> None:
    assert results().remark_on(corrupted=True) == "Generated images: cifar10-c."
    assert results().remark_on(corrupted=False) == ""
    remarks = {drawing.name: drawing.remark(results()) for drawing in figures_of(results())}
    assert {name for name, remark in remarks.items() if remark} == {"corruptions-by-severity", "corruptions"}


def test_points_with_long_names_are_numbered_and_the_legend_says_what_they_are() -> None:
    long = (condition(f"{letter * 90}-last", "threshold", alpha=2 + number) for number, letter in enumerate("abc"))
    each, made = drawing("acceptable", conditions=(condition("none"), condition("pixel", "pixel"), *long))
    with styled():
        figure = each.draw(each.data, looks(made.conditions))
    for panel in figure.axes:
        assert [text.get_text() for text in panel.texts] == ["1", "2", "3", "4"]
        boxes = [text.get_window_extent() for text in panel.texts]
        assert all(panel.bbox.x0 <= box.x0 and box.x1 <= panel.bbox.x1 for box in boxes)
    [legend] = figure.legends
    said = [text.get_text().replace("\n", "") for text in legend.get_texts()]
    assert ["1: pixel", f"2: {'a' * 90}-last"] == said[-4:-2]
    assert set(each.data["label"]) == {"pixel", *(f"{letter * 90}-last" for letter in "abc")}


def count_pictures() -> int:
    return sum(type(found) is RendererAgg for found in gc.get_objects())


def test_many_labels_are_measured_on_few_pictures() -> None:
    """Matplotlib has none to measure text on unless it is given one, and makes a new one for each text."""
    each, made = drawing("acceptable", conditions=GRID)
    gc.collect()
    gc.disable()
    try:
        before = count_pictures()
        with styled():
            each.draw(each.data, looks(made.conditions))
        assert count_pictures() - before < 10
    finally:
        gc.enable()


def test_a_label_stands_on_its_points_side_of_the_border() -> None:
    each, made = drawing("acceptable", least_clean_ratio=0.95, conditions=GRID)
    with styled():
        figure = each.draw(each.data, looks(made.conditions))
    for panel in figure.axes:
        corner = panel.transData.transform((0.95, 1.0))
        region = Bbox([corner, (panel.bbox.x1, panel.bbox.y1)])
        rows = each.data[each.data["evaluation"].map(attack_title) == panel.get_title().partition("\n")[0]]
        for text, accepted in zip(panel.texts, rows["acceptable"], strict=True):
            box = text.get_window_extent()
            covered = Bbox.intersection(box, region)
            share = 0.0 if covered is None else covered.width * covered.height / (box.width * box.height)
            assert share == pytest.approx(float(accepted), abs=0.05), text.get_text()


def test_what_was_trained_elsewhere_has_its_baseline_in_the_caption_and_that_is_black() -> None:
    elsewhere = {"target": "external", "regularization": "none"}
    conditions = (condition("none") | elsewhere, condition("robust", "pixel") | elsewhere)
    each, made = drawing("acceptable", conditions=conditions)
    assert "R and U of what was trained elsewhere, as the suite names them: robust and none." in each.caption
    assert list(each.data["condition"].unique()) == ["robust"]
    found = looks(made.conditions)
    assert found["none"].color in BASELINE_GRAYS
    assert found["robust"].color not in BASELINE_GRAYS
    assert pictures(each, made, ("png",))["png"].startswith(b"\x89PNG")
    with styled():
        said = [text.get_text() for text in each.draw(each.data, found).legends[0].get_texts()]
    assert said[0] == "robust"


def test_each_mark_among_the_acceptable_regions_is_in_the_legend() -> None:
    grid = [condition(f"mine[alpha={alpha}]", "mine.py:f", alpha) for alpha in (1, 2)]
    elsewhere = {"target": "external", "regularization": "none"}
    both = [condition(name, "pixel") | elsewhere for name in ("robust", "other")]
    own = [row | {"threshold": 0.8} for row in (*grid, condition("two", "mine.py:f + mine.py:g"))]
    each, made = drawing("acceptable", conditions=(condition("none"), *own, *both))
    with styled():
        figure = each.draw(each.data, looks(made.conditions))
    marks = {(line.get_color(), line.get_marker()) for axis in figure.axes for line in axis.get_lines()}
    shown = {mark for mark in marks if mark[1] not in {"None", ""}}
    assert len(shown) == 4
    assert shown <= {(line.get_color(), line.get_marker()) for line in figure.legends[0].get_lines()}


def test_a_condition_has_the_color_among_the_acceptable_regions_that_it_has_elsewhere() -> None:
    alone = condition("alone") | {"target": "external", "free": False}
    own = [condition(name, f"mine.py:{name}") | {"threshold": 0.8} for name in ("zebra", "ant")]
    conditions = (condition("none"), alone, *own)
    each, made = drawing("acceptable", conditions=conditions)
    found = looks(made.conditions)
    with styled():
        [legend] = each.draw(each.data, found).legends
    marks = zip(legend.get_texts(), legend.get_lines(), strict=False)
    colors = {text.get_text(): mark.get_color() for text, mark in marks}
    for name in ("zebra", "ant"):
        assert colors[f"mine.py:{name} on imagenet"] == found[name].color


def test_the_legend_of_acceptable_regions_names_the_images_of_pairs_beside_their_target() -> None:
    both = condition("both", "threshold + gaussian") | {"threshold": 0.8}
    noise = condition("noise", "gaussian") | {"threshold": 0.8, "regularization": "none"}
    each, made = drawing("acceptable", conditions=(condition("none"), both, noise))
    with styled():
        [legend] = each.draw(each.data, looks(made.conditions)).legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["threshold on imagenet + gaussian", "gaussian"]
