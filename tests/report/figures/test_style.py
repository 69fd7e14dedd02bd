from __future__ import annotations

import pandas as pd
from invented import FOUR, GRID

from harness.report.figures.style import BASELINE_GRAYS, looks, plain, seeds


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


def test_seeds_are_counted_as_a_range_where_they_differ() -> None:
    assert seeds(pd.DataFrame({"n": [7, 7]})) == "n = 7"
    assert seeds(pd.DataFrame({"n": [6, 7]})) == "n = 6–7"
