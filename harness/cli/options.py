"""The arguments and options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.errors import SpecError
from harness.spec import PROFILES, seeds_of
from harness.suites.devices import Wanted

if TYPE_CHECKING:
    from harness.data.writing import RefuseOrReplace
    from harness.suites.selection import Selection


def _suites(incomplete: str) -> list[str]:
    from harness.suites.registry import suite_files

    return [name for name in suite_files() if name.startswith(incomplete)]


def _profiles(incomplete: str) -> list[str]:
    return [name for name in PROFILES if name.startswith(incomplete)]


SuiteName = Annotated[
    str, typer.Argument(metavar="SUITE", help="Its name; `harness list` shows all.", autocompletion=_suites)
]
AnySuite = Annotated[str | None, typer.Argument(metavar="SUITE", help="All suites if absent.", autocompletion=_suites)]
AnySuites = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SUITE", help="Suites to report; all with results if none is given.", autocompletion=_suites
    ),
]
Profile = Annotated[str, typer.Option(help="The scale: paper, small or smoke.", autocompletion=_profiles)]
ReportedProfile = Annotated[
    str | None,
    typer.Option(help="paper, small or smoke; default: the largest that has results.", autocompletion=_profiles),
]
LeastCleanRatio = Annotated[
    float, typer.Option("--A0", min=0, max=2, help="Share of the clean accuracy that an acceptable model keeps.")
]
Seeds = Annotated[list[str] | None, typer.Option(help="For instance 0-6 or 0,2; the suite's own if absent.")]
Only = Annotated[list[str] | None, typer.Option(help="Only these conditions, for instance none,pixel.")]
DeviceName = Annotated[Wanted, typer.Option(help="Where to compute; auto: a GPU where there is one.")]
ExecutorName = Annotated[Literal["local", "ray", "docker"], typer.Option(help="Where jobs run.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, help="Processes at once; default: one per GPU, or one per core (at most 8) that has 2 GB of memory."
    ),
]
Replace = Annotated[bool, typer.Option("--replace", help="Replace what is there.")]


def existing(replace: bool) -> RefuseOrReplace:
    """What happens to data that are there already, of `--replace`."""
    return "replace" if replace else "refuse"


def selected(suite: str, profile: str, seeds: Sequence[str] | None, only: Sequence[str] | None) -> Selection:
    """What `--profile`, `--seeds` and `--only` ask for of a suite or collection; raises SpecError."""
    from harness.suites.registry import get_suites
    from harness.suites.selection import Selection

    return Selection(suites=get_suites(suite, profile), seeds=parsed_seeds(seeds), only=parsed_conditions(only))


def parsed_conditions(texts: Sequence[str] | None) -> tuple[str, ...]:
    """The conditions of each `--only`, none if absent; the names of a grid's points have commas in brackets."""
    return tuple(name.strip() for text in texts or () for name in re.split(r",(?![^\[]*\])", text))


def parsed_seeds(texts: Sequence[str] | None) -> tuple[int, ...]:
    """The seeds of each `--seeds`, none if absent; raises SpecError."""
    try:
        return seeds_of(",".join(texts)) if texts else ()
    except ValueError as error:
        raise SpecError(f"--seeds: {error}") from None
