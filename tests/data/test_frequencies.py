from __future__ import annotations

from harness.data.frequencies import radii


def test_radii_are_rounded_distances_from_frequency_zero() -> None:
    found = radii(4, 6)
    assert found.shape == (4, 6)
    assert found[2, 3] == 0
    assert found.tolist()[2] == [3, 2, 1, 0, 1, 2]
    assert found[0, 0] == 4  # the root of 2 * 2 + 3 * 3, rounded
