"""What is written beside a data set's arrays: which files they are, their digests, and where they came from.

    DATA_DIR/NAME/manifest.json
    DATA_DIR/NAME/SPLIT-<first 12 digits of its SHA-256>.safetensors

The manifest is replaced in one step after the files it names are safely on the disk. So a set is either the old
one or the new one, and a file that the manifest does not name is a leftover of something that was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from harness.data.records import MANIFEST, ArrayFile, Record, find_record, is_name, sized_file
from harness.data.sets import BRING_OWN, CORRUPTED, DATASETS, DataSet, corrupted_set, own_set
from harness.errors import DataDamaged, DataMissing, UnknownName


class Origin(Record):
    """Where a set's images came from. It is stored with every result; it is not part of the content's digest."""

    kind: Literal["download", "import", "bundled", "generated", "stand-in"]
    """`generated`: made here of other data; `stand-in`: made here for want of the real data, to try the mechanics."""
    source: str
    """Archive, folder, package or set that the images were read from, without its path."""
    sha256: str | None = None
    """Of the source archive, where there is one."""
    importer: str
    """Version of the harness that made the arrays."""

    @property
    def stand_in(self) -> bool:
        """Made for want of the real data, or of such data."""
        return self.kind == "stand-in"

    @property
    def generated(self) -> bool:
        """Made by this program, stand-ins too."""
        return self.kind in {"generated", "stand-in"}

    @property
    def of_derived(self) -> Literal["generated", "stand-in"]:
        """The kind of what this program makes of it: of a stand-in another one."""
        return "stand-in" if self.stand_in else "generated"


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


def get_dataset(data_dir: Path, name: str) -> DataSet:
    """The set of that name: of the table, of one's own in the folder, or such a one corrupted.

    Raises:
        UnknownName: says the nearest known one, and how sets of one's own are brought.
        DataDamaged: it is one's own, and its manifest makes no sense.
    """
    if name in DATASETS:
        return DATASETS[name]
    own = _find_own(data_dir, name.removesuffix(CORRUPTED))
    if own and not name.endswith(CORRUPTED):
        return own
    if own and own.role == "classification":
        return corrupted_set(own)
    raise unknown_dataset(name, {*DATASETS, *own_names(data_dir)} - {name})


def unknown_dataset(name: str, known: Iterable[str], kind: str = "data set") -> UnknownName:
    """The error for a name that no set has, neither the table's nor one's own."""
    return UnknownName(kind, name, known, f"one of your own is brought with: {BRING_OWN.format('NAME')}")


def own_names(data_dir: Path) -> list[str]:
    """The sets of one's own that lie in a folder, corrupted ones too."""
    found = (path.parent.name for path in data_dir.glob(f"*/{MANIFEST}"))
    return sorted(name for name in found if is_name(name) and name not in DATASETS)


def undescribed_set(name: str) -> DataSet:
    """A set of one's own of which no more than its name is known."""
    return own_set(name, (0, 0, 0), 0, {})


def _find_own(data_dir: Path, name: str) -> DataSet | None:
    """A set of one's own, as its manifest describes it."""
    if not is_name(name):
        return None
    manifest = find_record(data_dir / name / MANIFEST, Manifest, partial(damaged, undescribed_set(name)))
    if manifest is None:
        return None
    _, *shape = next(iter(manifest.splits.values())).shape
    counts = {split: entry.shape[0] for split, entry in manifest.splits.items()}
    return own_set(name, (shape[0], shape[1], shape[2]), len(manifest.classes), counts)


def find_manifest(data_dir: Path, dataset: DataSet) -> Manifest | None:
    """The set's manifest, or None if the set is not there; raises DataDamaged if it makes no sense."""
    path = data_dir / dataset.name / MANIFEST
    manifest = find_record(path, Manifest, partial(damaged, dataset))
    if manifest is None:
        return None
    wrong = [split for split, entry in manifest.splits.items() if entry.shape[1:] != dataset.shape]
    if manifest.name != dataset.name or wrong:
        what = f"images of {wrong[0]} are {manifest.splits[wrong[0]].shape[1:]}, not {dataset.shape}" if wrong else ""
        raise damaged(dataset, path, what or f"it belongs to {manifest.name}")
    return manifest


def get_manifest(data_dir: Path, name: str) -> Manifest:
    """The set's manifest; raises UnknownName, or DataMissing with the command that brings the set."""
    return _manifest_of(data_dir, get_dataset(data_dir, name))


def _manifest_of(data_dir: Path, dataset: DataSet) -> Manifest:
    manifest = find_manifest(data_dir, dataset)
    if manifest is None:
        raise DataMissing(f"data set {dataset.name} is not in {data_dir}; bring it with: {dataset.bring}")
    return manifest


def split_file(data_dir: Path, name: str, split: str) -> tuple[Manifest, SplitFile, Path]:
    """Where a split lies, after a look at its size; raises UnknownName, DataMissing or DataDamaged."""
    dataset = get_dataset(data_dir, name)
    if split not in dataset.splits:
        raise UnknownName(f"split of {name}", split, dataset.splits)
    manifest = _manifest_of(data_dir, dataset)
    if split not in manifest.splits:
        raise DataMissing(
            f"{name} in {data_dir} ({manifest.origin.kind}) has no {split}; bring the whole set with: {dataset.bring}"
        )
    entry = manifest.splits[split]
    return manifest, entry, sized_file(data_dir / name, entry, partial(damaged, dataset))


def damaged(dataset: DataSet, path: Path, what: str) -> DataDamaged:
    """The error for a file that is not what was written."""
    return DataDamaged(f"{path} is damaged: {what}; bring the set again with: {dataset.bring} --replace")
