"""`harness data`: bring, make, list and verify the images, and the weights of published models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer
from rich.table import Table

from harness.cli.bar import bar
from harness.cli.terminal import wide_console
from harness.settings import settings

if TYPE_CHECKING:
    from harness.data.origin import Origin
    from harness.data.progress import OnProgress
    from harness.data.sets import DataSet
    from harness.data.weights import ExternalWeights
    from harness.data.writing import Existing

data_app = typer.Typer(help="Bring, make, list and verify images and published weights.", no_args_is_help=True)

Replace = Annotated[bool, typer.Option("--replace", help="Put it in the place of what is there.")]
Name = Annotated[str, typer.Argument(help="Data set, for instance cifar10.")]


@data_app.command("list")
def list_sets() -> None:
    """Show every data set and all weights: whether they are there, how much of them, and where they came from."""
    from harness.data.inventory import described
    from harness.data.weights import described_weights

    table = Table("name", "role", "images", "size", "origin", "state", box=None, pad_edge=False)
    notes: list[str] = []
    for found in described(settings().data_dir):
        row = found.dataset
        origin = _origin(found.origin) if found.origin else ""
        images = _shortened([f"{split} {n}" for split, n in found.images.items()])
        table.add_row(row.name, row.role, images, " x ".join(map(str, row.shape)), origin, found.state)
        notes += _notes(row, found.state, found.origin, found.problem)
        if found.unusual and not (found.origin and found.origin.stand_in):
            notes.append(f"{row.name} is not the whole official set: {_shortened(found.unusual)}")
    for file in described_weights(settings().data_dir):
        manifest = file.manifest
        size, origin = (_megabytes(manifest.bytes), _origin(manifest.origin)) if manifest else ("", "")
        table.add_row(file.weights.name, "weights", "", size, origin, file.state)
        notes += _notes(file.weights, file.state, manifest.origin if manifest else None, file.problem)
    wide_console().print(table)
    typer.echo("\n".join(["", f"in {settings().data_dir}", *notes]))


@data_app.command()
def prepare(
    names: Annotated[list[str], typer.Argument(help="Data sets or weights, for instance mnist.")],
    replace: Replace = False,
) -> None:
    """Download sets and weights, or make what is made here; checksums are verified, interrupted downloads go on."""
    from harness.data.catalogue import get_dataset
    from harness.data.preparation import prepare as prepare_set
    from harness.data.weights.preparation import prepare_weights

    data_dir = settings().data_dir
    for name, are_weights in [(name, _are_weights(name)) for name in names]:  # wrong names are told before a download
        with bar(f"preparing {name}", in_bytes=are_weights or not get_dataset(data_dir, name).generated) as on_progress:
            if are_weights:
                from harness.models.misfit import misfit

                prepare_weights(data_dir, name, misfit=misfit, replace=replace, on_progress=on_progress)
            else:
                prepare_set(data_dir, name, replace=replace, on_progress=on_progress)
        _say_ready(name)


@data_app.command("import")
def import_set(
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
    first: Annotated[int | None, typer.Option(min=1, help="Keep only so many images per split, a fair sample.")] = None,
    own: Annotated[bool, typer.Option("--own", help="A set of your own, under a name that you choose.")] = False,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Of your own set: bring each image's centre to this size.")
    ] = None,
    test_fraction: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="Of your own set: share to test with, if all images lie in CLASS/*.png."),
    ] = None,
) -> None:
    """Make a data set of images that you have; NAME-c of .npy files as CIFAR-10-C has them; or take weights."""
    from harness.errors import SpecError

    kind = "own" if own else _kind(name)
    if kind != "own" and (size or test_fraction):
        raise SpecError("--size and --test-fraction are for a set of your own; say --own")
    if (train_only or first) and kind in {"weights", "corruption"}:
        made_of = "one file" if kind == "weights" else ".npy files"
        raise SpecError(f"--train-only and --first are for image folders; {name} is made of {made_of}")
    data_dir, existing = settings().data_dir, _existing(replace)
    with bar(f"importing {name}") as on_progress:
        if kind == "own":
            amount = Amount(train_only=train_only, first=first, existing=existing)
            _import_own(name, path, _height_and_width(size), test_fraction, amount, on_progress)
        elif kind == "weights":
            from harness.data.weights.preparation import import_weights
            from harness.models.misfit import misfit

            import_weights(data_dir, name, path, misfit=misfit, existing=existing)
        elif kind == "corruption":
            from harness.data.corruption_files import import_corruptions

            import_corruptions(data_dir, name, path, existing=existing, on_progress=on_progress)
        else:
            from harness.data.folder import import_images

            splits = ("train",) if train_only else None
            import_images(data_dir, name, path, splits=splits, first=first, existing=existing, on_progress=on_progress)
    _say_ready(name)


class Amount(TypedDict):
    """What of one's own images is brought, whatever they lie in."""

    train_only: bool
    first: int | None
    existing: Existing


def _import_own(
    name: str,
    path: Path,
    size: tuple[int, int] | None,
    test_fraction: float | None,
    amount: Amount,
    on_progress: OnProgress,
) -> None:
    from harness.data.own_arrays import import_own_arrays
    from harness.data.own_folder import import_own_images
    from harness.errors import SpecError

    data_dir = settings().data_dir
    if path.suffix.lower() != ".npz" or path.is_dir():
        import_own_images(
            data_dir, name, path, size=size, test_fraction=test_fraction, on_progress=on_progress, **amount
        )
        return
    if size or test_fraction:
        raise SpecError(
            f"--size and --test-fraction are for image files; {path} holds arrays of one size, divided already"
        )
    import_own_arrays(data_dir, name, path, **amount)


