from __future__ import annotations

import pandas as pd
from invented import FOUR, GRID, condition

from harness.report.figures.looks import BASELINE_GRAYS, BLUE, COLORS, GREEN, VERMILLION, Look, looks


def looks_of(*conditions: dict) -> dict[str, Look]:
    return looks(pd.DataFrame(conditions))


def test_the_baseline_is_black_and_no_two_conditions_look_alike() -> None:
    found = looks_of(*GRID)
    assert found["none"].color == BASELINE_GRAYS[0]
    assert len({(look.color, look.dashes, look.marker) for look in found.values()}) == len(GRID)


def test_a_condition_looks_the_same_whatever_stands_beside_it() -> None:
    assert looks_of(*FOUR)["threshold"] == looks_of(FOUR[0], FOUR[2])["threshold"]
    assert looks_of(*FOUR)["pixel"] == looks_of(FOUR[1])["pixel"]


def test_a_condition_looks_the_same_whatever_its_name() -> None:
    named = looks_of(condition("cifar10", "threshold", images="cifar10"), condition("imagenet", "threshold"))
    assert named["cifar10"] == looks_of(*FOUR)["threshold-cifar10"]
    assert (named["cifar10"].color, named["imagenet"].color, looks_of(*FOUR)["pixel"].color) == (
        BLUE,
        VERMILLION,
        GREEN,
    )


def test_conditions_that_share_target_and_set_go_from_dark_to_light() -> None:
    found = [look for name, look in looks_of(*GRID).items() if name.startswith("cifar10")][:6]
    brightness = [sum(int(look.color[at : at + 2], 16) for at in (1, 3, 5)) for look in found]
    assert brightness == sorted(brightness)
    assert len({look.marker for look in found}) == len(found)


def test_what_is_not_known_takes_colors_that_are_left() -> None:
    external = {"target": "external", "regularization": "none"}
    found = looks_of(FOUR[3], *({"condition": name} | external for name in "abcd"))
    assert [found[name].color for name in "abcd"] == [color for color in COLORS if color != BLUE][:4]
