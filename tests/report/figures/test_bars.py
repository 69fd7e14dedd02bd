from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from invented import results
from matplotlib.figure import Figure
from matplotlib.text import Text

from harness.report.figures.bars import boundary_bars, distance_bars, grouped_bars, score_bars
from harness.report.figures.looks import looks
from harness.report.figures.numbers import boundary_means, distance_means
from harness.report.figures.style import sheet, styled
from harness.report.results import Results

NAMES = ("none", "pixel", "threshold", "threshold-cifar10")


def silenced(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Without a number of either seed of `pixel`, and of one seed of `threshold`."""
    without = (frame["condition"] == "pixel") | ((frame["condition"] == "threshold") & (frame["seed"] == 1))
    return frame.assign(**{column: frame[column].where(~without)})


def given() -> Results:
    made = results()
    return replace(
        made,
        boundary=silenced(made.boundary, "score"),
        distances=silenced(made.distances, "distance"),
        epochs=made.epochs,
    )


def words(figure: Figure) -> set[str]:
    return {each.get_text() for each in figure.findobj(Text)}


def test_conditions_without_a_number_keep_their_row_in_the_data() -> None:
    for means in (boundary_means(given()).query("measure == 'score'"), distance_means(given())):
        assert list(means["condition"]) == list(NAMES)
        assert list(means["n"]) == [2, 0, 1, 2]
        assert list(means["without"]) == [0, 2, 1, 0]
        assert np.isnan(means["mean"].iloc[1])


def test_a_boundary_score_that_is_none_is_said_with_its_seeds() -> None:
    with styled():
        said = words(boundary_bars(boundary_means(given()), looks(given().conditions)))
    assert {
        "no number (2 seeds)",
        "+ no number (1 seed)",
        "no number: no image had a start",
        "pixel (n\u00a0=\u00a00)",
    } <= said


def test_a_condition_without_a_result_has_a_row_that_says_so() -> None:
    means = boundary_means(given()).query("condition != 'none'")
    distances = distance_means(given()).query("condition != 'none'")
    with styled():
        for figure in (
            boundary_bars(means, looks(given().conditions)),
            distance_bars(distances, looks(given().conditions)),
        ):
            assert {"none (n\u00a0=\u00a00)", "no result"} <= words(figure)


def test_an_infinite_median_is_said_with_its_seeds() -> None:
    with styled():
        said = words(distance_bars(distance_means(given()), looks(given().conditions)))
    assert {"∞ (2 seeds)", "+ ∞ (1 seed)", "∞: nothing found for half of the images"} <= said


def test_an_upright_score_bar_keeps_its_place_without_a_number() -> None:
    with styled():
        figure, (panel,) = sheet(1, 1, 2.0)
        score_bars(panel, boundary_means(given()).query("measure == 'score'"), looks(given().conditions))
    assert [bar.get_x() + bar.get_width() / 2 for bar in panel.patches] == [0, 2, 3]
    assert "no number" in words(figure)
    assert panel.get_xlabel() == "no image had a start:\n3 of 8 models"


def test_a_bar_of_nothing_says_0_and_a_missing_one_nothing() -> None:
    rows = pd.DataFrame(
        {"condition": ["none", "pixel"], "corruption": "fog", "mean": [0.0, np.nan], "sem": np.nan, "n": 1}
    )
    with styled():
        _, (panel,) = sheet(1, 1, 2.0)
        grouped_bars(panel, rows, ("none", "pixel"), looks(given().conditions))
    assert [text.get_text() for text in panel.texts] == ["0"]


def test_a_bar_that_is_hardly_seen_says_its_value() -> None:
    rows = pd.DataFrame({"condition": ["none", "pixel"], "mean": [0.02, 0.0003], "sem": np.nan, "n": 1, "without": 0})
    with styled():
        _, (panel,) = sheet(1, 1, 2.0)
        score_bars(panel, rows, {name: looks(given().conditions)[name] for name in ("none", "pixel")})
    assert [text.get_text() for text in panel.texts] == ["0.3"]
