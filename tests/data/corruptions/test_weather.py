from __future__ import annotations

import colorsys

import numpy as np
import pytest

from harness.data.corruptions import CORRUPTIONS, corrupted
from harness.data.corruptions.frost import frost_textures


def flat_images(value: int, channels: int = 3) -> np.ndarray:
    return np.full((20, channels, 32, 32), value, np.uint8)


@pytest.mark.parametrize("severity", range(1, 6))
def test_snow_whitens_and_falls_once_more_upside_down(severity: int) -> None:
    found = corrupted(flat_images(0), "snow", severity)
    np.testing.assert_array_equal(found, found[:, :, ::-1, ::-1])
    clear = CORRUPTIONS["snow"].constants[severity - 1].clear
    assert found.min() == int((1 - clear) * 0.5 * 255)  # where no flake falls
    assert found.max() > found.min() + 30


def test_snow_whitens_colors_towards_their_luma() -> None:
    found = corrupted(np.tile(np.array([200, 100, 0], np.uint8).reshape(1, 3, 1, 1), (20, 1, 32, 32)), "snow", 1)
    luma = (0.299 * 200 + 0.587 * 100) / 255 * 1.5 + 0.5
    expected = 0.95 * np.array([200, 100, 0]) + 0.05 * luma * 255
    np.testing.assert_array_equal(found.min(axis=(0, 2, 3)), expected.astype(int))


def test_frost_adds_a_piece_of_a_texture_to_a_share_of_the_image() -> None:
    black = corrupted(flat_images(0, channels=1), "frost", 5).astype(int)
    textures = np.floor(0.45 * frost_textures(128) * 255).astype(int)
    pieces = np.lib.stride_tricks.sliding_window_view(textures, (32, 32), axis=(1, 2))
    from_texture = {int(np.argwhere((pieces == image[0]).all(axis=(3, 4)))[0, 0]) for image in black[:12]}
    assert len(from_texture) >= 3
    gray = corrupted(flat_images(100, channels=1), "frost", 5)
    assert np.abs(gray - (75 + black)).max() <= 1


def test_frost_is_a_little_blue_in_color() -> None:
    red, green, blue = corrupted(flat_images(0), "frost", 3).mean(axis=(0, 2, 3))
    assert red < green < blue
    assert blue < 1.2 * red


def test_fog_keeps_the_brightest_pixel_and_darkens_where_it_is_thin() -> None:
    found = corrupted(flat_images(200), "fog", 4)  # (200 / 255 + clouds) * 0.784 / 1.784
    assert found.max(axis=(1, 2, 3)) == pytest.approx(200, abs=1)
    assert found.min(axis=(1, 2, 3)) == pytest.approx(200 * (200 / 255) / (200 / 255 + 1), abs=1)
    assert not corrupted(flat_images(0), "fog", 4).any()


def test_brightness_adds_to_the_value_of_hsv(photographs: np.ndarray) -> None:
    images = photographs[:2].copy()
    images[0, :, 0, 0] = 0
    found = corrupted(images, "brightness", 4)
    for image, mine in zip(images, found, strict=True):
        for y, x in np.ndindex(32, 32):
            hue, saturation, value = colorsys.rgb_to_hsv(*(image[:, y, x] / 255))
            expected = np.array(colorsys.hsv_to_rgb(hue, saturation, min(value + 0.2, 1))) * 255
            assert np.abs(mine[:, y, x] - expected).max() <= 1 + 1e-9
