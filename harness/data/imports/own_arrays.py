"""Import of a set of one's own from arrays in one .npz file, as MedMNIST and Keras hand theirs out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.data.imports.foreign_arrays import read_npz
from harness.data.imports.own_sets import require_classes, require_free, write_own_set
from harness.data.manifest import Manifest
from harness.data.order import fair_positions
from harness.data.origin import origin_of
from harness.data.writing import Existing, SplitArrays
from harness.errors import ImportRefused
from harness.spec.training import CHANNELS

NAMES = (("{}_images", "{}_labels"), ("x_{}", "y_{}"))
"""Of a split's images and labels, MedMNIST's and Keras'."""

Arrays = dict[str, NDArray[np.generic]]


def import_own_arrays(
    data_dir: Path,
    name: str,
    path: Path,
    *,
    train_only: bool = False,
    first: int | None = None,
    existing: Existing = "refuse",
) -> Manifest:
    """Make a set of one's own of train_images, train_labels, test_images and test_labels; other arrays are left alone.

    Images are uint8 (n, h, w) or (n, h, w, 1 or 3), labels whole numbers (n,) or (n, 1). The images are put into a fair
    order, as arrays are often sorted by class. Those for pairs alone need no labels.

    train_only, first, existing: as of `import_own_images`.

    Raises:
        SpecError: the name is no name for such a set.
        ImportRefused: says which array is missing or does not fit.
        DataError: the set is there already and is not to be replaced, or cannot be written.
    """
    require_free(data_dir, name, existing=existing)
    names = ("train",) if train_only else ("train", "test")
    arrays = read_npz(path, {each.format(split) for pair in NAMES for each in pair for split in names})
    splits = [_split(arrays, split, path, train_only) for split in names]
    classes = _classes(splits, path)
    require_classes(classes, path, train_only=train_only)
    return write_own_set(
        data_dir,
        name,
        [SplitArrays(split, images[:first], labels[:first]) for split, images, labels in splits],
        classes=classes,
        origin=origin_of(path),
        existing=existing,
    )


def _classes(splits: Sequence[SplitArrays], path: Path) -> list[str]:
    """The labels as names; raises ImportRefused where splits differ in them, or in the shape of their images."""
    train = splits[0]
    found = np.unique(train.labels)
    for split in splits:
        if split.images.shape[1:] != train.images.shape[1:]:
            raise ImportRefused(f"{path}: images of {split.name} have another shape than those of train")
        if np.unique(split.labels).tolist() != list(range(len(found))):
            raise ImportRefused(
                f"{path}: labels of {split.name} must be 0 to {len(found) - 1}, each at least once, as train has "
                f"{len(found)} different ones"
            )
    return list(map(str, found))


def _split(arrays: Arrays, split: str, path: Path, train_only: bool) -> SplitArrays:
    """A split of the file in a fair order, its images (n, c, h, w); they are taken out of `arrays`."""
    known = [tuple(each.format(split) for each in names) for names in NAMES]
    found = next((names for names in known if names[0] in arrays and (train_only or names[1] in arrays)), None)
    if found is None:
        wanted = " or ".join(" and ".join(names) for names in known)
        raise ImportRefused(f"{path} has no {wanted}")
    images = arrays.pop(found[0])
    if images.dtype != np.uint8 or images.ndim not in {3, 4} or images.shape[3:] not in {(), (1,), (CHANNELS["rgb"],)}:
        raise ImportRefused(
            f"{path}: {found[0]} is {images.dtype} {images.shape}, not uint8 (n, h, w), (n, h, w, 1) or (n, h, w, 3)"
        )
    labels = arrays.get(found[1], np.zeros(len(images), np.int64))
    if labels.dtype.kind not in "iu" or labels.shape not in {(len(images),), (len(images), 1)}:
        raise ImportRefused(f"{path}: {found[1]} is {labels.dtype} {labels.shape}, not whole numbers ({len(images)},)")
    if images.size == 0:
        raise ImportRefused(f"{path}: {found[0]} holds no image")
    order = np.array(fair_positions(len(images)))
    height, width = images.shape[1:3]
    shown = images.reshape(len(images), height, width, -1).transpose(0, 3, 1, 2)
    return SplitArrays(split, shown[order].astype(np.uint8, copy=False), labels.reshape(-1)[order].astype(np.int64))
