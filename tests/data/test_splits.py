from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from few_images import CLASSES, ORIGIN, file_of, split_arrays, write
from safetensors.numpy import load_file

from harness.data.catalogue import split_file
from harness.data.manifest_file import MANIFEST
from harness.data.origin import Origin
from harness.data.sets import DATASETS
from harness.data.splits import open_split, verify
from harness.data.writing import write_set
from harness.errors import DataDamaged, DataMissing, UnknownName


def test_what_is_written_is_what_is_opened(tmp_path: Path) -> None:
    write(tmp_path)
    _, images, labels = split_arrays("train")
    split = open_split(tmp_path, "mnist", "train")
    assert (split.images.dtype, split.labels.dtype) == (torch.uint8, torch.int64)
    np.testing.assert_array_equal(split.images.numpy(), images)
    np.testing.assert_array_equal(split.labels.numpy(), labels)


def test_the_digest_is_the_files_sha256_and_depends_on_the_content_alone(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", origin=Origin(kind="download", source="elsewhere", importer="9"))
    write(tmp_path / "c", seed=1)
    write(tmp_path / "d", classes=CLASSES[::-1])
    digests = [open_split(tmp_path / folder, "mnist", "train").digest for folder in "abcd"]
    assert digests[0] == digests[1] == hashlib.sha256(file_of(tmp_path / "a").read_bytes()).hexdigest()
    assert len(set(digests)) == 3


def test_the_files_are_what_the_safetensors_library_reads(tmp_path: Path) -> None:
    write(tmp_path)
    tensors = load_file(file_of(tmp_path))
    np.testing.assert_array_equal(tensors["images"], split_arrays("train").images)
    np.testing.assert_array_equal(tensors["labels"], split_arrays("train").labels)


def test_writing_to_an_opened_split_leaves_the_file_alone(tmp_path: Path) -> None:
    write(tmp_path)
    open_split(tmp_path, "mnist", "train").images.zero_()
    verify(tmp_path, "mnist")


def test_a_missing_set_names_the_command_that_brings_it(tmp_path: Path) -> None:
    for look in (open_split, split_file):
        with pytest.raises(DataMissing, match="harness data prepare mnist"):
            look(tmp_path, "mnist", "train")
    with pytest.raises(DataMissing, match="harness data prepare mnist"):
        verify(tmp_path, "mnist")


def test_a_split_that_the_set_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="split of mnist"):
        open_split(tmp_path, "mnist", "validation")


def test_a_split_that_was_not_brought_is_missing(tmp_path: Path) -> None:
    write_set(tmp_path, DATASETS["mnist"], [split_arrays("train")], classes=CLASSES, origin=ORIGIN)
    with pytest.raises(DataMissing, match=r"has no test; bring the whole set with"):
        open_split(tmp_path, "mnist", "test")


def test_a_truncated_file_is_damaged(tmp_path: Path) -> None:
    write(tmp_path)
    path = file_of(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    for look in (open_split, split_file):
        with pytest.raises(DataDamaged, match=r"train-.*bytes instead of.*harness data prepare mnist --replace"):
            look(tmp_path, "mnist", "train")


def test_a_removed_file_is_damaged(tmp_path: Path) -> None:
    write(tmp_path)
    file_of(tmp_path).unlink()
    with pytest.raises(DataDamaged, match="No such file"):
        open_split(tmp_path, "mnist", "train")


@pytest.mark.parametrize("position", [9, -1])
def test_a_flipped_byte_is_found_by_verify(tmp_path: Path, position: int) -> None:
    write(tmp_path)
    path = file_of(tmp_path, "test")
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataDamaged, match=r"test-.*SHA-256"):
        verify(tmp_path, "mnist")


def test_a_flipped_bit_of_the_head_is_found_when_a_split_is_opened(tmp_path: Path) -> None:
    write(tmp_path)
    path = file_of(tmp_path)
    content = bytearray(path.read_bytes())
    end = 8 + int.from_bytes(content[:8], "little")
    for position in range(end):
        content[position] ^= 1
        path.write_bytes(content)
        with pytest.raises(DataDamaged, match=r"train-.*harness data prepare mnist --replace"):
            open_split(tmp_path, "mnist", "train")
        content[position] ^= 1


def test_a_flipped_byte_in_the_header_is_found_when_the_split_is_opened(tmp_path: Path) -> None:
    write(tmp_path)
    path = file_of(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"U8"', b'"I8"'))
    with pytest.raises(DataDamaged, match="instead of"):
        open_split(tmp_path, "mnist", "train")
    path.write_bytes(b"\xff" * path.stat().st_size)
    with pytest.raises(DataDamaged, match="damaged"):
        open_split(tmp_path, "mnist", "train")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("shape", [21, 1, 28, 28], "instead of"),
        ("shape", [20, 3, 28, 28], r"images of train are \(3, 28, 28\), not \(1, 28, 28\)"),
        ("bytes", 5, "bytes instead of 5"),
        ("dtype", "float32", "dtype"),
        ("file", "../other.safetensors", "file"),
        ("sha256", "0" * 64, "SHA-256"),
    ],
)
def test_an_altered_manifest_is_noticed(tmp_path: Path, key: str, value: object, problem: str) -> None:
    write(tmp_path)
    path = tmp_path / "mnist" / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["splits"]["train"][key] = value
    path.write_text(json.dumps(manifest))
    look = verify if key == "sha256" else partial(open_split, split="train")
    with pytest.raises(DataDamaged, match=problem):
        look(tmp_path, "mnist")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}'])
def test_a_manifest_that_makes_no_sense_is_damaged_and_can_be_replaced(tmp_path: Path, text: str) -> None:
    write(tmp_path)
    (tmp_path / "mnist" / MANIFEST).write_text(text)
    with pytest.raises(DataDamaged, match=MANIFEST):
        open_split(tmp_path, "mnist", "train")
    write(tmp_path, existing="keep")
    verify(tmp_path, "mnist")


def test_a_manifest_of_another_set_is_damaged(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "mnist").rename(tmp_path / "fashionmnist")
    with pytest.raises(DataDamaged, match="belongs to mnist"):
        open_split(tmp_path, "fashionmnist", "train")


def test_verify_reports_every_byte(tmp_path: Path) -> None:
    manifest = write(tmp_path)
    counts: list[int] = []
    verify(tmp_path, "mnist", counts.append)
    assert sum(counts) == sum(entry.bytes for entry in manifest.splits.values())


def test_an_opened_split_survives_its_replacement(tmp_path: Path) -> None:
    write(tmp_path)
    split = open_split(tmp_path, "mnist", "train")
    write(tmp_path, seed=1, existing="replace")
    np.testing.assert_array_equal(split.images.numpy(), split_arrays("train").images)
