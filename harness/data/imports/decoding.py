"""Many image files -> arrays, on all cores where that pays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from harness.data.imports.pictures import pixels
from harness.data.imports.source import Source
from harness.data.progress import OnProgress
from harness.data.sets import DataSet
from harness.errors import ImportRefused
from harness.machine import available_cores

BATCH_IMAGES, BATCH_BYTES = 64, 1 << 20  # decoded between two reports of progress


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
