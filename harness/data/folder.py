"""Import of images in torchvision's ImageFolder layout: train/CLASS/*.png, test/CLASS/*.png."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.data.manifest import Manifest
from harness.data.order import fair_order
from harness.data.origin import origin_of
from harness.data.pictures import SUFFIXES, pixels
from harness.data.progress import OnProgress, ignore_progress
from harness.data.sets import DATASETS, DataSet
from harness.data.source import Inside, Source, open_source
from harness.data.writing import Existing, SplitArrays, refuse_existing, write_set
from harness.errors import ImportRefused
from harness.machine import available_cores
from harness.names import lookup

Layout = dict[str, dict[str, str]]
"""split -> file name -> class"""

BATCH_IMAGES, BATCH_BYTES = 64, 1 << 20  # decoded between two reports of progress


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
    layout = split_layout(source, splits or dataset.splits)
    classes = class_names(layout, path)
    if dataset.classes not in (None, len(classes)):
        some = ", ".join(classes[:12])
        raise ImportRefused(f"{path}: train has {len(classes)} classes ({some}), {name} has {dataset.classes}")
    files = {split: fair_order(layout[split])[:first] for split in layout}
    images = decoded(source, dataset, files, on_progress)
    return write_set(
        data_dir,
        dataset,
        [SplitArrays(split, images[split], labels(layout[split], files[split], classes)) for split in files],
        classes=classes,
        origin=origin_of(path),
        existing=existing,
    )


def labels(split: Mapping[str, str], files: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """The numbers of the files' classes: (files,)."""
    number = {label: index for index, label in enumerate(classes)}
    return np.array([number[split[file]] for file in files], np.int64)


def split_layout(source: Source, splits: tuple[str, ...]) -> Layout:
    """Each split's images and their classes; whatever else lies in a split's folder is refused, not skipped."""
    layout: Layout = {split: {} for split in splits}
    for name in source.names():
        split, *parts = name.split("/")
        if split in layout:
            layout[split][name] = class_of(source, name, parts, f"{split}/")
    for split, files in layout.items():
        if not files:
            raise ImportRefused(f"{source.path} has no images in {split}/CLASS/")
    return layout


def class_of(source: Source, name: str, parts: Sequence[str], where: str = "") -> str:
    """The class of an image; raises ImportRefused for a file that is none, or lies deeper.

    parts: its name from where the classes lie on.
    """
    if len(parts) != 2 or not name.lower().endswith(SUFFIXES):
        raise ImportRefused(f"{source.path}: {name!r} is not {where}CLASS/IMAGE with {', '.join(SUFFIXES)}")
    return parts[0]


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


def decoded(
    source: Source, dataset: DataSet, files: Mapping[str, Sequence[str]], on_progress: OnProgress
) -> dict[str, NDArray[np.uint8]]:
    """All images of all splits, each in its place, in one pass through the source: uint8 (n, c, h, w)."""
    images = {split: np.empty((len(names), *dataset.shape), np.uint8) for split, names in files.items()}
    place = {name: images[split][row] for split, names in files.items() for row, name in enumerate(names)}

    def decode(batch: list[tuple[str, bytes]]) -> int:
        for name, content in batch:
            place[name][:] = pixels(content, name, dataset)
        return len(batch)

    done = 0
    batches = _batches(source.read(place))
    for count in _in_threads(decode, batches) if dataset.crop else map(decode, batches):
        done += count
        on_progress(done, len(place))
    if done != len(place):
        raise ImportRefused(f"{source.path} changed while it was read")
    return images


def _in_threads(
    decode: Callable[[list[tuple[str, bytes]]], int], batches: Iterable[list[tuple[str, bytes]]]
) -> Iterator[int]:
    """`map` on all cores, with few batches in memory at a time.

    Pillow decodes outside the GIL, which pays for photographs. Images of 32 x 32 are quicker without threads: most of
    their time is Python's own, and handing the GIL over for each of them costs more than it gains (measured).
    """
    workers = len(available_cores())
    with ThreadPoolExecutor(workers) as pool:
        pending: deque[Future[int]] = deque()
        for batch in batches:
            pending.append(pool.submit(decode, batch))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        for future in pending:
            yield future.result()


def _batches(files: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    size = 0
    for name, content in files:
        batch.append((name, content))
        size += len(content)
        if len(batch) == BATCH_IMAGES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
