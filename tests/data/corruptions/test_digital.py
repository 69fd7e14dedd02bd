from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from harness.data.corruptions import CORRUPTIONS, corrupted
from harness.data.corruptions.draws import Draws


def test_contrast_pulls_each_channel_towards_its_own_mean(photographs: np.ndarray) -> None:
    means = photographs.mean(axis=(2, 3), keepdims=True)
    expected = np.clip((photographs - means) * 0.4 + means, 0, 255)
    assert np.abs(corrupted(photographs, "contrast", 3) - expected).max() <= 1


@pytest.mark.parametrize("severity", [1, 2, 5])
def test_elastic_transform_is_the_published_one_image_by_image(severity: int, photographs: np.ndarray) -> None:
    strength, smoothness, corner = CORRUPTIONS["elastic_transform"].constants[severity - 1]
    images = photographs[:4, :, :30]
    draws = Draws(4, ("corruption", "elastic_transform", severity))
    found = corrupted(images, "elastic_transform", severity)
    moves, shifts = draws.uniform("displacement", -1, 1, 2, 30, 32), draws.uniform("corners", -corner, corner, 3, 2)
    y, x = np.mgrid[:30, :32].astype(float)
    for image, move, shift, mine in zip(images, moves, shifts, found, strict=True):
        old = np.array([[16 + 10, 15 + 10], [16 + 10, 15 - 10], [16 - 10, 15 - 10]], float)
        new = old + shift
        back = np.linalg.inv([[*point, 1] for point in new]) @ old  # (x, y, 1) @ back is where it comes from
        from_x, from_y = (x * back[0, i] + y * back[1, i] + back[2, i] for i in (0, 1))
        dx, dy = (ndimage.gaussian_filter(part, smoothness, mode="reflect", truncate=3) * strength for part in move)
        for channel, result in zip(image / 255, mine, strict=True):
            tilted = ndimage.map_coordinates(channel, [from_y, from_x], order=1, mode="mirror")
            expected = ndimage.map_coordinates(tilted, [y + dy, x + dx], order=1, mode="reflect") * 255
            assert np.abs(result - (expected - 0.5)).max() < 0.501  # the fraction is cut


def test_pixelate_and_jpeg_are_pillows(photographs: np.ndarray) -> None:
    images, box = photographs[:3, :, :28], Image.Resampling.BOX
    for image, pixelated, jpeg in zip(
        images, corrupted(images, "pixelate", 5), corrupted(images, "jpeg_compression", 2), strict=True
    ):
        picture = Image.fromarray(image.transpose(1, 2, 0))
        expected = np.asarray(picture.resize((20, 18), box).resize((32, 28), box))
        np.testing.assert_array_equal(pixelated.transpose(1, 2, 0), expected)
        file = BytesIO()
        picture.save(file, "JPEG", quality=65)
        np.testing.assert_array_equal(jpeg.transpose(1, 2, 0), np.asarray(Image.open(file)))
