from __future__ import annotations

import pandas as pd
import pytest
from invented import FOUR, GRID, condition, results

from harness.report.figures.curves import attack_curves
from harness.report.figures.drawings import Drawing, drawings, pictures
from harness.report.figures.style import BASELINE_GRAYS, looks, plain, seeds, styled

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


def drawing(name: str, least_clean_ratio: float = 0.9, **given: object) -> tuple[Drawing, object]:
    made = results(epochs=3, **given)
    return next(each for each in drawings(made, least_clean_ratio) if each.name == name), made


def test_each_result_has_its_figure() -> None:
    assert [each.name for each in drawings(results(epochs=3), 0.9)] == NAMES


@pytest.mark.parametrize("name", ["corruptions", "acceptable"])
def test_one_seed_and_many_conditions_can_be_drawn(name: str) -> None:
    each, made = drawing(name, conditions=GRID[:9], seeds=1)
    assert pictures(each, made, ("png",))["png"].startswith(b"\x89PNG")


def test_bands_are_the_sem_in_percent_and_absent_for_one_seed() -> None:
    data = pd.DataFrame(
        {
            "evaluation": "gaussian",
            "condition": ["none", "none", "pixel", "pixel"],
            "epsilon": [0.0, 0.1, 0.0, 0.1],
            "mean": [0.8, 0.4, 0.7, 0.5],
            "sem": [0.01, 0.02, float("nan"), float("nan")],
            "n": [2, 2, 1, 1],
        }
    )
    with styled():
        figure = attack_curves(data, looks(["none", "pixel"], ["none"]))
    [panel] = figure.axes
    band, none = panel.collections
    assert band.get_datalim(panel.transData).extents == pytest.approx([0.0, 38.0, 0.1, 81.0])
    assert not none.get_paths() or not len(none.get_paths()[0].vertices)
    assert [list(line.get_ydata()) for line in panel.lines] == [[80, 40], [70, 50]]
    assert panel.get_ylabel() == "Accuracy (%)"


def test_the_baseline_is_black_and_no_two_conditions_look_alike() -> None:
    names = [row["condition"] for row in GRID]
    found = looks(names, ["none"])
    assert found["none"].color == BASELINE_GRAYS[0]
    assert len({(look.color, look.dashes, look.marker) for look in found.values()}) == len(names)


def test_a_condition_keeps_its_look_when_another_has_no_results() -> None:
    names = [row["condition"] for row in FOUR]
    assert looks(names, ["none"])["threshold"] == looks(names[:3], ["none"])["threshold"]


def test_names_are_drawn_as_they_are() -> None:
    assert plain(r"$x$ \frac") == r"\$x\$ ∖frac"
    assert not plain("_hidden").startswith("_")


def test_hostile_names_can_be_drawn() -> None:
    odd = (condition("none"), condition(r"_$x^{\input{y}}$ <script>", "threshold"))
    each, made = drawing("curves", conditions=odd)
    assert pictures(each, made, ("svg",))


def test_seeds_are_counted_as_a_range_where_they_differ() -> None:
    assert seeds(pd.DataFrame({"n": [7, 7]})) == "n = 7"
    assert seeds(pd.DataFrame({"n": [6, 7]})) == "n = 6–7"


def test_the_acceptable_figure_follows_the_bound() -> None:
    strict, _ = drawing("acceptable", least_clean_ratio=2.0)
    loose, _ = drawing("acceptable", least_clean_ratio=0.1)
    assert not strict.data["acceptable"].any()
    assert loose.data["acceptable"].any()
    assert set(loose.data["label"]) == {"10, pixel", "10, 0.8"}
