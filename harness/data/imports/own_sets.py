"""Sets of one's own on their way to the disk, wherever their images come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.data.array_files import OURS
from harness.data.download import FOLDER as DOWNLOADS
from harness.data.manifest import Manifest
from harness.data.manifest_file import MANIFEST, checked_name
from harness.data.origin import Origin
from harness.data.recordings import FOLDER as RECORDINGS
from harness.data.sets import CORRUPTED, DATASETS, own_set, undescribed_set
from harness.data.similarities import FOLDER as SIMILARITIES
from harness.data.weights import WEIGHTS
from harness.data.weights.table import FOLDER as WEIGHTS_FOLDER
from harness.data.writing import Existing, SplitArrays, refuse_existing, write_set
from harness.errors import DataError, ImportRefused, SpecError
from harness.spec.training import CHANNELS

BLOCK = 1000  # images looked at together
OTHER_FOLDERS = {RECORDINGS, SIMILARITIES, DOWNLOADS, WEIGHTS_FOLDER}
"""What else a data folder holds: no set may be called so, since each lies in a folder of its name."""


def require_free(data_dir: Path, name: str, *, existing: Existing) -> None:
    """Raises SpecError for a name that means something else, DataError where something is that is to stay."""
    if name in DATASETS or name in WEIGHTS:
        raise SpecError(f"{name!r} is taken; give your own set another name, or import {name} itself without --own")
    if name in OTHER_FOLDERS:
        raise SpecError(f"{name!r} is the name of a folder for other data; give your own set another name")
    if name.endswith(CORRUPTED):
        clean = name.removesuffix(CORRUPTED)
        raise SpecError(f"{name!r} is reserved for {clean!r} with corruptions; give your own set another name")
    place = data_dir / checked_name("data set", name)
    strange = place.exists() and not all(OURS.fullmatch(path.name) for path in place.iterdir())
    if strange and not (place / MANIFEST).exists():
        raise DataError(
            f"{place} holds files that are not a data set; give the set another name, or move the folder away"
        )
    if existing == "refuse":
        refuse_existing(data_dir, undescribed_set(name))


def require_classes(classes: Sequence[str], path: Path, *, train_only: bool) -> None:
    """Raises ImportRefused where a network would have nothing to tell apart."""
    if len(classes) < 2 and not train_only:
        raise ImportRefused(f"{path} has images of only one class, {classes[0]!r}; a network needs two to tell apart")


def write_own_set(
    data_dir: Path,
    name: str,
    splits: Sequence[SplitArrays],
    *,
    classes: Sequence[str],
    origin: Origin,
    existing: Existing,
) -> Manifest:
    """Write a whole set of one's own, gray if no pixel of it has a color; raises DataError as `write_set`."""
    channels = CHANNELS["rgb"] if any(_is_colored(split.images) for split in splits) else 1
    written = [split._replace(images=np.ascontiguousarray(split.images[:, :channels])) for split in splits]
    _, *size = written[0].images.shape[1:]
    dataset = own_set(
        name,
        (channels, size[0], size[1]),
        len(classes),
        {split.name: len(split.images) for split in written},
    )
    return write_set(data_dir, dataset, written, classes=classes, origin=origin, existing=existing)


def _is_colored(images: NDArray[np.uint8]) -> bool:
    """Whether a pixel of images (n, 1 or 3, h, w) is not gray."""
    blocks = (images[first : first + BLOCK] for first in range(0, len(images), BLOCK))
    return any(bool((block != block[:, :1]).any()) for block in blocks)
