from __future__ import annotations

import numpy as np
import pytest

from harness.data.corruptions import CORRUPTIONS, corrupted
from harness.data.corruptions.draws import Draws


def flat_images(value: int) -> np.ndarray:
    return np.full((40, 3, 32, 32), value, np.uint8)


@pytest.mark.parametrize(("severity", "deviation"), [(1, 0.04), (5, 0.10)])
def test_gaussian_noise_has_the_published_deviation(severity: int, deviation: float) -> None:
    noise = corrupted(flat_images(128), "gaussian_noise", severity) / 255 - 128 / 255
    assert noise.std() == pytest.approx(deviation, rel=0.01)


def test_shot_noise_is_poisson_with_the_published_number_of_photons() -> None:
    counts = corrupted(flat_images(102), "shot_noise", 5) / 255  # 50 photons at full brightness, 20 here
    assert counts.mean() == pytest.approx(0.4, abs=0.003)
    assert counts.std() == pytest.approx(np.sqrt(20) / 50, rel=0.01)


def test_impulse_noise_hits_the_published_share_half_of_it_white() -> None:
    found = corrupted(flat_images(100), "impulse_noise", 5)
    assert (found != 100).mean() == pytest.approx(0.07, abs=0.003)
    assert (found == 255).sum() / (found != 100).sum() == pytest.approx(0.5, abs=0.02)
    assert set(np.unique(found)) == {0, 100, 255}


def test_pixels_that_no_noise_touches_come_back_exactly() -> None:
    every_value = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    noiseless = CORRUPTIONS["gaussian_noise"].apply(every_value, 0.0, Draws(1, ("test",)))
    np.testing.assert_array_equal(noiseless, every_value)
