from __future__ import annotations

import numpy as np
import pandas as pd

from harness.report.paper.pictures import whole_rings


def test_a_radial_spectrum_ends_at_half_the_shorter_side() -> None:
    radial = pd.DataFrame({"x": range(23)})
    assert list(whole_rings(radial, {"none": np.zeros((32, 28))})["x"]) == list(range(15))
    assert len(whole_rings(radial, {})) == 23
