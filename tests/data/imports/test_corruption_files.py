from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.imports.corruption_files import import_corruptions
from harness.data.sets import DATASETS, FREQUENCY
from harness.data.splits import open_split
from harness.errors import DataMissing, ImportRefused

N = 50  # images per corruption here; the real sets have 50,000


@pytest.fixture(autouse=True)
def _small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    small = dataclasses.replace(DATASETS["cifar10-c"], counts=dict.fromkeys(FREQUENCY, N))
    monkeypatch.setitem(DATASETS, "cifar10-c", small)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "archive" / "CIFAR-10-C"
    folder.mkdir(parents=True)
    for seed, name in enumerate([*FREQUENCY, "speckle_noise"]):
        np.save(folder / f"{name}.npy", images(seed))
    np.save(folder / "labels.npy", np.arange(N, dtype=np.uint8) % 10)
    return folder


def images(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (N, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["folder", "outer folder", "tar", "gztar"])
def test_the_official_layout_is_read_from_a_folder_or_tar(tmp_path: Path, folder: Path, kind: str) -> None:
    if kind.endswith("tar"):
        path = Path(shutil.make_archive(str(tmp_path / "CIFAR-10-C"), kind, folder.parent))
    else:
        path = folder if kind == "folder" else folder.parent
    manifest = import_corruptions(tmp_path / "data", "cifar10-c", path)
    assert set(manifest.splits) == set(FREQUENCY)
    for seed, name in enumerate(FREQUENCY):
        found = open_split(tmp_path / "data", "cifar10-c", name)
        np.testing.assert_array_equal(found.images.numpy(), images(seed).transpose(0, 3, 1, 2))
        assert found.labels.tolist() == [i % 10 for i in range(N)]
    assert not manifest.origin.generated


def shortened(folder: Path) -> None:
    path = folder / "fog.npy"
    path.write_bytes(path.read_bytes()[:-3072])


def fewer(folder: Path) -> None:
    np.save(folder / "fog.npy", images(0)[:-1])


def floats(folder: Path) -> None:
    np.save(folder / "fog.npy", images(0).astype(np.float32))


def by_columns(folder: Path) -> None:
    np.save(folder / "fog.npy", np.asfortranarray(images(0)))


def missing(folder: Path) -> None:
    (folder / "fog.npy").unlink()


def no_labels(folder: Path) -> None:
    (folder / "labels.npy").unlink()


def few_labels(folder: Path) -> None:
    np.save(folder / "labels.npy", np.zeros(N - 1, np.uint8))


def label_ten(folder: Path) -> None:
    np.save(folder / "labels.npy", np.full(N, 10, np.uint8))


def label_below_zero(folder: Path) -> None:
    np.save(folder / "labels.npy", np.arange(N, dtype=np.int8) % 10 - 1)


def float_labels(folder: Path) -> None:
    np.save(folder / "labels.npy", np.zeros(N))


def no_npy(folder: Path) -> None:
    (folder / "fog.npy").write_bytes(b"hello")


def objects(folder: Path) -> None:
    np.save(folder / "fog.npy", np.full((N, 32, 32, 3), None), allow_pickle=True)


def huge_header(folder: Path) -> None:
    path = folder / "fog.npy"
    path.write_bytes(path.read_bytes().replace(b"(50,", b"(9e9"))


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (shortened, r"fog\.npy' is cut short"),
        (fewer, r"fog\.npy' has shape \(49, 32, 32, 3\), not \(50, 32, 32, 3\)"),
        (floats, r"fog\.npy' has type float32, not uint8"),
        (by_columns, r"fog\.npy' has shape \(50, 32, 32, 3\) in column order"),
        (missing, r"has no fog\.npy"),
        (no_labels, r"has no labels\.npy"),
        (few_labels, r"labels\.npy' has shape \(49,\), not \(50,\)"),
        (label_ten, r"labels\.npy' has labels from 10 to 10; cifar10-c has 0 to 9"),
        (label_below_zero, r"labels\.npy' has labels from -1 to 8; cifar10-c has 0 to 9"),
        (float_labels, r"labels\.npy' has type float64, not whole numbers"),
        (no_npy, r"fog\.npy' is not a \.npy file"),
        (objects, r"fog\.npy' is cut short or too long"),
        (huge_header, r"fog\.npy' is not a \.npy file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name_and_nothing_stays(
    tmp_path: Path, folder: Path, spoil: Callable[[Path], None], problem: str
) -> None:
    spoil(folder)
    with pytest.raises(ImportRefused, match=problem):
        import_corruptions(tmp_path / "data", "cifar10-c", folder)
    with pytest.raises(DataMissing):
        open_split(tmp_path / "data", "cifar10-c", "gaussian_noise")
    assert not list((tmp_path / "data").rglob("*.safetensors"))
