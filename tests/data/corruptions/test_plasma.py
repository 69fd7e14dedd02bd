from __future__ import annotations

import numpy as np
import pytest

from harness.data.corruptions.draws import Draws
from harness.data.corruptions.plasma import plasma


def test_clouds_fill_the_range_and_belong_to_their_image() -> None:
    clouds = plasma(32, 2, Draws(6, ("test",)))
    assert clouds.shape == (6, 32, 32)
    assert (clouds.min(axis=(1, 2)) == 0).all()
    assert (clouds.max(axis=(1, 2)) == 1).all()
    np.testing.assert_array_equal(plasma(32, 2, Draws(3, ("test",))), clouds[:3])
    assert not np.array_equal(clouds[0], clouds[1])


def test_the_smallest_clouds_are_worked_out_by_hand() -> None:
    draws = Draws(1, ("test",))
    center, top, left = draws.uniform("plasma 1", -1, 1, 3, 1, 1)[0, :, 0, 0]
    # the corner is 0; the wrapped neighbours of an edge's middle are the corner twice and the center twice
    heights = np.array([[0, center / 2 + top], [center / 2 + left, center]])
    expected = (heights - heights.min()) / np.ptp(heights)
    np.testing.assert_allclose(plasma(2, 3, draws)[0], expected)


@pytest.mark.parametrize("axis", [1, 2])
def test_clouds_are_smoother_with_more_decay_and_fit_on_themselves(axis: int) -> None:
    roughness = []
    for decay in (1.5, 2, 3):
        clouds = plasma(32, decay, Draws(20, ("test",)))
        steps = np.abs(clouds - np.roll(clouds, 1, axis))
        roughness.append(steps.mean())
        assert steps.take(0, axis).mean() < 1.5 * steps.mean()
    assert roughness == sorted(roughness, reverse=True)
