"""A data set of a few images, as MNIST has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.data.array_files import LOCK
from harness.data.manifest import Manifest
from harness.data.origin import Origin
from harness.data.sets import DATASETS
from harness.data.writing import SplitArrays, write_set

CLASSES = [str(digit) for digit in range(10)]
ORIGIN = Origin(kind="import", source="made-up.tar", importer="0")


def split_arrays(name: str, n: int = 20, seed: int = 0) -> SplitArrays:
    numbers = np.random.default_rng(seed)
    images = numbers.integers(0, 256, (n, 1, 28, 28), dtype=np.uint8)
    return SplitArrays(name, images, numbers.integers(0, 10, n))


def write(data_dir: Path, seed: int = 0, **changes: object) -> Manifest:
    splits = [split_arrays("train", seed=seed), split_arrays("test", 7, seed=seed)]
    return write_set(data_dir, DATASETS["mnist"], splits, **({"classes": CLASSES, "origin": ORIGIN} | changes))  # type: ignore[arg-type]


def file_of(data_dir: Path, split: str = "train") -> Path:
    [path] = (data_dir / "mnist").glob(f"{split}-*.safetensors")
    return path


def files(data_dir: Path) -> set[str]:
    return {path.name for path in (data_dir / "mnist").iterdir()} - {LOCK}
