"""`harness data prepare`, `corrupt` and `stand-in`: what this program downloads or makes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.bar import bar
from harness.cli.data.names import data_kind, ready_line
from harness.cli.options import Replace, existing
from harness.errors import SpecError
from harness.names import lookup
from harness.settings import settings

if TYPE_CHECKING:
    from harness.data.writing import KeepOrReplace


def prepare(
    names: Annotated[list[str], typer.Argument(help="Data sets or weights, for instance mnist.")],
    replace: Replace = False,
) -> None:
    """Download sets and weights, or make what is made here; checksums are verified, interrupted downloads go on."""
    kinds = [data_kind(name) for name in names]  # wrong names are told before a download
    there: KeepOrReplace = "replace" if replace else "keep"
    for name, kind in zip(names, kinds, strict=True):
        if kind == "weights":
            _prepare_weights(name, there)
        else:
            _prepare_set(name, there)
        typer.echo(ready_line(name))


def corrupt(
    name: Annotated[str, typer.Argument(help="Data set, for instance cifar10.")], replace: Replace = False
) -> None:
    """Make NAME-c: the test images with CIFAR-10-C's 15 corruptions at five severities, marked as generated."""
    from harness.data.corruptions import corrupt as corrupt_set

    with bar(f"corrupting {name}") as on_progress:
        made = corrupt_set(settings().data_dir, name, existing=existing(replace), on_progress=on_progress)
    typer.echo(ready_line(made.name))


def stand_in(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets, weights, or the recording v1.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that are missing, but for corruptions of real sets; what is there stays.")
    ] = False,
    replace: Replace = False,
) -> None:
    """Make small generated data in the shape of the real ones: to try any suite at the profile smoke."""
    from harness.stand_ins import STAND_INS, find_obstacle, make_stand_in

    if everything == bool(names) or (everything and replace):
        raise SpecError("harness data stand-in: give either names or --all; --replace goes with names only")
    for name in names or ():
        lookup(STAND_INS, "stand-in", name)
    data_dir = settings().data_dir
    for name in [name for name in STAND_INS if everything or name in (names or ())]:
        obstacle = find_obstacle(data_dir, name) if everything else None
        if obstacle:
            typer.echo(f"{name} is left alone: {obstacle}")
            continue
        with bar(f"making {name}") as on_progress:
            make_stand_in(data_dir, name, existing=existing(replace), on_progress=on_progress)
        typer.echo(f"{name} is ready: a stand-in")


def _prepare_weights(name: str, there: KeepOrReplace) -> None:
    from harness.models.published_weights import prepare_weights

    with bar(f"preparing {name}", in_bytes=True) as on_progress:
        prepare_weights(settings().data_dir, name, existing=there, on_progress=on_progress, tell=_tell)


def _prepare_set(name: str, there: KeepOrReplace) -> None:
    from harness.data.catalogue import get_dataset
    from harness.data.preparation import prepare as prepare_set

    data_dir = settings().data_dir
    with bar(f"preparing {name}", in_bytes=not get_dataset(data_dir, name).generated) as on_progress:
        prepare_set(data_dir, name, existing=there, on_progress=on_progress, tell=_tell)


def _tell(text: str) -> None:
    typer.echo(text, err=True)
