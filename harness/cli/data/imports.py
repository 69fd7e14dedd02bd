"""`harness data import`: what users have themselves, read by the importer of its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.bar import bar
from harness.cli.data.names import Kind, data_kind, ready_line
from harness.cli.options import Replace, existing
from harness.errors import SpecError
from harness.settings import settings

if TYPE_CHECKING:
    from harness.data.progress import OnProgress
    from harness.data.writing import Existing


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is said of an import beside its name and place."""

    existing: Existing
    train_only: bool
    first: int | None
    size: tuple[int, int] | None
    """Height and width."""
    test_fraction: float | None


def import_data(
    name: Annotated[str, typer.Argument(help="Data set or weights, for instance cifar10.")],
    path: Annotated[
        Path,
        typer.Argument(
            help="Folder, .tar, .tar.gz or .zip of train/CLASS/*.png, test/CLASS/*.png; of weights a .pt; --own: .npz."
        ),
    ],
    replace: Replace = False,
    train_only: Annotated[
        bool, typer.Option("--train-only", help="Only train/; enough to draw image pairs from.")
    ] = False,
    first: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Keep only N images per split, a fair sample.")
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="A set of your own, under a name that you choose.")] = False,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Of your own set: bring each image's center to this size.")
    ] = None,
    test_fraction: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=0.99, help="Of your own set: share to test with, where all images lie in CLASS/*.png."
        ),
    ] = None,
) -> None:
    """Make a data set of images that you have (NAME-c: of .npy files in CIFAR-10-C's form), or take in weights."""
    kind = "own" if own else data_kind(name)
    _refuse_what_does_not_apply(
        kind, name, of_own_sets=bool(size or test_fraction), of_folders=bool(train_only or first)
    )
    wishes = Wishes(
        existing=existing(replace),
        train_only=train_only,
        first=first,
        size=_height_and_width(size),
        test_fraction=test_fraction,
    )
    with bar(f"importing {name}") as on_progress:
        IMPORTERS[kind](name, path, wishes, on_progress)
    typer.echo(ready_line(name))
    if kind == "own":
        _tell_leaks(name)


def _tell_leaks(name: str) -> None:
    """Say which images are learned and tested on: nothing else would notice what was copied or drawn twice."""
    from harness.data.duplicates import leaked_test_images

    if leaked := leaked_test_images(settings().data_dir, name):
        typer.echo(f"{leaked} of its test images {'is' if leaked == 1 else 'are'} among its training images too")


def _height_and_width(text: str | None) -> tuple[int, int] | None:
    """Of "64x64", if something is said."""
    if text is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", text)
    if not found:
        raise SpecError(f"--size is {text!r}; give height x width, for instance 64x64")
    return int(found[1]), int(found[2])


def _refuse_what_does_not_apply(kind: Kind, name: str, *, of_own_sets: bool, of_folders: bool) -> None:
    """Raise SpecError where an option is given that data of this kind do not have."""
    if kind != "own" and of_own_sets:
        raise SpecError("--size and --test-fraction are for a set of your own; add --own")
    made_of = {"weights": "one file", "corruption": ".npy files"}.get(kind)
    if made_of and of_folders:
        raise SpecError(f"--train-only and --first are for image folders; {name} is made of {made_of}")


def _import_weights(name: str, path: Path, wishes: Wishes, on_progress: OnProgress) -> None:
    from harness.models.published_weights import import_weights

    import_weights(settings().data_dir, name, path, existing=wishes.existing)


def _import_corruptions(name: str, path: Path, wishes: Wishes, on_progress: OnProgress) -> None:
    from harness.data.imports.corruption_files import import_corruptions

    import_corruptions(settings().data_dir, name, path, existing=wishes.existing, on_progress=on_progress)


def _import_images(name: str, path: Path, wishes: Wishes, on_progress: OnProgress) -> None:
    from harness.data.imports.folder import import_images

    import_images(
        settings().data_dir,
        name,
        path,
        splits=("train",) if wishes.train_only else None,
        first=wishes.first,
        existing=wishes.existing,
        on_progress=on_progress,
    )


def _import_own(name: str, path: Path, wishes: Wishes, on_progress: OnProgress) -> None:
    """Of arrays or of image files, whichever `path` holds."""
    if path.suffix.lower() == ".npz" and not path.is_dir():
        _import_own_arrays(name, path, wishes)
    else:
        _import_own_images(name, path, wishes, on_progress)


def _import_own_arrays(name: str, path: Path, wishes: Wishes) -> None:
    from harness.data.imports.own_arrays import import_own_arrays

    if wishes.size or wishes.test_fraction:
        raise SpecError(
            f"--size and --test-fraction are for image files; {path} holds arrays of one size, divided already"
        )
    import_own_arrays(
        settings().data_dir,
        name,
        path,
        train_only=wishes.train_only,
        first=wishes.first,
        existing=wishes.existing,
    )


def _import_own_images(name: str, path: Path, wishes: Wishes, on_progress: OnProgress) -> None:
    from harness.data.imports.own_folder import import_own_images

    import_own_images(
        settings().data_dir,
        name,
        path,
        size=wishes.size,
        test_fraction=wishes.test_fraction,
        train_only=wishes.train_only,
        first=wishes.first,
        existing=wishes.existing,
        on_progress=on_progress,
    )


IMPORTERS: Mapping[Kind, Callable[[str, Path, Wishes, OnProgress], None]] = {
    "table": _import_images,
    "own": _import_own,
    "corruption": _import_corruptions,
    "weights": _import_weights,
}
