"""Snow, frost, fog and bright light."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.data.corruptions.draws import Draws
from harness.data.corruptions.frost import TEXTURES, frost_textures
from harness.data.corruptions.motion import motion_blurred
from harness.data.corruptions.pixels import Floats, Pixels, cut, unit
from harness.data.corruptions.plasma import plasma
from harness.data.corruptions.zoom import mapped, zoom_map

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R 601
ICE = np.array([0.9, 0.97, 1.0])  # red, green and blue of frost: a little blue, as the photographs are


class Snowfall(NamedTuple):
    """How snow falls."""

    mean: float
    deviation: float
    zoom: float
    """Size of the flakes."""
    threshold: float
    """What is darker is no flake."""
    radius: int
    smear: float
    """With `radius`, the motion blur of the flakes, in pixels."""
    clear: float
    """How much of the image is not whitened."""


def snow(images: Pixels, fall: Snowfall, draws: Draws) -> Pixels:
    """Whitened images under flakes, and the same flakes upside down; they fall at an angle of their own."""
    height, width = images.shape[2:]
    grains = fall.mean + fall.deviation * draws.normal("flakes", 1, height, width)
    flakes = mapped(grains, zoom_map(height, width, fall.zoom))
    flakes[flakes < fall.threshold] = 0
    layer = unit(motion_blurred(cut(flakes), fall.radius, fall.smear, draws.uniform("angle", -135, -45)))
    pixels = unit(images)
    white = np.maximum(pixels, _gray(pixels) * 1.5 + 0.5)
    return cut(fall.clear * pixels + (1 - fall.clear) * white + layer + layer[:, :, ::-1, ::-1])


def _gray(pixels: Floats) -> Floats:
    """Luma of pixels in color, gray pixels as they are: (n, 1, h, w)."""
    return pixels if pixels.shape[1] == 1 else np.einsum("nchw,c->nhw", pixels, LUMA)[:, None]


def frost(images: Pixels, shares: tuple[float, float], draws: Draws) -> Pixels:
    """The image behind a random piece of one of five textures of ice.

    shares: of the image, and of the ice that is added to it.
    The published code's photographs of frost are not ours to ship: `frost_textures` draws others in their place.
    """
    height, width = images.shape[2:]
    textures = frost_textures(4 * _power_of_two(max(height, width)))
    size = textures.shape[-1]
    chosen = draws.uniform("texture", 0, TEXTURES, 1, 1).astype(np.intp)
    top = draws.uniform("top", 0, size - height, 1, 1).astype(np.intp)
    left = draws.uniform("left", 0, size - width, 1, 1).astype(np.intp)
    ice = textures[chosen, top + np.arange(height)[:, None], left + np.arange(width)][:, None]
    if images.shape[1] == 3:
        ice = ice * ICE[:, None, None]
    return cut(shares[0] * unit(images) + shares[1] * ice)


def fog(images: Pixels, mist: tuple[float, float], draws: Draws) -> Pixels:
    """Clouds are added, and all is darkened so that the brightest pixel possible is as bright as the brightest was.

    mist: how much of it, and the decay of its roughness (see `plasma`).
    """
    amount, decay = mist
    height, width = images.shape[2:]
    clouds = plasma(_power_of_two(max(height, width)), decay, draws)[:, None, :height, :width]
    pixels = unit(images)
    brightest = pixels.max(axis=(1, 2, 3), keepdims=True)
    return cut((pixels + amount * clouds) * (brightest / (brightest + amount)))


def brightness(images: Pixels, shift: float, draws: Draws) -> Pixels:
    """HSV's value plus `shift`, clipped to 1, at the same hue and saturation: all channels are scaled alike."""
    pixels = unit(images)
    value = pixels.max(axis=1, keepdims=True)
    brighter = np.minimum(value + shift, 1)
    scaled = pixels * (brighter / np.where(value > 0, value, 1))
    return cut(np.where(value > 0, scaled, brighter))


def _power_of_two(size: int) -> int:
    """The smallest that is not smaller."""
    return 1 << (size - 1).bit_length()
