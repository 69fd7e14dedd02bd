"""Import of images in torchvision's ImageFolder layout: train/CLASS/*.png, test/CLASS/*.png."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.data.download import FOLDER as DOWNLOADS
from harness.data.imports.class_folders import class_names, read_splits, split_layout
from harness.data.imports.source import Inside, open_source
from harness.data.manifest import Manifest
from harness.data.origin import origin_of
from harness.data.progress import OnProgress, ignore_progress
from harness.data.sets import DATASETS, DataSet
from harness.data.writing import Existing, refuse_existing, write_set
from harness.errors import ImportRefused
from harness.names import lookup


def import_images(
    data_dir: Path,
    name: str,
    path: Path,
    *,
    splits: tuple[str, ...] | None = None,
    first: int | None = None,
    existing: Existing = "refuse",
    on_progress: OnProgress = ignore_progress,
) -> Manifest:
    """Make a data set of the table of a folder or archive; nothing is written before every image has been read.

    Labels number the sorted class names. Images are put into the fixed order of `fair_order`, by their path from
    train/ or test/ on, so a folder and its archives give the same set.

    splits: those of the set if absent. first: keep only so many of each split. on_progress: told (done, total) images.

    Raises:
        ImportRefused: names the file or class that does not fit.
        DataError: the set is there already and is not to be replaced, or cannot be written.
    """
    dataset = lookup(DATASETS, "data set", name)
    if existing == "refuse":
        refuse_existing(data_dir, dataset)
    source = Inside(open_source(path))
    official = f"official files are read from {data_dir / DOWNLOADS / name} by: {dataset.bring}"
    downloaded = dataset.bring.startswith("harness data prepare")
    layout = split_layout(source, splits or dataset.splits, instead=official if downloaded else "")
    classes = class_names(layout, path)
    if dataset.classes not in (None, len(classes)):
        some = ", ".join(classes[:12])
        raise ImportRefused(f"{path}: train has {len(classes)} classes ({some}), {name} has {dataset.classes}")
    _require_names(dataset, classes, path)
    return write_set(
        data_dir,
        dataset,
        read_splits(source, layout, classes, dataset, first, on_progress),
        classes=classes,
        origin=origin_of(path),
        existing=existing,
    )


def _require_names(dataset: DataSet, classes: Sequence[str], path: Path) -> None:
    """Raises ImportRefused for names that would number the classes otherwise than published models do."""
    if not dataset.class_names or tuple(classes) == dataset.class_names or all(map(str.isdecimal, classes)):
        return
    odd = next(name for name in classes if name not in dataset.class_names)
    raise ImportRefused(
        f"{path}: {dataset.name} has no class {odd!r}, and labels number the sorted names; call the folders "
        f"{', '.join(dataset.class_names)}, or by the numbers of their labels"
    )
