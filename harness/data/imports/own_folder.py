"""Import of a set of one's own: images in folders by class, divided into train and test or not, of any size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.data.imports.class_folders import Layout, class_names, class_of, read_splits, split_layout
from harness.data.imports.own_sets import require_classes, require_free, write_own_set
from harness.data.imports.pictures import SUFFIXES, size_of
from harness.data.imports.source import Inside, Source, open_source
from harness.data.manifest import Manifest
from harness.data.order import fair_order
from harness.data.origin import origin_of
from harness.data.progress import OnProgress, ignore_progress
from harness.data.sets import own_set
from harness.data.writing import Existing
from harness.errors import ImportRefused, SpecError
from harness.spec.training import CHANNELS

DIVIDING = "divided/"
UNNAMED = "all"  # the class of images for pairs that lie in no folder


def import_own_images(
    data_dir: Path,
    name: str,
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    test_fraction: float | None = None,
    train_only: bool = False,
    first: int | None = None,
    existing: Existing = "refuse",
    on_progress: OnProgress = ignore_progress,
) -> Manifest:
    """Make a set of one's own of a folder or archive; nothing is written before every image has been read.

    It is gray if no pixel of it has a color. The images lie in train/CLASS/ and test/CLASS/, or all in CLASS/; those
    for pairs alone need no classes.

    size: height and width that the largest center of each image with these proportions is brought to; if absent, all
        must have one size. test_fraction: share of each class that becomes the test images, where nothing is divided.
    train_only: no test images, for pairs alone. first: keep only so many of each split, a fair sample.
    on_progress: told (done, total) images.

    Raises:
        SpecError: the name is no name for such a set; test_fraction is given with train_only.
        ImportRefused: names the file or class that does not fit.
        DataError: the set is there already and is not to be replaced, or cannot be written.
    """
    require_free(data_dir, name, existing=existing)
    source = Inside(open_source(path))
    layout = _layout(source, test_fraction, train_only)
    _require_all(source, layout, but_for="test/" if train_only else None)
    classes = class_names(layout, path)
    require_classes(classes, path, train_only=train_only)
    shape = (CHANNELS["rgb"], *(size or _size(source, fair_order(layout["train"])[0])))
    in_color = own_set(name, shape, len(classes), {}, "largest" if size else None)
    return write_own_set(
        data_dir,
        name,
        read_splits(source, layout, classes, in_color, first, on_progress),
        classes=classes,
        origin=origin_of(path, made=f", brought to {shape[1]} x {shape[2]}" if size else ""),
        existing=existing,
    )


def _layout(source: Source, test_fraction: float | None, train_only: bool) -> Layout:
    """Each split's images and their classes."""
    if train_only and test_fraction:
        raise SpecError("--train-only and --test-fraction exclude each other: with the first there are no test images")
    divided = {name.split("/", 1)[0] for name in source.names()} & {"train", "test"}
    if divided:
        if test_fraction:
            raise ImportRefused(f"{source.path} has {min(divided)}/ already; leave --test-fraction out")
        return split_layout(source, ("train",) if train_only else ("train", "test"))
    classes = {name: class_of(source, name, name.split("/")) for name in source.names() if "/" in name}
    if train_only:
        alone = {name: UNNAMED for name in source.names() if "/" not in name and name.lower().endswith(SUFFIXES)}
        classes = classes or alone
    if not classes:
        raise ImportRefused(
            f"{source.path} has no images in train/CLASS/ and test/CLASS/, nor in CLASS/; images without classes are "
            "for pairs alone: --train-only"
        )
    if train_only:
        return {"train": classes}
    if test_fraction is None:
        raise ImportRefused(
            f"{source.path} is not divided into train/ and test/; --test-fraction 0.2 makes a fifth of each class test "
            "images, --train-only makes a set for pairs alone"
        )
    return _divided(source, classes, test_fraction)


def _require_all(source: Source, layout: Layout, but_for: str | None) -> None:
    """Raises ImportRefused if images lie elsewhere than the set's; but_for: where those lie that are not wanted."""
    taken = {name for files in layout.values() for name in files}
    others = [
        name
        for name in source.names()
        if name not in taken and name.lower().endswith(SUFFIXES) and not (but_for and name.startswith(but_for))
    ]
    if others:
        more = f" and {len(others) - 1} more images lie" if len(others) > 1 else " lies"
        raise ImportRefused(
            f"{source.path}: {others[0]!r}{more} outside of the classes' folders; move them there, or away"
        )


def _divided(source: Source, classes: Mapping[str, str], test_fraction: float) -> Layout:
    """A share of each class, as good as drawn, and the rest."""
    layout: Layout = {"train": {}, "test": {}}
    for label in sorted(set(classes.values())):
        # an order of its own: that of the split would put images before others that are only of another class
        drawn = fair_order(f"{DIVIDING}{name}" for name, found in classes.items() if found == label)
        files = [name.removeprefix(DIVIDING) for name in drawn]
        n_test = max(1, round(test_fraction * len(files)))
        if n_test == len(files):
            raise ImportRefused(f"{source.path}: class {label!r} has {len(files)} images, too few to divide")
        for place, name in enumerate(files):
            layout["test" if place < n_test else "train"][name] = label
    return layout


def _size(source: Source, name: str) -> tuple[int, int]:
    """Height and width of one image."""
    _, content = next(source.read({name}))
    return size_of(content, name)