def _height_and_width(text: str | None) -> tuple[int, int] | None:
    """Of "64x64", if something is said."""
    from harness.errors import SpecError

    if text is None:
        return None
    found = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", text)
    if not found:
        raise SpecError(f"--size is {text!r}; say height and width, for instance 64x64")
    return int(found[1]), int(found[2])


@data_app.command()
def corrupt(name: Name, replace: Replace = False) -> None:
    """Make NAME-c: the test images with CIFAR-10-C's 15 corruptions at five severities, marked as generated."""
    from harness.data.corruptions import corrupt as corrupt_set

    with bar(f"corrupting {name}") as on_progress:
        corrupt_set(settings().data_dir, name, existing=_existing(replace), on_progress=on_progress)
    _say_ready(f"{name}-c")


@data_app.command("stand-in")
def stand_in(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets, weights, or the recording v1.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are not there; what is there stays.")] = False,
    replace: Replace = False,
) -> None:
    """Make small generated data in the shape of the real ones: to try any suite at the profile smoke."""
    from harness.errors import SpecError
    from harness.names import lookup
    from harness.stand_ins import STAND_INS, find_obstacle, make_stand_in

    if everything == bool(names) or (everything and replace):
        raise SpecError("harness data stand-in: give names, of which --replace may be said, or --all, and not both")
    for name in names or ():
        lookup(STAND_INS, "stand-in", name)
    data_dir = settings().data_dir
    for name in [name for name in STAND_INS if everything or name in (names or ())]:
        obstacle = find_obstacle(data_dir, name) if everything else None
        if obstacle:
            typer.echo(f"{name} is left alone: {obstacle}")
            continue
        with bar(f"making {name}") as on_progress:
            make_stand_in(data_dir, name, replace=replace, on_progress=on_progress)
        typer.echo(f"{name} is ready: a stand-in")


@data_app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Data sets or weights; all that are there if absent.")
    ] = None,
) -> None:
    """Read every byte and compare it with the digest that was noted when the data were made."""
    from harness.data.inventory import described
    from harness.data.weights import described_weights

    data_dir = settings().data_dir
    present = {found.dataset.name: found.bytes for found in described(data_dir) if found.state != "missing"}
    for found in described_weights(data_dir):
        if found.state != "missing":
            present[found.weights.name] = found.manifest.bytes if found.manifest else 0
    if not present:
        typer.echo(f"there are no data in {data_dir}")
    for name in names or present:
        _verify(name, present.get(name, 0))
        typer.echo(f"{name}: every byte is as it was made")


def _notes(row: DataSet | ExternalWeights, state: str, origin: Origin | None, problem: str) -> Iterator[str]:
    """What is to be said below the list of a set or weights."""
    if state == "missing":
        yield f"{row.name} is missing: {row.bring}"
    if problem:
        yield problem
    if origin and origin.stand_in:
        yield f"{row.name} is a stand-in; the real one: {row.bring} --replace"


def _verify(name: str, size: int) -> None:
    from harness.data.arrays import verify as verify_set
    from harness.data.weights import weights_file

    read = weights_file if _are_weights(name) else verify_set
    done = 0
    with bar(f"verifying {name}", in_bytes=True) as on_progress:

        def on_bytes(more: int) -> None:
            nonlocal done
            done += more
            on_progress(done, size)

        read(settings().data_dir, name, on_bytes)


def _are_weights(name: str) -> bool:
    """Whether the name is one of weights, not of a data set; raises UnknownName if it is neither."""
    return _kind(name) == "weights"


def _kind(name: str) -> Literal["weights", "own", "corruption", "table"]:
    """What a name is of: weights, a set of one's own, a corrupted one, another of the table; raises UnknownName."""
    from harness.data.catalogue import get_dataset, own_names, unknown_dataset
    from harness.data.sets import DATASETS
    from harness.data.weights import WEIGHTS
    from harness.errors import UnknownName

    if name in WEIGHTS:
        return "weights"
    data_dir = settings().data_dir
    try:
        role = get_dataset(data_dir, name).role
    except UnknownName:
        known = [*DATASETS, *WEIGHTS, *own_names(data_dir)]
        raise unknown_dataset(name, known, "data set or weights") from None
    if role == "corruption":
        return "corruption"
    return "table" if name in DATASETS else "own"


def _existing(replace: bool) -> Existing:
    """What happens to what is there already."""
    return "replace" if replace else "refuse"


def _say_ready(name: str) -> None:
    from harness.data.catalogue import get_manifest
    from harness.data.weights import find_weights

    weights = find_weights(settings().data_dir, name) if _are_weights(name) else None
    if weights:
        size, digest = _megabytes(weights.bytes), weights.sha256
        typer.echo(f"{name} is ready: {size}, SHA-256 {digest} ({weights.origin.source})")
        return
    manifest = get_manifest(settings().data_dir, name)
    counts = _shortened([f"{split} {entry.shape[0]}" for split, entry in manifest.splits.items()])
    typer.echo(f"{name} is ready: {counts} images, {len(manifest.classes)} classes ({manifest.origin.source})")


def _origin(origin: Origin) -> str:
    return f"{origin.kind}, {origin.source}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def _shortened(parts: list[str]) -> str:
    return ", ".join(parts if len(parts) < 4 else [parts[0], f"and {len(parts) - 1} more like it"])
