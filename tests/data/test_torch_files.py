from __future__ import annotations

import argparse
import os
import pickle
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from harness.data.weights.torch_files import read_safetensors, read_tensors
from harness.errors import ImportRefused

TENSORS = {"conv.weight": torch.arange(5000.0).view(50, 100), "count": torch.tensor(3)}


def saved(path: Path, content: object, *, zipped: bool = True) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def shortened(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("content", [TENSORS, {"state_dict": TENSORS, "epoch": 3, "args": ["--lr", 0.1]}])
def test_tensors_are_read_from_both_of_torchs_formats_alone_or_as_a_state_dict(
    tmp_path: Path, content: object, zipped: bool
) -> None:
    found = read_tensors(saved(tmp_path / "weights.pt", content, zipped=zipped))
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


class Harmful:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.witness}",)


def test_code_in_a_pickle_is_refused_by_name_and_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    path = saved(tmp_path / "weights.pt", {"a": Harmful(witness), **TENSORS})
    with pytest.raises(ImportRefused, match=r"weights\.pt would use posix\.system when it is read; nothing"):
        read_tensors(path)
    assert not witness.exists()


def test_whole_modules_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=r"would use torch\.nn\.modules\.linear\.Linear.*network\.state_dict\(\)"):
        read_tensors(saved(tmp_path / "weights.pt", torch.nn.Linear(2, 2)))


@pytest.mark.parametrize(
    ("beside", "named"), [(np.float64(0.9), "numpy"), (argparse.Namespace(lr=0.1), "argparse.Namespace")]
)
def test_what_training_programs_leave_beside_the_tensors_is_refused_with_a_way_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: object, named: str
) -> None:
    path = saved(tmp_path / "weights.pt", {"state_dict": TENSORS, "best": beside})
    with pytest.raises(ImportRefused, match=f"holds {named}.* beside its tensors") as refused:
        read_tensors(path)
    [command] = re.findall('python -c "(.*)" FILE', str(refused.value))
    assert f'"{command}" FILE' in (Path(__file__).parents[2] / "docs" / "published-models.md").read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["-c", str(path)])
    exec(command)
    assert read_tensors(tmp_path / "tensors.pt").keys() == TENSORS.keys()


@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html><title>Google Drive - Quota exceeded</title>", "\n<html>Sign in</html>"]
)
def test_a_web_page_is_refused_as_one(tmp_path: Path, page: str) -> None:
    (tmp_path / "weights.pt").write_text(page)
    with pytest.raises(ImportRefused, match=r"weights\.pt is a web page, not weights .*with a browser"):
        read_tensors(tmp_path / "weights.pt")


def test_an_empty_file_is_refused_as_one(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").touch()
    with pytest.raises(ImportRefused, match=r"weights\.pt is empty"):
        read_tensors(tmp_path / "weights.pt")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, share: float, zipped: bool) -> None:
    path = shortened(saved(tmp_path / "weights.pt", TENSORS, zipped=zipped), share)
    with pytest.raises(ImportRefused, match=r"weights\.pt (is cut short or damaged|is not a file of weights)"):
        read_tensors(path)


def test_a_flipped_bit_in_a_tensor_is_seen_by_the_zips_checksum(tmp_path: Path) -> None:
    path = saved(tmp_path / "weights.pt", TENSORS)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match=r"weights\.pt is damaged: weights/data/0 in it has another checksum"):
        read_tensors(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_altered_bytes_anywhere_are_refused_or_read_but_never_a_traceback(tmp_path: Path, zipped: bool) -> None:
    whole = saved(tmp_path / "weights.pt", {"w": torch.ones(2)}, zipped=zipped).read_bytes()
    numbers = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        content = np.frombuffer(whole, np.uint8).copy()
        content[numbers.integers(len(content), size=3)] = numbers.integers(256, size=3)
        (tmp_path / "weights.pt").write_bytes(content.tobytes())
        try:
            read_tensors(tmp_path / "weights.pt")
        except ImportRefused:
            refused += 1
    assert refused > 50


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(np.random.default_rng(0).bytes(1000))
    with pytest.raises(ImportRefused, match="is not a file of weights"):
        read_tensors(path)
    path.write_bytes(pickle.dumps({"w": [1, 2]}))
    with pytest.raises(ImportRefused, match="is not a file of weights"):
        read_tensors(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights/data.pkl", b"0" * 100_000)
    with pytest.raises(ImportRefused, match="is a compressed zip"):
        read_tensors(path)


def test_what_is_not_tensors_by_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    for content, message in (
        ([torch.ones(2)], "holds no named tensors, only a list"),
        ({}, "holds no named tensors, only a dict"),
        ({"state_dict": {}}, "holds no named tensors, only a dict"),
        ({**TENSORS, "epoch": 3}, "'epoch' is of type int, not a tensor"),
        (
            {"model": TENSORS},
            r"'model' is of type dict, not a tensor; save the tensors .* torch.save\(loaded\['model'\]",
        ),
        ({"w": torch.tensor([1, float("nan")])}, "'w' has numbers that are not finite"),
        ({"w": torch.tensor([float("inf")])}, "'w' has numbers that are not finite"),
        ({"w": torch.eye(2).to_sparse()}, "'w' is torch.float32 in the layout torch.sparse_coo, no plain tensor"),
        ({"w": torch.ones(2, device="meta")}, "'w' is torch.float32 in the layout torch.strided, no plain tensor"),
    ):
        with pytest.raises(ImportRefused, match=message):
            read_tensors(saved(path, content))


def test_the_tensors_of_a_safetensors_file_are_read(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "mine.safetensors")
    found = read_safetensors(tmp_path / "mine.safetensors", "mine")
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999])
def test_a_safetensors_file_that_is_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    save_file(TENSORS, tmp_path / "mine.safetensors")
    with pytest.raises(ImportRefused, match="mine is no safetensors file or is damaged"):
        read_safetensors(shortened(tmp_path / "mine.safetensors", share), "mine")


def test_a_safetensors_file_of_numbers_that_are_not_finite_is_refused(tmp_path: Path) -> None:
    save_file({"w": torch.tensor([1, torch.nan])}, tmp_path / "mine.safetensors")
    with pytest.raises(ImportRefused, match="'w' has numbers that are not finite"):
        read_safetensors(tmp_path / "mine.safetensors", "mine")


def test_what_is_no_safetensors_file_is_refused_as_none(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="mine is no safetensors file"):
        read_safetensors(saved(tmp_path / "mine.safetensors", TENSORS), "mine")
