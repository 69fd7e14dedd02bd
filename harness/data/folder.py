"""Import of images in torchvision's ImageFolder layout: train/CLASS/*.png, test/CLASS/*.png."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

import harness
from harness.data.arrays import file_sha256
from harness.data.manifest import Manifest, Origin
from harness.data.order import fair_order
from harness.data.pictures import SUFFIXES, pixels
from harness.data.sets import DataSet, get_dataset
from harness.data.source import Source, open_source
from harness.data.writing import Existing, SplitArrays, refuse_existing, write_set
from harness.errors import ImportRefused
from harness.machine import available_cores

OnProgress = Callable[[int, int], None]
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
    replace: bool = False,
    on_progress: OnProgress | None = None,
) -> Manifest:
    """Make a data set of a folder or archive; nothing is written before every image has been read.

    Labels number the sorted class names. Images are put into the fixed order of `fair_order`, by their path from
    train/ or test/ on, so a folder and its archives give the same set.

    splits: those of the set if absent. first: keep only so many of each split. on_progress: told (done, total) images.

    Raises:
        ImportRefused: names the file or class that does not fit.
        DataError: the set is there already and is not to be replaced, or cannot be written.
    """
    dataset = get_dataset(name)
    if not replace:
        refuse_existing(data_dir, name)
    source = open_source(path)
    names = source.names()
    top = top_folder(names)
    layout = _layout(source, names, top, splits or dataset.splits)
    classes = _classes(dataset, layout, path)
    files = {split: [top + file for file in fair_order(layout[split])[:first]] for split in layout}
    images = _decoded(source, dataset, files, on_progress)
    number = {label: index for index, label in enumerate(classes)}
    labels = {
        split: np.array([number[layout[split][file.removeprefix(top)]] for file in files[split]], np.int64)
        for split in files
    }
    arrays = [SplitArrays(split, images[split], labels[split]) for split in files]
    origin = Origin(
        kind="import",
        source=path.resolve().name,
        sha256=file_sha256(path) if path.is_file() else None,
        importer=harness.__version__,
    )
    existing: Existing = "replace" if replace else "refuse"
    return write_set(data_dir, name, arrays, classes=classes, origin=origin, existing=existing)


def top_folder(names: Iterable[str]) -> str:
    """The folder that everything lies in, with its slash, or "" if train/ or test/ is at the top."""
    shown = [name for name in names if not _hidden(name)]
    firsts = {name.split("/", 1)[0] for name in shown}
    if len(firsts) != 1 or not all("/" in name for name in shown) or firsts & {"train", "test"}:
        return ""
    return f"{firsts.pop()}/"


def _hidden(name: str) -> bool:
    """Files that desktops and archivers leave behind."""
    return any(part.startswith(".") or part in {"__MACOSX", "Thumbs.db", "desktop.ini"} for part in name.split("/"))


def _layout(source: Source, names: Iterable[str], top: str, splits: tuple[str, ...]) -> Layout:
    """Each split's images and their classes; whatever else lies in a split's folder is refused, not skipped."""
    layout: Layout = {split: {} for split in splits}
    for name in names:
        parts = PurePosixPath(name.removeprefix(top)).parts
        if _hidden(name) or parts[0] not in layout:
            continue
        if len(parts) != 3 or not parts[2].lower().endswith(SUFFIXES):
            raise ImportRefused(f"{source.path}: {name!r} is not {parts[0]}/CLASS/IMAGE with {', '.join(SUFFIXES)}")
        layout[parts[0]][name.removeprefix(top)] = parts[1]
    for split, files in layout.items():
        if not files:
            raise ImportRefused(f"{source.path} has no images in {split}/CLASS/")
    return layout


def _classes(dataset: DataSet, layout: Layout, path: Path) -> list[str]:
    """The class names in the order of their labels: sorted, numbers by their value."""
    found = {split: set(files.values()) for split, files in layout.items()}
    numbers = all(name.isdecimal() for name in found["train"])
    classes = sorted(found["train"], key=lambda name: (int(name) if numbers else 0, name))
    if dataset.classes not in (None, len(classes)):
        some = ", ".join(classes[:12])
        raise ImportRefused(f"{path}: train has {len(classes)} classes ({some}), {dataset.name} has {dataset.classes}")
    for split, present in found.items():
        odd = sorted(present ^ found["train"])
        if odd:
            what = (
                f"lacks the class {odd[0]!r} of train"
                if odd[0] in found["train"]
                else f"has a class {odd[0]!r}, train not"
            )
            raise ImportRefused(f"{path}: {split} {what}")
    return classes


def _decoded(
    source: Source, dataset: DataSet, files: Mapping[str, list[str]], on_progress: OnProgress | None
) -> dict[str, NDArray[np.uint8]]:
    """All images of all splits, each in its place, in one pass through the source."""
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
        if on_progress:
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
