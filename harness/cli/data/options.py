"""The option that several commands on data share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.data.writing import RefuseOrReplace

Replace = Annotated[bool, typer.Option("--replace", help="Replace what is there.")]


def existing(replace: bool) -> RefuseOrReplace:
    """What happens to what is there already, of `--replace`."""
    return "replace" if replace else "refuse"
