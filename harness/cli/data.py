"""`harness data`: bring, make, list and verify the images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from harness.cli.bar import bar
from harness.settings import settings

if TYPE_CHECKING:
    from harness.data.writing import Existing

data_app = typer.Typer(help="Bring, make, list and verify the images.", no_args_is_help=True)

Replace = Annotated[bool, typer.Option("--replace", help="Put the images in the place of those that are there.")]
Name = Annotated[str, typer.Argument(help="Data set, for instance cifar10.")]


@data_app.command("list")
def list_sets() -> None:
    """Show every data set: whether it is there, how much of it, and where it came from."""
    from harness.data.arrays import described

    table = Table("name", "role", "images", "size", "origin", "state", box=None, pad_edge=False)
    notes = []
    for found in described(settings().data_dir):
        row = found.dataset
        origin = f"{found.origin.kind}, {found.origin.source}" if found.origin else ""
        images = _shortened([f"{split} {n}" for split, n in found.images.items()])
        table.add_row(row.name, row.role, images, " x ".join(map(str, row.shape)), origin, found.state)
        if found.state == "missing":
            notes.append(f"{row.name} is missing: {row.bring}")
        if found.problem:
            notes.append(found.problem)
        if found.unusual:
            notes.append(f"{row.name} is not the whole official set: {_shortened(found.unusual)}")
    console = Console()
    if not console.is_terminal:
        console.width = 160  # whole lines for pipes and files
    console.print(table)
    typer.echo("\n".join(["", f"in {settings().data_dir}", *notes]))


@data_app.command()
def prepare(
    names: Annotated[list[str], typer.Argument(help="Data sets, for instance mnist.")], replace: Replace = False
) -> None:
    """Download data sets, or make those that are made here; checksums are verified, interrupted downloads continue."""
    from harness.data.preparation import prepare as prepare_set
    from harness.data.sets import get_dataset

    datasets = [get_dataset(name) for name in names]  # a wrong name is told before the first download
    for name, dataset in zip(names, datasets, strict=True):
        with bar(f"preparing {name}", in_bytes=not dataset.generated) as on_progress:
            prepare_set(settings().data_dir, name, replace=replace, on_progress=on_progress)
        _say_ready(name)


@data_app.command("import")
def import_set(
    name: Name,
    path: Annotated[Path, typer.Argument(help="Folder, .tar, .tar.gz or .zip: train/CLASS/*.png, test/CLASS/*.png.")],
    replace: Replace = False,
    train_only: Annotated[
        bool, typer.Option("--train-only", help="Only train/; enough to draw image pairs from.")
    ] = False,
    first: Annotated[int | None, typer.Option(min=1, help="Keep only so many images per split, a fair sample.")] = None,
) -> None:
    """Make a data set of images that you have; for NAME-c, of .npy files as CIFAR-10-C has them."""
    from harness.data.corruption_files import import_corruptions
    from harness.data.folder import import_images
    from harness.data.sets import get_dataset
    from harness.errors import SpecError

    data_dir = settings().data_dir
    corrupted = get_dataset(name).role == "corruption"
    if corrupted and (train_only or first):
        raise SpecError(f"--train-only and --first are for image folders; {name} is made of .npy files")
    with bar(f"importing {name}") as on_progress:
        if corrupted:
            existing: Existing = "replace" if replace else "refuse"
            import_corruptions(data_dir, name, path, existing=existing, on_progress=on_progress)
        else:
            splits = ("train",) if train_only else None
            import_images(data_dir, name, path, splits=splits, first=first, replace=replace, on_progress=on_progress)
    _say_ready(name)


@data_app.command()
def corrupt(name: Name, replace: Replace = False) -> None:
    """Make NAME-c: the test images with CIFAR-10-C's 15 corruptions at five severities, marked as generated."""
    from harness.data.corruptions import corrupt as corrupt_set

    with bar(f"corrupting {name}") as on_progress:
        existing: Existing = "replace" if replace else "refuse"
        corrupt_set(settings().data_dir, name, existing=existing, on_progress=on_progress)
    _say_ready(f"{name}-c")


@data_app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets; all that are there if absent.")] = None,
) -> None:
    """Read every byte and compare it with the digest that was noted when the set was made."""
    from harness.data.arrays import described

    present = {found.dataset.name: found.bytes for found in described(settings().data_dir) if found.state != "missing"}
    if not present:
        typer.echo(f"there is no data set in {settings().data_dir}")
    for name in names or present:
        _verify(name, present.get(name, 0))
        typer.echo(f"{name}: every byte is as it was made")


def _verify(name: str, size: int) -> None:
    from harness.data.arrays import verify as verify_set

    done = 0
    with bar(f"verifying {name}", in_bytes=True) as on_progress:

        def on_bytes(more: int) -> None:
            nonlocal done
            done += more
            on_progress(done, size)

        verify_set(settings().data_dir, name, on_bytes)


def _say_ready(name: str) -> None:
    from harness.data.manifest import get_manifest

    manifest = get_manifest(settings().data_dir, name)
    counts = _shortened([f"{split} {entry.shape[0]}" for split, entry in manifest.splits.items()])
    typer.echo(f"{name} is ready: {counts} images, {len(manifest.classes)} classes ({manifest.origin.source})")


def _shortened(parts: list[str]) -> str:
    return ", ".join(parts if len(parts) < 4 else [parts[0], f"and {len(parts) - 1} more like it"])
