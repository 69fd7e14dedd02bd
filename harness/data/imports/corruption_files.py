"""Import of CIFAR-10-C and CIFAR-100-C: one .npy file per corruption, five severities stacked, and labels.npy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.data.catalogue import get_dataset
from harness.data.imports.foreign_arrays import npy_array
from harness.data.imports.source import Inside, Source, open_source
from harness.data.manifest import Manifest
from harness.data.origin import origin_of
from harness.data.progress import OnProgress, ignore_progress
from harness.data.sets import DataSet
from harness.data.writing import Existing, SplitArrays, refuse_existing, write_set
from harness.errors import ImportRefused

LABELS = "labels.npy"


def import_corruptions(
    data_dir: Path,
    name: str,
    path: Path,
    *,
    kind: Literal["import", "download"] = "import",
    existing: Existing = "refuse",
    on_progress: OnProgress = ignore_progress,
) -> Manifest:
    """Make a corruption set of a folder or tar in the official layout, the folder CIFAR-10-C/ around it or not.

    Every file's shape, type and length are checked. Other .npy files (the official extra corruptions) are left alone.
    on_progress: told (done, total) files.

    Raises:
        ImportRefused: names the file that is missing, short or of another shape or type, or the label out of range.
        DataError: the set is there already and is not to be replaced, or cannot be written.
    """
    dataset = get_dataset(data_dir, name)
    if existing == "refuse":
        refuse_existing(data_dir, dataset)
    source = Inside(open_source(path))
    names = source.names()
    for file in (LABELS, *(f"{split}.npy" for split in dataset.splits)):
        if file not in names:
            raise ImportRefused(f"{path} has no {file}")
    labels = _labels(source, dataset)
    assert dataset.classes is not None  # only classification sets have corrupted twins
    classes = [str(number) for number in range(dataset.classes)]  # labels.npy has no names
    splits = _splits(source, dataset, labels, on_progress)
    return write_set(data_dir, dataset, splits, classes=classes, origin=origin_of(path, kind), existing=existing)


def _splits(
    source: Source, dataset: DataSet, labels: NDArray[np.int64], on_progress: OnProgress
) -> Iterator[SplitArrays]:
    files = {f"{split}.npy": split for split in dataset.splits}
    for done, (file, content) in enumerate(source.read(files), start=1):
        split = files[file]
        shape = (dataset.counts[split], *dataset.size, dataset.channels)
        images = npy_array(file, content, shape)
        if images.dtype != np.uint8:
            raise ImportRefused(f"{file!r} has type {images.dtype}, not uint8")
        yield SplitArrays(split, images.astype(np.uint8, copy=False).transpose(0, 3, 1, 2), labels)
        on_progress(done, len(files))


def _labels(source: Source, dataset: DataSet) -> NDArray[np.int64]:
    [(file, content)] = source.read({LABELS})
    labels = npy_array(file, content, (dataset.counts[dataset.splits[0]],))
    if labels.dtype.kind not in "iu":
        raise ImportRefused(f"{file!r} has type {labels.dtype}, not whole numbers")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= (dataset.classes or 0):
        raise ImportRefused(
            f"{file!r} has labels from {low} to {high}; {dataset.name} has 0 to {(dataset.classes or 0) - 1}"
        )
    return labels.astype(np.int64)
