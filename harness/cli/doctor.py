"""`harness doctor`: what works on this machine, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import typer

from harness.cli.result_database import found_database
from harness.errors import HarnessError
from harness.settings import settings
from harness.spec import PROFILES
from harness.suites.devices import get_device

if TYPE_CHECKING:
    from harness.data.origin import Origin

ROOM = 10 << 30  # bytes that the paper's data sets and one suite's weights take
DOCKER_SECONDS = 10  # in which its engine answers, unless it hangs


class Finding(NamedTuple):
    """One line of the doctor's report."""

    fine: bool
    what: str
    advice: str = ""


def doctor() -> None:
    """Check Python, torch, devices, disk, data, database and Docker; each line says what to do."""
    for check in (_python, _torch, _device, _disk, _data, _suites, _database, _docker):
        for found in check():
            mark = typer.style("ok", fg=typer.colors.GREEN) if found.fine else typer.style("--", fg=typer.colors.YELLOW)
            typer.echo(f"{mark}  {found.what}{f': {found.advice}' if found.advice else ''}")


def _python() -> Iterator[Finding]:
    yield Finding(True, f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding(False, f"torch cannot be imported ({error})", "install the locked requirements again")
        return
    yield Finding(True, f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        names = {torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())}
        yield Finding(True, f"torch computes on {torch.cuda.device_count()} x {', '.join(sorted(names))}")
    elif get_device("auto").kind == "cuda":
        yield Finding(
            False, "torch cannot use the GPU that the driver shows", "update NVIDIA's driver, or run with --device cpu"
        )
    else:
        yield Finding(False, "torch sees no GPU", "suites run on the CPU; the paper's scale needs a GPU")


def _device() -> Iterator[Finding]:
    found = get_device("auto")
    unit = "GPU" if found.kind == "cuda" else "core"
    yield Finding(True, f"--device auto is {found.kind}: {found.name}, {found.count} {unit}{'s' * (found.count > 1)}")
    precision = "bfloat16" if found.bfloat16 else "float32: the device has no bfloat16 instructions"
    yield Finding(found.bfloat16, f"precision auto is {precision}")


def _disk() -> Iterator[Finding]:
    for name, folder in (("results", settings().results_dir), ("data", settings().data_dir)):
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free = shutil.disk_usage(there).free
        text = f"{name} in {folder}: {free / (1 << 30):.0f} GB free"
        if not os.access(there, os.W_OK):
            yield Finding(False, f"{name} in {folder}: read-only", "it can be used, but nothing added")
            continue
        yield Finding(free >= ROOM, text, "" if free >= ROOM else "all data sets and a suite's weights take 10 GB")


def _data() -> Iterator[Finding]:
    from harness.data.inventory import described
    from harness.data.weights import described_weights

    for found in described(settings().data_dir):
        fine = found.state == "ready" or (found.state == "missing" and found.dataset.bundled)
        state = "made when needed" if fine and found.state == "missing" else found.state
        advice = found.problem or ("" if fine else found.dataset.bring)
        what = f"data set {found.dataset.name} is"
        yield _stand_in(what, found.dataset.bring, found.origin) or Finding(fine, f"{what} {state}", advice)
    for file in described_weights(settings().data_dir):
        fine = file.state == "ready"
        advice = file.problem or ("" if fine else file.weights.bring)
        what, origin = f"the weights {file.weights.name} are", file.manifest.origin if file.manifest else None
        yield _stand_in(what, file.weights.bring, origin) or Finding(fine, f"{what} {file.state}", advice)


def _stand_in(what: str, bring: str, origin: Origin | None) -> Finding | None:
    """What there is to say of data that are there, but no real ones; None of others."""
    return Finding(False, f"{what} a stand-in", f"{bring} --replace") if origin and origin.stand_in else None


def _suites() -> Iterator[Finding]:
    from harness.suites.registry import catalogue

    try:
        found = [catalogue(profile) for profile in PROFILES]
    except HarnessError as error:
        yield Finding(False, str(error))
        return
    wrong = {str(error) for each in found for error in each.wrong.values()}
    yield from (Finding(False, error) for error in sorted(wrong))
    valid = set(found[0].suites).intersection(*(each.suites for each in found))
    yield Finding(True, f"{len(valid)} suites{' are' if wrong else ', all'} valid")


def _database() -> Iterator[Finding]:
    try:
        with found_database() as database:
            what = f"database {database.title}" if database else "no database yet: the first run makes it"
    except HarnessError as error:
        yield Finding(False, str(error))
    else:
        yield Finding(True, what)


def _docker() -> Iterator[Finding]:
    advice = "only needed to run in containers"
    if shutil.which("docker") is None:
        yield Finding(False, "no docker command", advice)
        return
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        version = subprocess.run(command, capture_output=True, check=True, text=True, timeout=DOCKER_SECONDS).stdout
    except (OSError, subprocess.SubprocessError):
        yield Finding(False, "docker is there but its engine does not answer", advice)
    else:
        yield Finding(True, f"docker {version.strip()}")
