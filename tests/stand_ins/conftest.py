"""Stand-ins of a few names, in a data folder that tests only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.stand_ins import make_stand_in


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in ("mnist", "fashionmnist", "cifar10", "cifar100", "imagenet", "mnist-c", "v1"):
        make_stand_in(folder, name)
    return folder
