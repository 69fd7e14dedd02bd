"""What lies in a data folder: which sets are there, how much of them, and what is visibly damaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.data.catalogue import get_dataset, own_names
from harness.data.manifest import Manifest, find_manifest, set_manifest_file
from harness.data.manifest_file import State
from harness.data.origin import Origin
from harness.data.sets import DATASETS, DataSet, undescribed_set
from harness.errors import DataDamaged, UnknownName


@dataclass(frozen=True, kw_only=True)
class Description:
    """A data set as `harness data list` shows it."""

    dataset: DataSet
    state: State
    images: dict[str, int] = field(default_factory=dict)
    """Per split that is there."""
    bytes: int = 0
    origin: Origin | None = None
    problem: str = ""
    """What is damaged."""

    @property
    def unusual(self) -> list[str]:
        """Splits whose number of images is not the official one, each as "train 1000 of 50000"."""
        counts = self.dataset.counts
        return [f"{split} {n} of {counts[split]}" for split, n in self.images.items() if counts.get(split, n) != n]


def described(data_dir: Path) -> list[Description]:
    """Every set of the table, there or not, and those of one's own; sizes are checked, contents are not."""
    own = [undescribed_set(name) for name in own_names(data_dir)]
    return [_described(data_dir, dataset) for dataset in (*DATASETS.values(), *own)]


def find_ready(data_dir: Path, dataset: DataSet) -> Manifest | None:
    """The set's manifest if the set is there and nothing of it is visibly damaged."""
    try:
        return _find_whole(data_dir, dataset)
    except DataDamaged:
        return None


def _described(data_dir: Path, dataset: DataSet) -> Description:
    try:
        dataset = get_dataset(data_dir, dataset.name)
        manifest = _find_whole(data_dir, dataset)
    except (DataDamaged, UnknownName) as error:  # unknown is a corrupted set of one's own without the clean one
        return Description(dataset=dataset, state="damaged", problem=str(error))
    if manifest is None:
        return Description(dataset=dataset, state="missing")
    return Description(
        dataset=dataset,
        state="ready",
        images={split: entry.shape[0] for split, entry in manifest.splits.items()},
        bytes=sum(entry.bytes for entry in manifest.array_files),
        origin=manifest.origin,
    )


def _find_whole(data_dir: Path, dataset: DataSet) -> Manifest | None:
    """The set's manifest after a look at the size of every file, None if it is not there; raises DataDamaged."""
    manifest = find_manifest(data_dir, dataset)
    for entry in manifest.array_files if manifest else ():
        set_manifest_file(data_dir, dataset).sized(entry)
    return manifest
