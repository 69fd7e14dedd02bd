from __future__ import annotations

import numpy as np
import pytest

from harness.data.corruptions.frost import frost_textures


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


def test_needles_grow_in_three_directions_60_degrees_apart() -> None:
    for texture in frost_textures(128):
        power = np.abs(np.fft.fftshift(np.fft.fft2(texture - texture.mean()))) ** 2
        y, x = np.mgrid[-64:64, -64:64]
        ring = (np.hypot(x, y) > 16) & (np.hypot(x, y) < 40)
        sextuple = (power * np.exp(6j * np.arctan2(y, x)))[ring].sum() / power[ring].sum()
        assert abs(sextuple) > 0.1
