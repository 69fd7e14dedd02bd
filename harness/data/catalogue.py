"""The data sets of a folder by their name: those of the table, there or not, and those of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.data.manifest import Manifest, SplitFile, find_manifest, set_manifest_file
from harness.data.manifest_file import is_name, names_in
from harness.data.sets import BRING_OWN, CORRUPTED, DATASETS, DataSet, corrupted_set, own_set, undescribed_set
from harness.errors import DataMissing, UnknownName


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


def get_manifest(data_dir: Path, name: str) -> Manifest:
    """The set's manifest; raises UnknownName, or DataMissing with the command that brings the set."""
    return _manifest_of(data_dir, get_dataset(data_dir, name))


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
    return manifest, entry, set_manifest_file(data_dir, dataset).sized(entry)


def own_names(data_dir: Path) -> list[str]:
    """The sets of one's own that lie in a folder, corrupted ones too."""
    return [name for name in names_in(data_dir) if name not in DATASETS]


def unknown_dataset(name: str, known: Iterable[str], kind: str = "data set") -> UnknownName:
    """The error for a name that no set has, neither the table's nor one's own."""
    return UnknownName(kind, name, known, f"one of your own is brought with: {BRING_OWN.format('NAME')}")


def _find_own(data_dir: Path, name: str) -> DataSet | None:
    """A set of one's own, as its manifest describes it."""
    manifest = set_manifest_file(data_dir, undescribed_set(name)).find() if is_name(name) else None
    if manifest is None:
        return None
    _, channels, height, width = next(iter(manifest.splits.values())).shape
    counts = {split: entry.shape[0] for split, entry in manifest.splits.items()}
    return own_set(name, (channels, height, width), len(manifest.classes), counts)


def _manifest_of(data_dir: Path, dataset: DataSet) -> Manifest:
    manifest = find_manifest(data_dir, dataset)
    if manifest is None:
        raise DataMissing(f"data set {dataset.name} is not in {data_dir}; bring it with: {dataset.bring}")
    return manifest
