from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.data.corruptions.draws import Draws


def test_numbers_belong_to_image_and_purpose() -> None:
    many, few = Draws(5, ("fog", 1)), Draws(2, ("fog", 1))
    np.testing.assert_array_equal(many.uniform("angle", 0, 1, 3)[:2], few.uniform("angle", 0, 1, 3))
    np.testing.assert_array_equal(many.normal("flakes", 3, 2)[:2], few.normal("flakes", 3, 2))
    last = Draws(2, ("fog", 1), first=3)
    np.testing.assert_array_equal(many.uniform("angle", 0, 1, 3)[3:], last.uniform("angle", 0, 1, 3))
    assert not np.array_equal(many.uniform("angle", 0, 1, 3), many.uniform("texture", 0, 1, 3))
    assert not np.array_equal(many.uniform("angle", 0, 1), Draws(5, ("fog", 2)).uniform("angle", 0, 1))
    assert torch.equal(torch.rand(4, generator=many.generator()), torch.rand(4, generator=few.generator()))


def test_numbers_have_the_wanted_shape_and_range() -> None:
    draws = Draws(1000, ("test",))
    assert draws.uniform("one", -45, 45).shape == (1000,)
    numbers = draws.uniform("many", -45, 45, 2, 3)
    assert numbers.shape == (1000, 2, 3)
    assert numbers.min() >= -45
    assert numbers.max() < 45
    assert numbers.mean() == pytest.approx(0, abs=2)
    assert draws.normal("many", 2, 3).std() == pytest.approx(1, abs=0.03)
