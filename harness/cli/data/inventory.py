"""`harness data list` and `verify`: which data are there, and whether they are whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from harness.cli.bar import bar
from harness.cli.data.names import data_kind
from harness.cli.quantities import few, megabytes
from harness.cli.terminal import listing, wide_console
from harness.settings import settings

if TYPE_CHECKING:
    from harness.data.manifest_file import State
    from harness.data.origin import Origin
    from harness.data.sets import DataSet
    from harness.data.weights import ExternalWeights


def list_data() -> None:
    """Show every data set and all weights: whether they are there, how much of them, and where they came from."""
    from harness.data.inventory import described
    from harness.data.weights import described_weights

    table = Table(*listing("name", "role", "images", "size", "origin", "state"), box=None, pad_edge=False)
    notes: list[str] = []
    for found in described(settings().data_dir):
        row = found.dataset
        origin = found.origin.title if found.origin else ""
        images = few([f"{split} {n}" for split, n in found.images.items()])
        is_described = all(row.shape)  # of some damaged ones there is only the name
        role, size = (row.role, " x ".join(map(str, row.shape))) if is_described else ("", "")
        table.add_row(row.name, role, images, size, origin, found.state)
        notes += _notes(row, found.state, found.origin, found.problem)
        if found.unusual and not (found.origin and found.origin.stand_in):
            notes.append(f"{row.name} is not the whole official set: {few(found.unusual)}")
    for file in described_weights(settings().data_dir):
        manifest = file.manifest
        size, origin = (megabytes(manifest.bytes), manifest.origin.title) if manifest else ("", "")
        table.add_row(file.weights.name, "weights", "", size, origin, file.state)
        notes += _notes(file.weights, file.state, manifest.origin if manifest else None, file.problem)
    wide_console().print(table)
    typer.echo("\n".join(["", f"in {settings().data_dir}", *notes]))


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


def _notes(row: DataSet | ExternalWeights, state: State, origin: Origin | None, problem: str) -> Iterator[str]:
    """What is to be said below the list of a set or weights."""
    if state == "missing":
        yield f"{row.name} is missing: {row.bring}"
    if problem:
        yield problem
    if origin and origin.stand_in:
        yield f"{row.name} is a stand-in; the real one: {row.bring} --replace"


def _verify(name: str, size: int) -> None:
    from harness.data.splits import verify as verify_set
    from harness.data.weights import weights_file

    read = weights_file if data_kind(name) == "weights" else verify_set
    done = 0
    with bar(f"verifying {name}", in_bytes=True) as on_progress:

        def on_bytes(more: int) -> None:
            nonlocal done
            done += more
            on_progress(done, size)

        read(settings().data_dir, name, on_bytes)
