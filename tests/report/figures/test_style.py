from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from harness.report.figures.style import RC, WIDTH, folded, headed_pictures, plain, seeds, styled


def test_names_are_drawn_as_they_are() -> None:
    assert plain(r"$x$ \frac") == r"\$x\$ ∖frac"
    assert not plain("_hidden").startswith("_")


def test_seeds_are_counted_as_a_range_where_they_differ() -> None:
    assert seeds(pd.DataFrame({"n": [7, 7]})).split() == ["n", "=", "7"]
    assert seeds(pd.DataFrame({"n": [6, 7]})).split() == ["n", "=", "6–7"]


def test_text_is_broken_at_spaces_and_within_words_that_are_too_wide_alone() -> None:
    with styled():
        assert folded("stand-ins: cifar10", 7, 60) == "stand-ins:\ncifar10"
        assert folded("a" * 30, 7, 70).replace("\n", "") == "a" * 30
        assert folded("two words", 7, 500) == "two words"


def test_a_number_of_seeds_is_never_broken() -> None:
    counted = seeds(pd.DataFrame({"n": [7]}))
    with styled():
        assert folded(f"a condition ({counted})", 7, 62).splitlines() == ["a condition", f"({counted})"]


def test_a_heading_is_whole_in_the_narrowest_figure() -> None:
    heading = "robustbench (smoke profile: not the paper's scale) Stand-ins: cifar10, cifar10-c, cifar100, engstrom."
    with styled():
        figure = Figure(figsize=(2.5, 2.0))
        panel = figure.subplots()
        headed_pictures(figure, heading, ("png",))
    text = figure.get_suptitle()
    assert text.replace("\n", " ") == heading
    assert figure.get_tightbbox().x1 < 2.5
    assert panel.get_window_extent().height > 250


def test_text_is_at_least_7_points_at_the_width_of_a_page() -> None:
    sizes = {name: size for name, size in RC.items() if name.endswith("size") and name != "lines.markersize"}
    assert WIDTH == 5.5
    assert min(sizes.values()) >= 7
