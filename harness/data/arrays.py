"""Verified image arrays: one safetensors file per split, memory-mapped, opened in milliseconds.

Each file holds `images` uint8 (n, c, h, w) and `labels` int64 (n,). Its SHA-256 is the content's digest: it depends
on images, labels and class names and on nothing else, not even on the version of the safetensors library.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from safetensors import SafetensorError, safe_open

from harness.data.manifest import (
    Manifest,
    Origin,
    damaged,
    find_manifest,
    get_dataset,
    get_manifest,
    own_names,
    split_file,
    undescribed_set,
)
from harness.data.records import check_sha256
from harness.data.sets import DATASETS, DataSet
from harness.errors import DataDamaged, HarnessError, UnknownName

if TYPE_CHECKING:
    from torch import Tensor


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
    """Made by this program, not the official images; stand-ins too."""


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
                raise _broken(data_dir, name, path, f"it holds {found} instead of {expected}")
            _check_classes(file, manifest, data_dir, path)
            images, labels = file.get_tensor("images"), file.get_tensor("labels")
    except (SafetensorError, OSError) as error:
        raise _broken(data_dir, name, path, str(error)) from None
    return Split(images, labels, entry.sha256, manifest.origin.generated)


def verify(data_dir: Path, name: str, on_bytes: Callable[[int], None] | None = None) -> None:
    """Read every byte of a set and compare its SHA-256; raises DataDamaged with the file's name.

    on_bytes: told how many more bytes were read.
    """
    for split in get_manifest(data_dir, name).splits:
        manifest, entry, path = split_file(data_dir, name, split)
        check_sha256(path, entry.sha256, partial(_broken, data_dir, name), on_bytes)
        with safe_open(path, framework="numpy") as file:
            _check_classes(file, manifest, data_dir, path)


def _check_classes(file: safe_open, manifest: Manifest, data_dir: Path, path: Path) -> None:
    """Raises DataDamaged unless the file was written with the class names of its manifest."""
    metadata: dict[str, str] | None = file.metadata()  # type: ignore[no-untyped-call]
    if tuple(json.loads((metadata or {}).get("classes", "[]"))) != manifest.classes:
        raise _broken(data_dir, manifest.name, path, "its classes are not those of the manifest")


def _broken(data_dir: Path, name: str, path: Path, what: str) -> DataDamaged:
    return damaged(get_dataset(data_dir, name), path, what)


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
    """Every set of the table, there or not, and those of one's own; sizes are checked, contents are not."""
    table = [_described(data_dir, dataset) for dataset in DATASETS.values()]
    return [*table, *(_described_own(data_dir, name) for name in own_names(data_dir))]


def _described_own(data_dir: Path, name: str) -> Description:
    try:
        return _described(data_dir, get_dataset(data_dir, name))
    except (DataDamaged, UnknownName) as error:
        return _damaged(undescribed_set(name), error)


def _described(data_dir: Path, dataset: DataSet) -> Description:
    try:
        manifest = find_manifest(data_dir, dataset)
        if manifest is None:
            return Description(dataset=dataset, state="missing", images={}, bytes=0, origin=None)
        for split in manifest.splits:
            split_file(data_dir, dataset.name, split)
    except DataDamaged as error:
        return _damaged(dataset, error)
    return Description(
        dataset=dataset,
        state="ready",
        images={split: entry.shape[0] for split, entry in manifest.splits.items()},
        bytes=sum(entry.bytes for entry in manifest.splits.values()),
        origin=manifest.origin,
    )


def _damaged(dataset: DataSet, error: HarnessError) -> Description:
    return Description(dataset=dataset, state="damaged", images={}, bytes=0, origin=None, problem=str(error))


def find_ready(data_dir: Path, dataset: DataSet) -> Manifest | None:
    """The set's manifest if the set is there and nothing of it is visibly damaged."""
    ready = _described(data_dir, dataset).state == "ready"
    return find_manifest(data_dir, dataset) if ready else None
