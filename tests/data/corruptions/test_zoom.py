from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from harness.data.corruptions.zoom import mapped, zoom_map


@pytest.mark.parametrize("factor", [1, 1.04, 1.25, 1.75, 2.25])
@pytest.mark.parametrize("size", [28, 32])
def test_a_zoom_is_scipys_of_the_cropped_center(factor: float, size: int) -> None:
    pixels = np.random.default_rng(0).random((3, 2, size, size))
    cropped = int(np.ceil(size / factor))
    first = (size - cropped) // 2
    center = pixels[..., first : first + cropped, first : first + cropped]
    large = ndimage.zoom(center, (1, 1, factor, factor), order=1)
    trim = (large.shape[-1] - size) // 2
    expected = large[..., trim : trim + size, trim : trim + size]
    np.testing.assert_allclose(mapped(pixels, zoom_map(size, size, factor)), expected, atol=1e-12)


def test_height_and_width_may_differ() -> None:
    rows = np.tile(np.arange(20.0)[:, None], (1, 30))[None, None]
    found = mapped(rows, zoom_map(20, 30, 2))[0, 0]
    np.testing.assert_allclose(found[:, 0], 5 + np.arange(20) * 9 / 19)
    np.testing.assert_allclose(np.ptp(found, axis=1), 0, atol=1e-12)
