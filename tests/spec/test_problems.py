from __future__ import annotations

import pytest

from harness.errors import SpecError
from harness.spec.neural import SimulationSpec
from harness.spec.problems import validated


def test_what_is_wrong_with_keys_together_is_said_without_a_key():
    with pytest.raises(SpecError, match=r"^harness neural simulate: oracle_images can be at most half of the 60"):
        validated(SimulationSpec, {"n_images": 60, "oracle_images": 40}, "harness neural simulate")
