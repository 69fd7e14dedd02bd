from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from harness.data.weights import WEIGHTS, find_weights, weights_file
from harness.errors import DataError
from harness.models.features import feature_rows
from harness.models.zoo import load_robustbench
from harness.spec import RobustBenchSpec
from harness.stand_ins import make_stand_in
from harness.stand_ins.weights import RANDOM

MODAS = RobustBenchSpec(model="Modas2021PRIMEResNet18")
CPU = torch.device("cpu")


def test_all_weights_of_the_table_have_a_stand_in() -> None:
    assert RANDOM.keys() == WEIGHTS.keys()


def test_robustbench_loads_them(tmp_path: Path) -> None:
    make_stand_in(tmp_path, MODAS.weights)
    manifest = find_weights(tmp_path, MODAS.weights)
    assert manifest is not None
    assert manifest.origin.stand_in
    logits = load_robustbench(MODAS, weights_file(tmp_path, MODAS.weights), CPU)(torch.rand(2, 3, 32, 32))
    assert logits.isfinite().all()


def test_they_are_the_same_everywhere_and_leave_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first, again = RANDOM[MODAS.weights](), RANDOM[MODAS.weights]()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_features_of_images_can_be_told_apart(tmp_path: Path) -> None:
    make_stand_in(tmp_path, "vgg19")
    images = torch.randint(256, (6, 1, 36, 64), dtype=torch.uint8)
    rows = feature_rows(images, "conv3_1", weights_file(tmp_path, "vgg19"), CPU).float()
    similarity = rows @ rows.T
    assert similarity.diagonal().allclose(torch.ones(6), atol=1e-3)
    assert (similarity - torch.eye(6)).abs().max() < 0.9


def test_no_room_for_a_temporary_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="No space left on device; free some space there, or set TMPDIR"):
        make_stand_in(tmp_path, MODAS.weights)
    assert not (tmp_path / "weights").exists()
