"""Verified image arrays: one safetensors file per split, memory-mapped, opened in milliseconds.

Each file holds `images` uint8 (n, c, h, w) and `labels` int64 (n,). Its SHA-256 is the content's digest: it depends
on images, labels and class names and on nothing else, not even on the version of the safetensors library.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from harness.data.manifest import (
    MANIFEST,
    Manifest,
    Origin,
    SplitFile,
    damaged,
    find_manifest,
    get_manifest,
    split_file,
)
from harness.data.sets import DATASETS, DataSet, get_dataset
from harness.errors import DataDamaged, DataError

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 1 << 22  # bytes hashed or written at a time


@dataclass(frozen=True)
class Split:
    """A split's images, as they lie on the disk."""

    images: Tensor
    """uint8 (n, c, h, w), a private memory map: writing to it changes nothing on the disk."""
    labels: Tensor
    """int64 (n,)."""
    digest: str
    """SHA-256 of the content."""
    generated: bool
    """Made by this program, not the official images."""


class SplitArrays(NamedTuple):
    """A split on its way to the disk."""

    name: str
    images: NDArray[np.uint8]
    """(n, c, h, w)"""
    labels: NDArray[np.int64]
    """(n,)"""


def split_digest(data_dir: Path, name: str, split: str) -> str:
    """SHA-256 of a split's content as noted when it was made, after a look at the file's size.

    Raises:
        DataMissing: says the command that brings the set.
        DataDamaged: the file is gone or has another size.
    """
    return split_file(data_dir, name, split)[1].sha256


def open_split(data_dir: Path, name: str, split: str) -> Split:
    """A split, memory-mapped; size, shapes and types are checked, the content is not (see `verify`).

    Raises:
        DataMissing: says the command that brings the set.
        DataDamaged: the file is not what the manifest says.
    """
    manifest, entry, path = split_file(data_dir, name, split)
    expected = {"images": ("U8", list(entry.shape)), "labels": ("I64", [entry.shape[0]])}
    try:
        with safe_open(path, framework="pt") as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
            found = {key: (part.get_dtype(), part.get_shape()) for key, part in slices.items()}
            if found != expected:
                raise damaged(get_dataset(name), path, f"it holds {found} instead of {expected}")
            images, labels = file.get_tensor("images"), file.get_tensor("labels")
    except (SafetensorError, OSError) as error:
        raise damaged(get_dataset(name), path, str(error)) from None
    return Split(images, labels, entry.sha256, manifest.origin.kind == "generated")


def verify(data_dir: Path, name: str, on_bytes: Callable[[int], None] | None = None) -> None:
    """Read every byte of a set and compare its SHA-256; raises DataDamaged with the file's name.

    on_bytes: told how many more bytes were read.
    """
    for split in get_manifest(data_dir, name).splits:
        _, entry, path = split_file(data_dir, name, split)
        found = file_sha256(path, on_bytes)
        if found != entry.sha256:
            raise damaged(get_dataset(name), path, f"its SHA-256 is {found[:12]}..., not {entry.sha256[:12]}...")


def file_sha256(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Description:
    """A data set as `harness data list` shows it."""

    dataset: DataSet
    state: Literal["ready", "missing", "damaged"]
    images: dict[str, int]
    """Per split that is there."""
    bytes: int
    origin: Origin | None
    problem: str = ""
    """What is damaged."""

    @property
    def unusual(self) -> list[str]:
        """Splits whose number of images is not the official one, each as "train 1000 of 50000"."""
        counts = self.dataset.counts
        return [f"{split} {n} of {counts[split]}" for split, n in self.images.items() if counts.get(split, n) != n]


def described(data_dir: Path) -> list[Description]:
    """Every set of the table, there or not; sizes are checked, contents are not."""
    return [_described(data_dir, dataset) for dataset in DATASETS.values()]


def _described(data_dir: Path, dataset: DataSet) -> Description:
    try:
        manifest = find_manifest(data_dir, dataset.name)
        if manifest is None:
            return Description(dataset=dataset, state="missing", images={}, bytes=0, origin=None)
        for split in manifest.splits:
            split_file(data_dir, dataset.name, split)
    except DataDamaged as error:
        return Description(dataset=dataset, state="damaged", images={}, bytes=0, origin=None, problem=str(error))
    return Description(
        dataset=dataset,
        state="ready",
        images={split: entry.shape[0] for split, entry in manifest.splits.items()},
        bytes=sum(entry.bytes for entry in manifest.splits.values()),
        origin=manifest.origin,
    )


def write_set(
    data_dir: Path,
    name: str,
    splits: Iterable[SplitArrays],
    *,
    classes: Sequence[str],
    origin: Origin,
    existing: Literal["refuse", "replace", "keep"] = "refuse",
) -> Manifest:
    """Write a whole data set; it appears, or replaces the one before, in one step at the end.

    splits: may be a generator, which is not started if the set is there and is not to be replaced; whatever it raises
        leaves the data directory as it was.
    existing: what happens to a set that is there already; `keep` remakes one that is visibly damaged.

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
        partial = folder / f"{MANIFEST}.partial"
        _write(partial, [manifest.model_dump_json(indent=2).encode() + b"\n"])
        partial.replace(folder / MANIFEST)
    return manifest


def find_ready(data_dir: Path, name: str) -> Manifest | None:
    """The set's manifest if the set is there and nothing of it is visibly damaged."""
    ready = _described(data_dir, get_dataset(name)).state == "ready"
    return get_manifest(data_dir, name) if ready else None


def refuse_existing(data_dir: Path, name: str) -> None:
    """Raise DataError if the set is there already, damaged or not."""
    if _described(data_dir, get_dataset(name)).state != "missing":
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
                os.fsync(handle)
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
