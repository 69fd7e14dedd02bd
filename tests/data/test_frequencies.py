from __future__ import annotations

import math

import numpy as np
import pytest

from harness.data.frequencies import BANDS, bands, cycles, half_plane, radii

SIZES = [(4, 6), (5, 7), (8, 5), (36, 64), (1, 9)]
"""Heights and widths: even, odd, and neither side like the other."""


def test_radii_are_rounded_distances_from_frequency_zero() -> None:
    found = radii(4, 6)
    assert found.shape == (4, 6)
    assert found[2, 3] == 0
    assert found.tolist()[2] == [3, 2, 1, 0, 1, 2]
    assert found[0, 0] == 4  # the root of 2 * 2 + 3 * 3, rounded


@pytest.mark.parametrize("size", [4, 5])
def test_cycles_are_those_of_the_discrete_fourier_transform(size: int) -> None:
    assert cycles(size).tolist() == np.fft.fftshift(np.fft.fftfreq(size, 1 / size)).tolist()


@pytest.mark.parametrize("size", [*SIZES, (32, 32), (12, 12)])
def test_bands_are_thirds_of_half_a_cycle_per_pixel_and_a_border_is_in_the_higher_one(size: tuple[int, int]) -> None:
    found, (height, width) = bands(*size), size
    assert found.shape == size
    for (y, x), band in np.ndenumerate(found):
        frequency = math.hypot((y - height // 2) / height, (x - width // 2) / width)
        assert band == min(2, math.floor(6 * frequency + 1e-9)), (y, x)
    assert BANDS[found[height // 2, width // 2]] == "low"


def test_the_bands_of_cifars_images_have_these_sizes() -> None:
    assert np.bincount(bands(32, 32).ravel()).tolist() == [89, 268, 667]


@pytest.mark.parametrize("size", SIZES)
def test_each_frequency_of_real_images_is_in_half_the_plane_once(size: tuple[int, int]) -> None:
    """As many as NumPy's transform of real images tells apart, and each with its negative."""
    found, (height, width) = half_plane(*size), size
    assert found.of.shape == size
    for (y, x), place in np.ndenumerate(found.of):
        own = (y - height // 2, x - width // 2)
        chosen = (found.down[place], found.across[place])
        assert any(all((s * a - b) % n == 0 for a, b, n in zip(own, chosen, size, strict=True)) for s in (1, -1))
    alone = sum(-y % height == y and -x % width == x for y in range(height) for x in range(width))
    assert len(found.down) == len(found.across) == (height * width + alone) / 2
