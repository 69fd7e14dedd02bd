from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from benchmarks.profiles import shares_of


def test_each_operation_counts_for_its_kind_once():
    images, weights = torch.rand(8, 16, 32, 32), torch.rand(16, 16, 3, 3)
    shares = shares_of(lambda: F.relu(F.conv2d(images, weights)))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["convolutions"] > shares["ReLU and its gradient"] > 0
    assert shares["BatchNorm"] == 0
