"""What is there already is left alone, real data above all; and what is real is put in a stand-in's place."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.data.catalogue import get_manifest
from harness.data.corruptions import corrupt
from harness.data.origin import Origin
from harness.data.preparation import prepare
from harness.data.sets import DATASETS
from harness.data.weights import WEIGHTS
from harness.data.writing import Existing, SplitArrays, write_set
from harness.errors import DataError, DataMissing, UnknownName
from harness.models.published_weights import prepare_weights
from harness.stand_ins import STAND_INS, find_obstacle, make_stand_in

REAL = Origin(kind="import", source="photographs", importer=harness.__version__)


def write_real(data_dir: Path, name: str, existing: Existing = "refuse") -> None:
    numbers = np.random.default_rng(0)
    splits = [
        SplitArrays(split, numbers.integers(0, 256, (10, *DATASETS[name].shape), np.uint8), np.arange(10))
        for split in DATASETS[name].splits
    ]
    write_set(data_dir, DATASETS[name], splits, classes=list("0123456789"), origin=REAL, existing=existing)


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_that_suites_read_and_this_program_cannot_make_has_a_stand_in() -> None:
    sets = {name for name, dataset in DATASETS.items() if not dataset.bundled}
    assert STAND_INS.keys() == {*sets, *WEIGHTS, "v1"}


def test_real_data_are_replaced_only_when_that_is_said(tmp_path: Path) -> None:
    write_real(tmp_path, "mnist")
    before = content(tmp_path)
    with pytest.raises(DataError, match=r"no stand-in of mnist .* already \(import\), and only --replace"):
        make_stand_in(tmp_path, "mnist")
    assert content(tmp_path) == before
    make_stand_in(tmp_path, "mnist", existing="replace")
    assert get_manifest(tmp_path, "mnist").origin.stand_in


def test_damaged_real_data_are_left_alone_too(tmp_path: Path) -> None:
    write_real(tmp_path, "mnist")
    (tmp_path / "mnist" / "manifest.json").write_text("{}")
    assert "already (damaged)" in (find_obstacle(tmp_path, "mnist") or "")


def test_a_real_set_is_corrupted_as_such_and_one_that_is_not_there_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"made of mnist, which is not there: harness data stand-in mnist"):
        make_stand_in(tmp_path, "mnist-c")
    write_real(tmp_path, "mnist")
    for existing in ("refuse", "replace"):
        with pytest.raises(DataError, match=r"mnist is no stand-in \(import\).* harness data corrupt mnist"):
            make_stand_in(tmp_path, "mnist-c", existing=existing)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="no stand-in called 'digit'"):
        make_stand_in(Path("nowhere"), "digit")


def test_preparing_does_not_take_a_stand_in_for_the_real_set(tmp_path: Path) -> None:
    make_stand_in(tmp_path, "imagenet")
    with pytest.raises(DataError, match="harness data import imagenet PATH"):
        prepare(tmp_path, "imagenet")


def test_preparing_makes_nothing_of_a_stand_in(tmp_path: Path) -> None:
    make_stand_in(tmp_path, "mnist")
    for _ in range(2):
        with pytest.raises(DataMissing, match=r"mnist in .* is a stand-in.* harness data prepare mnist$"):
            prepare(tmp_path, "mnist-c")
        corrupt(tmp_path, "mnist", existing="keep")
    write_real(tmp_path, "mnist", existing="replace")
    assert get_manifest(tmp_path, "mnist-c").origin.stand_in
    assert prepare(tmp_path, "mnist-c").origin.kind == "generated"


def test_preparing_does_not_take_stand_ins_for_the_published_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_stand_in(tmp_path, "vgg19")
    nowhere = dataclasses.replace(WEIGHTS["vgg19"], url="http://127.0.0.1:9/vgg19.pth")
    monkeypatch.setitem(WEIGHTS, "vgg19", nowhere)
    with pytest.raises(DataError, match=r"cannot download http://127\.0\.0\.1:9"):
        prepare_weights(tmp_path, "vgg19")
