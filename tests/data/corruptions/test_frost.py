from __future__ import annotations

import numpy as np
import pytest

from harness.data.corruptions.draws import Draws
from harness.data.corruptions.frost import DECAY, RELIEF, frost_textures
from harness.data.corruptions.plasma import plasma


def test_textures_are_different_bright_and_mostly_smooth() -> None:
    textures = frost_textures(128)
    assert textures.shape == (5, 128, 128)
    assert textures.min() >= 0
    assert textures.max() <= 1
    assert textures.mean() == pytest.approx(0.54, abs=0.05)
    assert (textures.std(axis=(1, 2)) > 0.15).all()
    assert np.abs(np.diff(textures, axis=2)).mean() < 0.08
    correlations = np.corrcoef(textures.reshape(5, -1))
    assert np.abs(correlations[~np.eye(5, dtype=bool)]).max() < 0.6


def test_needles_grow_in_three_directions_60_degrees_apart_the_brightest_in_front() -> None:
    """With 45 degrees between them the waves' sixth harmonic is below 0.2, and of the directions' mean above 0.4."""
    y, x = np.mgrid[-64:64, -64:64]
    ring = (np.hypot(x, y) > 16) & (np.hypot(x, y) < 40)
    for needles in frost_textures(128) - plasma(128, DECAY, Draws(5, ("frost",))):
        assert needles.std() == pytest.approx(RELIEF, rel=0.1)
        power = np.abs(np.fft.fftshift(np.fft.fft2(needles - needles.mean()))) ** 2
        sextuple = (power * np.exp(6j * np.arctan2(y, x)))[ring].sum() / power[ring].sum()
        assert 0.25 < abs(sextuple) < 0.4
