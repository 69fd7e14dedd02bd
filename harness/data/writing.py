"""New data sets: written whole or not at all, whatever happens on the way."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.data.arrays import BLOCK, find_ready
from harness.data.manifest import MANIFEST, Manifest, Origin, SplitFile, find_manifest
from harness.data.sets import DataSet, get_dataset
from harness.errors import DataDamaged, DataError

Existing = Literal["refuse", "replace", "keep"]
"""What happens to a set that is there already; `keep` remakes one that is visibly damaged."""


class SplitArrays(NamedTuple):
    """A split on its way to the disk."""

    name: str
    images: NDArray[np.uint8]
    """(n, c, h, w)"""
    labels: NDArray[np.int64]
    """(n,)"""


def write_set(
    data_dir: Path,
    name: str,
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
    dataset = get_dataset(name)
    with _writable(data_dir / name) as folder:
        there = find_ready(data_dir, name) if existing == "keep" else None
        if there:
            return there
        if existing == "refuse":
            refuse_existing(data_dir, name)
        files = {arrays.name: _write_split(folder, dataset, arrays, classes) for arrays in splits}
        manifest = Manifest(name=name, classes=tuple(classes), origin=origin, splits=files)
        _sync(folder)  # the manifest must never be there before the files that it names
        partial = folder / f"{MANIFEST}.partial"
        _write(partial, [manifest.model_dump_json(indent=2).encode() + b"\n"])
        partial.replace(folder / MANIFEST)
        _sync(folder)
    return manifest


def refuse_existing(data_dir: Path, name: str) -> None:
    """Raise DataError if the set is there already, damaged or not."""
    if (data_dir / get_dataset(name).name / MANIFEST).exists():
        raise DataError(f"data set {name} is in {data_dir} already; say --replace to put other images in its place")


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[Path]:
    """The folder, made if need be and held against other writers; leftovers are swept before and after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _sweep(folder)
            try:
                yield folder
            finally:
                _sweep(folder)
        finally:
            os.close(handle)
    except OSError as error:
        raise DataError(
            f"cannot write {folder}: {error.strerror or error}; nothing was changed. "
            "Free some space, or set HARNESS_DATA_DIR to a folder that can be written"
        ) from error


def _sweep(folder: Path) -> None:
    """Remove the files that no manifest names: they are what an interrupted or replaced import left."""
    try:
        manifest = find_manifest(folder.parent, folder.name)
    except DataDamaged:
        return
    named = {entry.file for entry in manifest.splits.values()} if manifest else set()
    for path in [*folder.glob("*.safetensors"), *folder.glob("*.partial")]:
        if path.name not in named:
            path.unlink(missing_ok=True)


def _write_split(folder: Path, dataset: DataSet, arrays: SplitArrays, classes: Sequence[str]) -> SplitFile:
    split, images, labels = arrays
    if images.shape[1:] != dataset.shape or images.dtype != np.uint8:
        raise ValueError(f"{dataset.name}/{split}: images must be uint8 (n, *{dataset.shape}), got {images.shape}")
    if labels.shape != images.shape[:1] or labels.dtype != np.int64:
        raise ValueError(f"{dataset.name}/{split}: labels must be int64 ({len(images)},), got {labels.shape}")
    parts: list[bytes | memoryview] = [_header(images, labels, classes), _bytes(labels), _bytes(images)]
    partial = folder / f"{split}.partial"
    digest = _write(partial, parts)
    path = folder / f"{split}-{digest[:12]}.safetensors"
    partial.replace(path)
    n, channels, height, width = images.shape
    return SplitFile(
        file=path.name, bytes=sum(map(len, parts)), sha256=digest, shape=(n, channels, height, width), dtype="uint8"
    )


def _header(images: NDArray[np.uint8], labels: NDArray[np.int64], classes: Sequence[str]) -> bytes:
    """The head of a safetensors file, written here so that its bytes never depend on a library's version."""
    middle, end = labels.nbytes, labels.nbytes + images.nbytes
    table = {
        "__metadata__": {"classes": json.dumps(list(classes))},
        "labels": {"dtype": "I64", "shape": list(labels.shape), "data_offsets": [0, middle]},
        "images": {"dtype": "U8", "shape": list(images.shape), "data_offsets": [middle, end]},
    }
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the arrays start at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text


def _bytes(array: NDArray[np.uint8] | NDArray[np.int64]) -> memoryview:
    """An array's bytes in C order and little-endian."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data.cast("B")


def _write(path: Path, parts: Iterable[bytes | memoryview]) -> str:
    """Write a file down to the disk; returns its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for part in parts:
            for start in range(0, len(part), BLOCK):
                block = part[start : start + BLOCK]
                digest.update(block)
                file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    """Bring a folder's entries down to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
