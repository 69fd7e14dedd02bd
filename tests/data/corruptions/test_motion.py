from __future__ import annotations

import numpy as np
import pytest

from harness.data.corruptions.motion import motion_blurred

# exp(-i^2 / 2) for i = 0, 1, 2, of weight 1
WEIGHTS = np.array([1, 0.60653, 0.13534]) / 1.74187


def blurred(images: np.ndarray, angle: float) -> np.ndarray:
    return motion_blurred(images, 1, 1.0, np.full(len(images), angle))


@pytest.mark.parametrize(
    ("angle", "steps"),
    [
        (0, [(0, 0), (0, 1), (0, 2)]),
        (90, [(0, 0), (1, 0), (2, 0)]),
        (-90, [(0, 0), (-1, 0), (-2, 0)]),
        (45, [(0, 0), (1, 1), (1, 1)]),  # 2 steps of 0.707 are 1.41
        (30, [(0, 0), (0, 1), (1, 2)]),  # 0.87 across and half a pixel down, which ImageMagick rounds to 0
    ],
)
def test_a_pixel_becomes_the_weighted_mean_along_its_line(angle: float, steps: list[tuple[int, int]]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 2, 9, 8), dtype=np.uint8)
    found = blurred(images, angle)
    for y, x in ((4, 4), (2, 5)):
        expected = sum(
            weight * images[0, :, y + down, x + across] for weight, (down, across) in zip(WEIGHTS, steps, strict=True)
        )
        assert np.abs(found[0, :, y, x] - expected).max() <= 0.5 + 1e-2


def test_beyond_the_border_the_nearest_pixel_counts() -> None:
    images = np.arange(0, 250, 10, dtype=np.uint8).reshape(1, 1, 5, 5)
    np.testing.assert_array_equal(blurred(images, 0)[0, 0, :, 4], images[0, 0, :, 4])
    np.testing.assert_array_equal(blurred(images, 90)[0, 0, 4], images[0, 0, 4])


def test_every_image_has_an_angle_of_its_own() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 12, 12), dtype=np.uint8)
    angles = np.linspace(-180, 180, 20)
    together = motion_blurred(images, 4, 2.0, angles)
    for number, angle in enumerate(angles):
        alone = motion_blurred(images[number : number + 1], 4, 2.0, np.array([angle]))
        np.testing.assert_array_equal(together[number : number + 1], alone)
