from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from harness.data.corruptions import CORRUPTIONS, corrupted
from harness.data.corruptions.draws import Draws


def flat_image(value: int) -> np.ndarray:
    return np.full((1, 3, 32, 32), value, np.uint8)


def point() -> np.ndarray:
    images = np.zeros((1, 1, 32, 32), np.uint8)
    images[0, 0, 16, 16] = 255
    return images


@pytest.mark.parametrize("name", ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"])
def test_blurs_keep_flat_images(name: str) -> None:
    for severity in range(1, 6):
        assert np.abs(corrupted(flat_image(100), name, severity).astype(int) - 100).max() <= 1


def test_defocus_blur_spreads_a_point_evenly() -> None:
    spread = corrupted(point(), "defocus_blur", 5)[0, 0].astype(int)
    np.testing.assert_array_equal(spread[14:19, 14:19], spread[14:19, 14:19].T)
    assert (spread > 0).sum() == 9  # a disk of radius 1.5, hardly softened
    assert np.ptp(spread[15:18, 15:18]) == 0


@pytest.mark.parametrize("times", [1, 2])
def test_glass_blur_takes_the_pixels_that_the_published_loop_takes(times: int, photographs: np.ndarray) -> None:
    draws = Draws(2, ("test",))
    found = CORRUPTIONS["glass_blur"].apply(photographs[:2], (0.05, times), draws)  # 0.05 pixels are no blur
    expected = photographs[:2].transpose(0, 2, 3, 1).copy()
    for time in range(times):
        shifts = draws.uniform(f"shift {time}", 0, 1, 2, 1, 30, 30)
        for image, (up, left) in zip(expected, shifts[:, :, 0], strict=True):
            for y in range(31, 1, -1):
                for x in range(31, 1, -1):
                    there = y - (up[y - 2, x - 2] < 0.5), x - (left[y - 2, x - 2] < 0.5)
                    image[y, x], image[there] = image[there], image[y, x]  # rows of numpy: views of what is swapped
    np.testing.assert_array_equal(found.transpose(0, 2, 3, 1), expected)


def test_glass_blur_blurs_before_and_after_with_the_published_deviation(photographs: np.ndarray) -> None:
    found = CORRUPTIONS["glass_blur"].apply(photographs[:1], (0.4, 0), Draws(1, ("test",)))
    once = ndimage.gaussian_filter(photographs[0, 0] / 255, 0.4, mode="nearest")
    twice = ndimage.gaussian_filter(np.floor(once * 255) / 255, 0.4, mode="nearest")
    np.testing.assert_array_equal(found[0, 0], np.floor(twice * 255))


def test_motion_blur_draws_points_out_to_one_side_within_45_degrees() -> None:
    found = corrupted(np.repeat(point(), 50, axis=0), "motion_blur", 5)[:, 0].astype(float)
    y, x = np.mgrid[:32, :32] - 16
    down = (found * y).sum(axis=(1, 2)) / found.sum(axis=(1, 2))
    across = (found * x).sum(axis=(1, 2)) / found.sum(axis=(1, 2))
    assert (across < -1).all()  # each pixel sees what is to its right
    assert (np.abs(down) <= np.abs(across) + 0.1).all()
    assert down.min() < -1
    assert down.max() > 1


@pytest.mark.parametrize(("severity", "zooms"), [(1, 7), (2, 12), (3, 16), (4, 21), (5, 26)])
def test_zoom_blur_is_the_mean_of_the_image_and_its_enlargements(
    severity: int, zooms: int, photographs: np.ndarray
) -> None:
    image = photographs[3, 0] / 255
    total = image.copy()
    factors = np.arange(1, 1 + 0.01 * zooms - 0.005, 0.01)
    assert len(factors) == zooms
    for factor in factors:
        cropped = int(np.ceil(32 / factor))
        first = (32 - cropped) // 2
        large = ndimage.zoom(image[first : first + cropped, first : first + cropped], factor, order=1)
        trim = (len(large) - 32) // 2
        total += large[trim : trim + 32, trim : trim + 32]
    expected = total / (zooms + 1) * 255
    assert np.abs(corrupted(photographs[3:4, :1], "zoom_blur", severity)[0, 0] - (expected - 0.5)).max() < 0.501
