"""Images in folders by class, train/CLASS/*.png and test/CLASS/*.png: which there are, and their arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.data.imports.decoding import decoded
from harness.data.imports.pictures import SUFFIXES
from harness.data.imports.source import Source
from harness.data.order import fair_order
from harness.data.progress import OnProgress
from harness.data.sets import DataSet
from harness.data.writing import SplitArrays
from harness.errors import ImportRefused

Layout = dict[str, dict[str, str]]
"""split -> file name -> class"""
_MOST = 255  # letters, as of a folder's name


def split_layout(source: Source, splits: tuple[str, ...], instead: str = "") -> Layout:
    """Each split's images and their classes; whatever else lies in a split's folder is refused, not skipped.

    instead: what else can be done where there are no images.
    """
    layout: Layout = {split: {} for split in splits}
    for name in source.names():
        split, *parts = name.split("/")
        if split in layout:
            layout[split][name] = class_of(source, name, parts, f"{split}/")
    for split, files in layout.items():
        if not files:
            folders = sorted({name.partition("/")[0] for name in source.names() if "/" in name} - {split})
            there = f", only folders called {', '.join(folders[:5])}" if folders else ""
            raise ImportRefused(f"{source.path} has no images in {split}/CLASS/{there}{instead and f'; {instead}'}")
    return layout


def class_of(source: Source, name: str, parts: Sequence[str], where: str = "") -> str:
    """The class of an image; raises ImportRefused for a file that is none, or lies deeper.

    parts: its name from where the classes lie on.
    """
    if len(parts) != 2 or not name.lower().endswith(SUFFIXES):
        raise ImportRefused(f"{source.path}: {name!r} is not {where}CLASS/IMAGE with {', '.join(SUFFIXES)}")
    if not _is_a_name(parts[0]):
        raise ImportRefused(f"{source.path}: {name!r:.120}: a class is called by UTF-8 text of at most {_MOST} letters")
    return parts[0]


def _is_a_name(text: str) -> bool:
    """Whether a manifest can hold it; in a tar a name may be as long as the archive."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return len(text) <= _MOST


def class_names(layout: Layout, path: Path) -> list[str]:
    """The names in the order of their labels: sorted, numbers by their value; raises ImportRefused if splits differ."""
    found = {split: set(files.values()) for split, files in layout.items()}
    for split, present in found.items():
        odd = sorted(present ^ found["train"])
        if odd:
            there, missing = ("train", split) if odd[0] in found["train"] else (split, "train")
            raise ImportRefused(f"{path}: class {odd[0]!r} is in {there}/ but not in {missing}/")
    numbers = all(name.isdecimal() for name in found["train"])
    return sorted(found["train"], key=lambda name: (int(name) if numbers else 0, name))


def read_splits(
    source: Source, layout: Layout, classes: Sequence[str], dataset: DataSet, first: int | None, on_progress: OnProgress
) -> list[SplitArrays]:
    """All splits as the set stores them, in the fixed order of `fair_order`, before anything is written.

    first: keep only so many of each split. on_progress: told (done, total) images.

    Raises:
        ImportRefused: names the file that is no image for the set.
    """
    files = {split: fair_order(layout[split])[:first] for split in layout}
    images = decoded(source, dataset, files, on_progress)
    number = {label: index for index, label in enumerate(classes)}
    return [
        SplitArrays(split, images[split], np.array([number[layout[split][name]] for name in names], np.int64))
        for split, names in files.items()
    ]
