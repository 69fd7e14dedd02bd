"""Numbers computed by the authors' own code, reproduced; `HARNESS_GOLDEN` names other files of the same form.

Everything (channels, sizes, thresholds, ranges, network) is read off the arrays' names and shapes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.regularization.loss import similarity_loss
from harness.regularization.similarity import pixel_similarity, similarity_matrix, unit_rows
from harness.regularization.targets import target_values
from harness.spec.training import RegularizerSpec

Golden = dict[str, NDArray[np.generic]]

ROOT = Path(__file__).parents[1]
FILES = (
    [Path(name) for name in os.environ["HARNESS_GOLDEN"].split(":") if name]
    if "HARNESS_GOLDEN" in os.environ
    else sorted((ROOT / "../shared/golden").glob("*.npz"))
)


@pytest.fixture(
    scope="module",
    params=FILES
    or [pytest.param(None, marks=pytest.mark.skip(reason="no golden numbers; HARNESS_GOLDEN names files"))],
    ids=[path.stem for path in FILES] or None,
)
def golden(request: pytest.FixtureRequest) -> Golden:
    with np.load(request.param) as arrays:
        return {name: arrays[name] for name in arrays.files}


def thresholds(golden: Golden) -> dict[str, float]:
    """The thresholded targets in the file, with their thresholds; the one that names none has the paper's 0.8."""
    found = [(name, re.fullmatch(r"S_th([\d.]*)", name)) for name in golden]
    return {name: float(match[1] or 0.8) for name, match in found if match}


def test_pixel_similarity(golden: Golden) -> None:
    rows = unit_rows(torch.from_numpy(golden["reg_images_u8"]))
    expected = torch.from_numpy(golden["S_pixel"])
    i, j = torch.cartesian_prod(*[torch.arange(len(rows))] * 2).T
    torch.testing.assert_close(similarity_matrix(rows), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(pixel_similarity(rows, i, j).view_as(expected), expected, atol=1e-5, rtol=0)


def test_thresholded_targets(golden: Golden) -> None:
    similarity = similarity_matrix(unit_rows(torch.from_numpy(golden["reg_images_u8"])))
    for name, threshold in thresholds(golden).items():
        spec = RegularizerSpec(target="threshold", alpha=10, threshold=threshold, images="any")
        torch.testing.assert_close(target_values(similarity, spec), torch.from_numpy(golden[name]), rtol=0, atol=0)


def test_arctanh_loss(golden: Golden) -> None:
    x, y = torch.from_numpy(golden["atanh_x"]), torch.from_numpy(golden["atanh_y"])
    assert similarity_loss(x, y, "arctanh", "code").item() == pytest.approx(golden["atanh_loss"].item(), rel=1e-5)
    assert similarity_loss(x, y, "arctanh", "paper").item() == pytest.approx(
        golden["atanh_loss"].item() * len(x) / 4, rel=1e-5
    )
