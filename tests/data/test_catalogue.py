from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from few_images import CLASSES, ORIGIN, split_arrays

from harness.data.catalogue import get_dataset, get_manifest
from harness.data.corruptions import corrupt
from harness.data.imports.own_sets import write_own_set
from harness.data.inventory import described
from harness.data.manifest_file import MANIFEST
from harness.errors import DataDamaged, DataMissing, UnknownName


def write_mine(data_dir: Path) -> None:
    """A set of one's own, as large as MNIST's images."""
    splits = [split_arrays("train"), split_arrays("test", 7)]
    write_own_set(data_dir, "mine", splits, classes=CLASSES, origin=ORIGIN, existing="replace")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_mine(tmp_path)
    return tmp_path


def test_before_it_is_corrupted_its_twin_is_missing_with_the_command(data_dir: Path) -> None:
    with pytest.raises(DataMissing, match="bring it with: harness data corrupt mine"):
        get_manifest(data_dir, "mine-c")


def test_an_unknown_name_is_refused_with_the_nearest_one_and_how_sets_become_known(data_dir: Path) -> None:
    for name, nearest in (("cifar-10", "cifar10"), ("mime", "mine"), ("mine/", "mine")):
        with pytest.raises(UnknownName, match=f"did you mean '{nearest}'.*harness data import NAME PATH --own"):
            get_dataset(data_dir, name)


def test_a_damaged_manifest_is_told_with_the_command_that_brings_the_set_again(data_dir: Path) -> None:
    (data_dir / "mine" / MANIFEST).write_text('{"format": 1, "splits": {}}')
    with pytest.raises(DataDamaged, match=r"harness data import mine PATH --own --replace"):
        get_dataset(data_dir, "mine")
    [found] = [found for found in described(data_dir) if found.dataset.name == "mine"]
    assert found.state == "damaged"
    write_mine(data_dir)
    assert get_dataset(data_dir, "mine").classes == 10


def test_corrupted_images_whose_clean_set_is_gone_are_not_offered_themselves(data_dir: Path) -> None:
    corrupt(data_dir, "mine")
    shutil.rmtree(data_dir / "mine")
    with pytest.raises(UnknownName, match="no data set called 'mine-c'; did you mean 'mnist-c'"):
        get_dataset(data_dir, "mine-c")
