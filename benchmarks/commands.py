"""Commands that people wait for: there is no plain way to compare them with, so their own time is what counts."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from harness.data.bundled import prepare_bundled
from harness.errors import HarnessError

LIBRARIES = "import typer.main, rich.table, pydantic.json_schema, pydantic._internal._generate_schema"
"""What every command loads of the command line's and the specs' libraries, whatever it does with them."""


@dataclass(frozen=True, kw_only=True)
class Errand:
    """A command of its own, run from start to end in a new process."""

    title: str
    arguments: tuple[str, ...]
    """Of Python."""
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Duration:
    """How long an errand takes: medians over the rounds."""

    title: str
    rounds: int
    seconds: float
    """From start to end."""
    cpu_seconds: float
    """Of all its threads: what else the machine does hardly changes it."""


def errands(device: torch.device) -> Iterator[Errand]:
    """`list`, `show` and a finished `run-suite`, and the libraries that they share, with folders of their own."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        environment = _environment(folder)
        prepare_bundled(folder / "data", "digits")
        finished = ("run-suite", "quickstart", "--profile", "smoke")
        _run(Errand(title="quickstart", arguments=("-m", "harness", *finished), environment=environment))
        yield Errand(title="typer, rich and pydantic alone", arguments=("-c", LIBRARIES), environment=environment)
        for command in (("list",), ("show", "paper"), ("status",), finished):
            title = f"harness {' '.join(command)}"
            yield Errand(title=title, arguments=("-m", "harness", *command), environment=environment)


def _environment(folder: Path) -> dict[str, str]:
    """With bytecode kept, as for everyone who runs a command twice, and without settings of the user's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "PYTHONDONT"))}
    return kept | {
        "HARNESS_DATA_DIR": str(folder / "data"),
        "HARNESS_RESULTS_DIR": str(folder / "results"),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }


def timed(errand: Errand, rounds: int) -> Duration:
    """Runs an errand once to fill caches and then as often as told; raises HarnessError if it fails."""
    _run(errand)
    found = []
    for _ in range(rounds):
        began, before = time.perf_counter(), _children_cpu_seconds()
        _run(errand)
        found.append((time.perf_counter() - began, _children_cpu_seconds() - before))
    seconds, cpu_seconds = map(statistics.median, zip(*found, strict=True))
    return Duration(title=errand.title, rounds=rounds, seconds=seconds, cpu_seconds=cpu_seconds)


def told(duration: Duration) -> str:
    """A duration in a line, for the terminal."""
    return f"{duration.title}: {duration.seconds:.2f} s, of which {duration.cpu_seconds:.2f} s of CPU"


def _run(errand: Errand) -> None:
    command = [sys.executable, *errand.arguments]
    ended = subprocess.run(command, env=dict(errand.environment), capture_output=True, text=True)
    if ended.returncode:
        raise HarnessError(f"{errand.title} ended with exit code {ended.returncode}: {ended.stderr.strip()}")


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
