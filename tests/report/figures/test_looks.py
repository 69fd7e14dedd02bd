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
    grid = (condition(f"threshold[n_images={n}]", "threshold") for n in (10, 20, 50, 100, 200, 500))
    found = list(looks_of(*grid).values())
    brightness = [sum(int(look.color[at : at + 2], 16) for at in (1, 3, 5)) for look in found]
    assert brightness == sorted(brightness)
    assert len({look.marker for look in found}) == len(found)


def test_what_is_not_known_takes_colors_that_are_left() -> None:
    external = {"target": "external", "regularization": "none", "free": False}
    found = looks_of(FOUR[3], *({"condition": name} | external for name in "abcd"))
    assert [found[name].color for name in "abcd"] == [color for color in COLORS if color != BLUE][:4]
    assert len({found[name].marker for name in found}) == len({found[name].hatch for name in found}) == 5


def test_names_of_their_own_have_colors_of_their_own_and_a_grids_points_shades() -> None:
    ranges = ("threshold", "low", "high", "positive", "negative", "double")
    found = {
        images: list(
            looks_of(*(condition(f"{name}[images={images}]", "threshold", images=images) for name in ranges)).values()
        )
        for images in ("imagenet", "cifar10", "cifar100")
    }
    assert found["imagenet"][0] == looks_of(*FOUR)["threshold"]
    assert len({tuple(look.color for look in own[1:]) for own in found.values()}) == 1
    for own in found.values():
        assert len({look.color for look in own}) == len({look.marker for look in own}) == len(ranges)
    both = looks_of(*(condition(f"{name}[alpha={alpha}]", "threshold", alpha) for name in "ab" for alpha in (1, 2)))
    assert len({look.color for look in both.values()}) == 4
    assert len({look.marker for look in both.values()}) == 4


def test_a_large_grid_has_the_same_shade_for_the_same_value_of_its_last_setting() -> None:
    grid = {f"threshold[alpha={alpha},threshold={th}]": th for alpha in (1, 2, 3, 4, 5) for th in (0.2, 0.4, 0.6, 0.8)}
    found = looks_of(*(condition(name, "threshold") for name in grid))
    assert {name: look.color for name, look in found.items()} == {
        name: found[f"threshold[alpha=1,threshold={th}]"].color for name, th in grid.items()
    }
    assert len({look.color for look in found.values()}) == 4
