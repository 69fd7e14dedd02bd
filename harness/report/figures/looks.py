"""For each condition the same color, line, marker and hatch in every figure: they follow from what it is.

What a model is regularized with decides: the set of images where the target is the thresholded one, the target
elsewhere. Of those that share both, few that have names of their own differ in color, a grid's points in shade, from
dark to light, and all in line, marker and hatch. Colors are Okabe and Ito's, which the color-blind can tell apart; the
rest carries the same information in grayscale. The baseline is always black and solid.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from harness.report.rows import records
from harness.report.vocabulary import ELSEWHERE
from harness.spec.grid import named

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


KINDS = (GREEN, ORANGE, SKY, mixed(GREEN, DARK), mixed(ORANGE, DARK))
"""Of a family's conditions with other names than the first's, the same whichever of the paper's three sets it is of."""


def looks(conditions: pd.DataFrame) -> dict[str, Look]:
    """The look of each condition of a suite, in the suite's order.

    conditions: condition, target, regularization, free (see `Results`).
    """
    kinds = _kinds(family_looks(conditions))
    shared = {name: [other for other in kinds if kinds[other] == look] for name, look in kinds.items()}
    return {name: _shade(look, name, shared[name]) for name, look in kinds.items()}


def family_looks(conditions: pd.DataFrame) -> dict[str, Look]:
    """The look of each condition before those that share a target and a set are told apart.

    Of models that were trained elsewhere each has its own, since nobody knows what they share.
    """
    grays = itertools.cycle(Look(gray, DASHES[0], "o", "") for gray in BASELINE_GRAYS)
    known = [look for row in records(conditions) if (look := _known(row.target, row.regularization))]
    others = defaultdict[Any, Look](_left(known, COLORS).__next__)

    def look_of(row: Any) -> Look:
        if row.free:
            return next(grays)
        family = row.condition if row.target == ELSEWHERE else (row.target, row.regularization)
        return _known(row.target, row.regularization) or others[family]

    return {row.condition: look_of(row) for row in records(conditions)}


def _kinds(families: Mapping[str, Look]) -> dict[str, Look]:
    """Of a family's conditions those with other names than the first's, settings aside, in colors that are left.

    Where not enough are left they stay alike, to differ in shade.
    """
    names = [(look, named(name).base) for name, look in families.items() if look.color not in BASELINE_GRAYS]
    first = dict(reversed(names))
    others = [kind for kind in dict.fromkeys(names) if kind[1] != first[kind[0]]]
    taken = list(families.values())
    if len(others) > len({*KINDS} - {look.color for look in taken}):
        return dict(families)
    given = dict(zip(others, _left(taken, KINDS), strict=False))
    return {name: given.get((look, named(name).base), look) for name, look in families.items()}


def _left(taken: Collection[Look], palette: Sequence[str]) -> Iterator[Look]:
    """Looks in colors that are left, and with lines, markers and hatches that are, as far as there are any."""
    colors = {look.color for look in taken}
    markers, hatches = {look.marker for look in taken}, {look.hatch for look in taken}
    unused = itertools.cycle([color for color in palette if color not in colors] or palette)
    every = range(len(DASHES[1:]) * len(MARKERS) * len(HATCHES))
    others = [n for n in every if {_styled("", n).marker} - markers and {_styled("", n).hatch} - hatches]
    return (_styled(color, number) for color, number in zip(unused, itertools.cycle(others or every), strict=False))


def _known(target: str, images: str) -> Look | None:
    return SETS.get(images) if target == "threshold" else TARGETS.get(target)


def _shade(look: Look, name: str, shared: Sequence[str]) -> Look:
    """One of the conditions that share a look; in a large grid those with the same last setting have the same shade."""
    if len(shared) == 1:
        return look
    place, shades = shared.index(name), min(len(shared), SHADES)
    rank = place % shades
    if len(shared) > SHADES:
        last = ["".join([*named(other).values.values()][-1:]) for other in shared]
        values = list(dict.fromkeys(last))
        if 1 < len(values) <= SHADES:
            rank, shades = values.index(last[place]), len(values)
    share = DARK + (LIGHT - DARK) * rank / (shades - 1)
    number = MARKERS.index(look.marker) if look.marker in MARKERS else 0
    return _styled(mixed(look.color, share), number + place)


def bar_style(look: Look) -> dict[str, Any]:
    """How a bar is filled: its ground is lightened, so that the hatch and the error bar are seen on it."""
    return {"facecolor": mixed(look.color, 0.65), "edgecolor": look.color, "hatch": look.hatch}


def line_style(look: Look) -> dict[str, Any]:
    """How a curve is drawn."""
    return {"color": look.color, "linestyle": look.dashes, "marker": look.marker}
