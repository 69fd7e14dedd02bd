"""New data sets: written whole or not at all, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.data.array_files import writable, write_arrays, write_manifest
from harness.data.inventory import find_ready
from harness.data.manifest import Manifest, SplitFile, classes_text, set_manifest_file
from harness.data.origin import Origin
from harness.data.sets import DataSet
from harness.errors import DataError

RefuseOrReplace = Literal["refuse", "replace"]
KeepOrReplace = Literal["keep", "replace"]
Existing = Literal[RefuseOrReplace, KeepOrReplace]
"""What happens to what is there already; `keep` remakes what is visibly damaged."""


class SplitArrays(NamedTuple):
    """A split on its way to the disk."""

    name: str
    images: NDArray[np.uint8]
    """(n, c, h, w)"""
    labels: NDArray[np.int64]
    """(n,)"""


def write_set(
    data_dir: Path,
    dataset: DataSet,
    splits: Iterable[SplitArrays],
    *,
    classes: Sequence[str],
    origin: Origin,
    existing: Existing = "refuse",
) -> Manifest:
    """Write a whole data set; it appears, or replaces the one before, in one step at the end.

    splits: may be a generator, which is not started if the set is there and is not to be replaced; whatever it raises
        leaves the data directory as it was.

    Raises:
        DataError: the set is there already; the folder cannot be written; the disk is full.
    """
    place = set_manifest_file(data_dir, dataset)
    with writable(place) as folder:
        there = find_ready(data_dir, dataset) if existing == "keep" else None
        if there:
            return there
        if existing == "refuse":
            refuse_existing(data_dir, dataset)
        files = {arrays.name: _write_split(folder, dataset, arrays, classes) for arrays in splits}
        manifest = Manifest(name=dataset.name, classes=tuple(classes), origin=origin, splits=files)
        write_manifest(place.path, manifest)
    return manifest


def refuse_existing(data_dir: Path, dataset: DataSet) -> None:
    """Raise DataError if the set is there already, damaged or not."""
    if set_manifest_file(data_dir, dataset).path.exists():
        raise DataError(f"data set {dataset.name} is in {data_dir} already; --replace puts other images in its place")


def _write_split(folder: Path, dataset: DataSet, arrays: SplitArrays, classes: Sequence[str]) -> SplitFile:
    split, images, labels = arrays
    if images.shape[1:] != dataset.shape or images.dtype != np.uint8:
        raise ValueError(f"{dataset.name}/{split}: images must be uint8 (n, *{dataset.shape}), got {images.shape}")
    if labels.shape != images.shape[:1] or labels.dtype != np.int64:
        raise ValueError(f"{dataset.name}/{split}: labels must be int64 ({len(images)},), got {labels.shape}")
    metadata = {"classes": classes_text(classes)}
    written = write_arrays(folder, split, {"labels": labels, "images": images}, metadata)
    n, channels, height, width = images.shape
    return SplitFile(**written.model_dump(), shape=(n, channels, height, width), dtype="uint8")
