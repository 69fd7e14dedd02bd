from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from harness.report.arrays import Arrays
from harness.report.paper.pictures import PICTURES
from harness.report.paper.spectra import whole_rings
from harness.store import arrays


def test_a_radial_spectrum_ends_at_half_the_shorter_side() -> None:
    radial = pd.DataFrame({"x": range(23)})
    assert list(whole_rings(radial, {"none": np.zeros((32, 28))})["x"]) == list(range(15))
    assert len(whole_rings(radial, {})) == 23


def test_images_have_no_frame(tmp_path: Path) -> None:
    images = dict.fromkeys(("clean", "gaussian", "uniform", "salt_pepper"), np.zeros((1, 1, 4, 4), np.float32))
    files = arrays.save(tmp_path, "job", images)
    own = {"evaluation": "noise_examples", "condition": None}
    rows = [own | {"name": file.name, "file": file.file, "sha256": file.sha256} for file in files]
    data = pd.DataFrame({"analysis": ["noise_examples"], "point": ["epsilon=0.06"]})
    figure = PICTURES["noises"].draw(data, {}, {}, Arrays(pd.DataFrame(rows), tmp_path))
    assert not any(spine.get_visible() for axis in figure.axes for spine in axis.spines.values())
