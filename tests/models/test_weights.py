from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from harness.errors import HarnessError, WeightsDamaged
from harness.models import weights

TENSORS = {
    "kernel": torch.arange(240, dtype=torch.float32).view(2, 3, 5, 8).to(memory_format=torch.channels_last),
    "count": torch.tensor(7),
}
METADATA = {"epochs": [{"loss": 0.1}, {"loss": 1 / 3}], "best": None}


def test_what_is_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    path = weights.save(tmp_path / "new" / "folder", "weights", TENSORS, METADATA)
    tensors, metadata = weights.load(path)
    assert metadata == METADATA
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_the_name_carries_the_sha256_and_nothing_else_stays(tmp_path: Path) -> None:
    path = weights.save(tmp_path, "weights", TENSORS, METADATA)
    assert path.name == f"weights-{hashlib.sha256(path.read_bytes()).hexdigest()}.safetensors"
    assert list(tmp_path.iterdir()) == [path]
    assert weights.save(tmp_path, "weights", TENSORS, dict(reversed(METADATA.items()))) == path


@pytest.mark.parametrize("damage", ["truncated", "altered", "emptied", "missing"])
def test_damaged_weights_are_refused_by_name(tmp_path: Path, damage: str) -> None:
    path = weights.save(tmp_path, "weights", TENSORS, METADATA)
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    damaged = {"truncated": content[:-1], "altered": content, "emptied": b""}
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(damaged[damage])
    with pytest.raises(WeightsDamaged, match=path.name):
        weights.load(path)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond `size` fail, as they do on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_clear_error_and_leaves_earlier_files_alone(tmp_path: Path) -> None:
    earlier = weights.save(tmp_path, "weights", TENSORS, METADATA)
    with (
        file_size_limit(512),
        pytest.raises(HarnessError, match=r"cannot write .*weights-.* \(1,\d\d\d bytes\): .*make room"),
    ):
        weights.save(tmp_path, "weights", TENSORS, {})
    assert list(tmp_path.iterdir()) == [earlier]


def test_a_folder_that_cannot_be_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="cannot write"):
        weights.save(tmp_path / "file" / "folder", "weights", TENSORS, {})
