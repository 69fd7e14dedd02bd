"""A data set's manifest, beside its arrays: which files they are, their digests, and where they came from.

    DATA_DIR/NAME/manifest.json
    DATA_DIR/NAME/SPLIT-<first 12 digits of its SHA-256>.safetensors

The manifest is replaced in one step after the files it names are safely on the disk. So a set is either the old
one or the new one, and a file that the manifest does not name is a leftover of something that was interrupted.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from harness.data.manifest_file import MANIFEST, ArrayFile, Record, find_record
from harness.data.origin import Origin
from harness.data.sets import DataSet
from harness.errors import DataDamaged


class SplitFile(ArrayFile):
    """The file of a split: its content is images, labels and class names."""

    shape: tuple[PositiveInt, Literal[1, 3], PositiveInt, PositiveInt]
    """Of the images: number, channels, height, width."""
    dtype: Literal["uint8"]
    """Of the images; labels are int64."""


class Manifest(Record):
    """A data set on the disk."""

    format: Literal[1] = 1
    name: str
    classes: tuple[str, ...]
    """Class names in the order of the labels."""
    origin: Origin
    splits: dict[str, SplitFile] = Field(min_length=1)


def find_manifest(data_dir: Path, dataset: DataSet) -> Manifest | None:
    """The set's manifest, or None if the set is not there; raises DataDamaged if it makes no sense."""
    manifest = stored_manifest(data_dir, dataset)
    if manifest is None:
        return None
    wrong = [split for split, entry in manifest.splits.items() if entry.shape[1:] != dataset.shape]
    if manifest.name != dataset.name or wrong:
        what = f"images of {wrong[0]} are {manifest.splits[wrong[0]].shape[1:]}, not {dataset.shape}" if wrong else ""
        raise damaged(dataset, data_dir / dataset.name / MANIFEST, what or f"it belongs to {manifest.name}")
    return manifest


def stored_manifest(data_dir: Path, dataset: DataSet) -> Manifest | None:
    """The manifest in the set's folder, of whatever set it is, or None; raises DataDamaged if it makes no sense."""
    return find_record(data_dir / dataset.name / MANIFEST, Manifest, partial(damaged, dataset))


def damaged(dataset: DataSet, path: Path, what: str) -> DataDamaged:
    """The error for a file that is not what was written."""
    return DataDamaged(f"{path} is damaged: {what}; bring the set again with: {dataset.bring} --replace")
