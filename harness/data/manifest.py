"""What is written beside a data set's arrays: which files they are, their digests, and where they came from.

    DATA_DIR/NAME/manifest.json
    DATA_DIR/NAME/SPLIT-<first 12 digits of its SHA-256>.safetensors

The manifest is replaced in one step after the files it names are safely on the disk. So a set is either the old
one or the new one, and a file that the manifest does not name is a leftover of something that was interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.data.sets import DataSet, get_dataset
from harness.errors import DataDamaged, DataError, DataMissing, UnknownName

MANIFEST = "manifest.json"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(_Record):
    """Where a set's images came from. It is stored with every result; it is not part of the content's digest."""

    kind: Literal["download", "import", "bundled", "generated"]
    source: str
    """Archive, folder, package or set that the images were read from, without its path."""
    sha256: str | None = None
    """Of the source archive, where there is one."""
    importer: str
    """Version of the harness that made the arrays."""


class SplitFile(_Record):
    """One file of arrays."""

    file: str = Field(pattern=r"^[a-z0-9_-]+\.safetensors$")
    bytes: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the file, which depends on images, labels and class names alone."""
    shape: tuple[int, int, int, int]
    """Of the images: number, channels, height, width."""
    dtype: Literal["uint8"]
    """Of the images; labels are int64."""


class Manifest(_Record):
    """A data set on the disk."""

    format: Literal[1] = 1
    name: str
    classes: tuple[str, ...]
    """Class names in the order of the labels."""
    origin: Origin
    splits: dict[str, SplitFile]


def find_manifest(data_dir: Path, name: str) -> Manifest | None:
    """The set's manifest, or None if the set is not there; raises DataDamaged if it makes no sense."""
    dataset = get_dataset(name)
    path = data_dir / name / MANIFEST
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise damaged(dataset, path, f"{where + ': ' if where else ''}{problem['msg']}") from None
    wrong = [split for split, entry in manifest.splits.items() if entry.shape[1:] != dataset.shape]
    if manifest.name != name or wrong:
        what = f"images of {wrong[0]} are {manifest.splits[wrong[0]].shape[1:]}, not {dataset.shape}" if wrong else ""
        raise damaged(dataset, path, what or f"it belongs to {manifest.name}")
    return manifest


def get_manifest(data_dir: Path, name: str) -> Manifest:
    """The set's manifest; raises DataMissing with the command that brings the set."""
    manifest = find_manifest(data_dir, name)
    if manifest is None:
        raise DataMissing(f"data set {name} is not in {data_dir}; bring it with: {get_dataset(name).bring}")
    return manifest


def split_file(data_dir: Path, name: str, split: str) -> tuple[Manifest, SplitFile, Path]:
    """Where a split lies, after a look at its size; raises UnknownName, DataMissing or DataDamaged."""
    dataset = get_dataset(name)
    if split not in dataset.splits:
        raise UnknownName(f"split of {name}", split, dataset.splits)
    manifest = get_manifest(data_dir, name)
    if split not in manifest.splits:
        raise DataMissing(
            f"{name} in {data_dir} ({manifest.origin.kind}) has no {split}; bring the whole set with: {dataset.bring}"
        )
    entry = manifest.splits[split]
    path = data_dir / name / entry.file
    try:
        size = path.stat().st_size
    except OSError as error:
        raise damaged(dataset, path, f"cannot be read: {error.strerror}") from None
    if size != entry.bytes:
        raise damaged(dataset, path, f"it has {size} bytes instead of {entry.bytes}")
    return manifest, entry, path


def damaged(dataset: DataSet, path: Path, what: str) -> DataDamaged:
    """The error for a file that is not what was written."""
    return DataDamaged(f"{path} is damaged: {what}; bring the set again with: {dataset.bring} --replace")
