from __future__ import annotations

import pytest

from harness.errors import SpecError
from harness.spec import RegularizerSpec
from harness.spec.problems import validated

HIGH = {"alpha": 10, "images": "digits", "pair_range": "high", "threshold": 0.5}


@pytest.mark.parametrize("target", ["neural", "raw", "label", "features", "mine.py:gist"])
def test_a_range_of_pixel_similarities_is_for_targets_of_pixels_alone(target):
    with pytest.raises(SpecError, match=rf"pair_range 'high' is one of pixel similarities; target '{target}' has all"):
        validated(RegularizerSpec, HIGH | {"target": target}, "my.toml", "conditions.mine")


@pytest.mark.parametrize("target", ["pixel", "threshold"])
def test_targets_of_pixels_have_all_ranges(target):
    assert validated(RegularizerSpec, HIGH | {"target": target}, "my.toml", "conditions.mine").pair_range == "high"
