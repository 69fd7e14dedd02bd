"""For each condition the same color, line, marker and hatch in every figure: they follow from what it is.

What a model is regularized with decides: the set of images where the target is the thresholded one, the target
elsewhere. Conditions that share both differ in shade, from dark to light, and in line, marker and hatch. Colors are
Okabe and Ito's, which the color-blind can tell apart; the rest carries the same information in grayscale. The
baseline is always black and solid.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pandas as pd

from harness.report.rows import records
from harness.report.vocabulary import UNREGULARIZED

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLORS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
DASHES = ((0, ()), (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("s", "^", "D", "v", "P", "X", "<", ">", "p")
HATCHES = ("////", "....", "\\\\\\\\", "xxxx", "----", "||||", "++++")
BASELINE_GRAYS = ("#000000", "#6E6E6E", "#A0A0A0")
DARK, LIGHT = -0.45, 0.4
"""How far the shades of conditions that share a color go, towards black and white."""
SHADES = 6
"""That can be told apart; more conditions than that begin again."""


class Look(NamedTuple):
    """How one condition is drawn."""

    color: str
    dashes: tuple[int, tuple[float, ...]]
    marker: str
    hatch: str


def _styled(color: str, number: int) -> Look:
    """A color with the line, marker and hatch of that number."""
    return Look(
        color,
        DASHES[1 + number % (len(DASHES) - 1)],
        MARKERS[number % len(MARKERS)],
        HATCHES[number % len(HATCHES)],
    )


def mixed(color: str, share: float) -> str:
    """The color with a share of white, or of black if it is negative."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(part + abs(share) * ((255 if share > 0 else 0) - part)):02X}" for part in parts)


_BY_SET = {"cifar10": BLUE, "cifar100": PURPLE, "imagenet": VERMILLION, "mnist": SKY, "fashionmnist": ORANGE}
_BY_TARGET = {"pixel": GREEN, "neural": ORANGE, "raw": SKY, "label": BLUE, "shuffled neural": PURPLE}
_BY_TARGET["features"] = mixed(ORANGE, DARK)  # the palette has no seventh color
# Source: captions of Figures 5, 10 and 23: CIFAR-10 blue, CIFAR-100 purple, ImageNet red.
SETS = {name: _styled(color, number) for number, (name, color) in enumerate(_BY_SET.items())}
"""Of the thresholded target, by the set of images."""
TARGETS = {name: _styled(color, number) for number, (name, color) in enumerate(_BY_TARGET.items(), start=len(SETS))}
"""Of the other targets, on whatever images."""


def looks(conditions: pd.DataFrame) -> dict[str, Look]:
    """The look of each condition of a suite, in the suite's order.

    conditions: condition, target, regularization.
    """
    families = family_looks(conditions)
    shared = {name: [other for other in families if families[other] == look] for name, look in families.items()}
    return {name: _shade(look, shared[name].index(name), len(shared[name])) for name, look in families.items()}


def family_looks(conditions: pd.DataFrame) -> dict[str, Look]:
    """The look of each condition before those that share a target and a set are told apart."""
    found = {row.condition: _known(row.target, row.regularization) for row in records(conditions)}
    taken = {look.color for look in found.values() if look}
    unused = itertools.cycle([color for color in COLORS if color not in taken] or COLORS)
    others = (_styled(color, number) for number, color in enumerate(unused))
    grays = itertools.cycle(Look(gray, DASHES[0], "o", "") for gray in BASELINE_GRAYS)
    free = set(conditions.loc[conditions["target"] == UNREGULARIZED, "condition"])
    return {name: next(grays) if name in free else look or next(others) for name, look in found.items()}


def _known(target: str, images: str) -> Look | None:
    return SETS.get(images) if target == "threshold" else TARGETS.get(target)


def _shade(look: Look, place: int, count: int) -> Look:
    """One of so many conditions that share a look."""
    if count == 1:
        return look
    shades = min(count, SHADES)
    share = DARK + (LIGHT - DARK) * (place % shades) / (shades - 1)
    number = MARKERS.index(look.marker) if look.marker in MARKERS else 0
    return _styled(mixed(look.color, share), number + place)


def face(look: Look) -> str:
    """A bar's ground under its hatch and error bar: the look's color, lightened."""
    return mixed(look.color, 0.65)
