"""Textures of ice on a window, in place of the photographs that CIFAR-10-C's frost was made with."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

from harness.data.corruptions.draws import Draws
from harness.data.corruptions.motion import motion_blurred
from harness.data.corruptions.pixels import Floats, cut, unit
from harness.data.corruptions.plasma import plasma

TEXTURES = 5  # the published code chooses among as many photographs
GRAIN = 0.6  # deviation of the blur that needles get their width from, in pixels
NEEDLE = (12, 6.0)  # radius and deviation of a needle of ice, in pixels
DIRECTIONS = 3  # in which needles grow, 60 degrees apart, as ice does
RELIEF = 0.08  # deviation of the needles' brightness
DECAY = 1.5  # of the clouds' roughness, see `plasma`


@cache
def frost_textures(size: int) -> Floats:
    """Gray textures in [0, 1], the same every time: (TEXTURES, size, size).

    Needles are white noise drawn out in three directions, the brightest of which counts; ice is thicker where a cloud
    is brighter.
    size: a power of two.
    """
    draws = Draws(TEXTURES, ("frost",))
    margin = 2 * NEEDLE[0]  # needles grow in from outside, too
    grains = draws.uniform("grains", 0, 1, 1, size + 2 * margin, size + 2 * margin)
    soft = cut(ndimage.gaussian_filter(grains, (0, 0, GRAIN, GRAIN)))
    turns = draws.uniform("turn", 0, 60)
    grown = [motion_blurred(soft, *NEEDLE, turns + 60 * number) for number in range(DIRECTIONS)]
    needles = unit(np.max(grown, axis=0)[:, 0, margin:-margin, margin:-margin])
    needles = (needles - needles.mean()) / needles.std()
    textures: Floats = np.clip(plasma(size, DECAY, draws) + RELIEF * needles, 0, 1)
    return textures
