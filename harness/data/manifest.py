"""A data set's manifest, beside its arrays: which files they are, their digests, and where they came from.

    DATA_DIR/NAME/manifest.json
    DATA_DIR/NAME/SPLIT-<first 12 digits of its SHA-256>.safetensors

The manifest is replaced in one step after the files it names are safely on the disk. So a set is either the old
one or the new one, and a file that the manifest does not name is a leftover of something that was interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from harness.data.manifest_file import MANIFEST, AnyManifest, ArrayFile, ManifestFile
from harness.data.origin import Origin
from harness.data.sets import DataSet


class SplitFile(ArrayFile):
    """The file of a split: its content is images, labels and class names."""

    shape: tuple[PositiveInt, Literal[1, 3], PositiveInt, PositiveInt]
    """Of the images: number, channels, height, width."""
    dtype: Literal["uint8"]
    """Of the images; labels are int64."""


class Manifest(AnyManifest):
    """A data set on the disk."""

    classes: tuple[str, ...]
    """Class names in the order of the labels."""
    origin: Origin
    splits: dict[str, SplitFile] = Field(min_length=1)

    @property
    def array_files(self) -> Iterable[ArrayFile]:
        """One for each split."""
        return self.splits.values()


def set_manifest_file(data_dir: Path, dataset: DataSet) -> ManifestFile[Manifest]:
    """Where the set's manifest lies, if the set is there."""
    remedy = f"bring the set again with: {dataset.bring} --replace"
    return ManifestFile(data_dir / dataset.name / MANIFEST, Manifest, dataset.name, remedy)


def classes_text(classes: Sequence[str]) -> str:
    """The class names as the file of a split has them, beside its arrays."""
    return json.dumps(list(classes))


def find_manifest(data_dir: Path, dataset: DataSet) -> Manifest | None:
    """The set's manifest, or None if the set is not there; raises DataDamaged if it makes no sense for this set."""
    place = set_manifest_file(data_dir, dataset)
    manifest = place.find()
    for split, entry in manifest.splits.items() if manifest else ():
        if entry.shape[1:] != dataset.shape:
            raise place.damaged(place.path, f"images of {split} are {entry.shape[1:]}, not {dataset.shape}")
    return manifest
