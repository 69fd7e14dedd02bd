"""Whole runs on a Ray cluster and in containers, whose evaluations die, hang and have no memory, as a user's may."""

from __future__ import annotations

import os
import sys

import pytest
from program import WAYS, Program

SUITE = f"""
title = "Five evaluations, four of which go wrong"
{WAYS}
[evaluations]
clean = {{ n_images = 32 }}
gaussian = {{ n_images = 32, sizes = 2 }}
uniform = {{ n_images = 32, sizes = 2 }}
fgsm_transfer = {{ n_images = 32, sizes = 2 }}
boundary = {{ n_images = 4, steps = 3, repeats = 1, start_draws = 10 }}
"""

TROUBLES = """
import os, signal, time

import torch

from harness.evaluations import EVALUATIONS
from harness.evaluations.clean import clean


def greedy(model, setting, spec):
    "Wants 32 MB for each image of a chunk."
    if setting.chunk << 25 > int(os.environ.get("MEMORY", 1 << 50)):
        raise MemoryError
    torch.ones(setting.chunk << 25, dtype=torch.uint8)
    return clean(model, setting, spec)


def poor(model, setting, spec):
    raise MemoryError


def doomed(model, setting, spec):
    os.kill(os.getpid(), signal.SIGKILL)


def endless(model, setting, spec):
    time.sleep(3600)


EVALUATIONS.update(clean=greedy, boundary=poor, uniform=doomed, fgsm_transfer=endless)
"""
MEMORY = 2 << 30  # bytes, for a worker
MINUTES = 1  # without progress, until a worker hangs; the others need some seconds to load torch

ON_RAY = """
import sys

if any(argument.endswith("default_worker.py") for argument in sys.orig_argv):
    import troubles
"""
IN_CONTAINERS = f"""
import os, sys
from pathlib import Path

from harness.cli import app
from harness.suites.executors.docker import container, executor

troubles = Path("troubles.py").read_text()
container.PROGRAM = ["python", "-c", troubles + "from harness.suites.executors.docker import inside; inside.main()"]
executor.USABLE_MEMORY = {MEMORY + 1} / (os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))  # or a byte is lost
app(sys.argv[1:])
"""


@pytest.fixture
def program(tmp_path, digits_dir):
    digits_dir.chmod(0o755)  # a container's user is another
    program = Program(tmp_path, digits_dir, SUITE)
    (tmp_path / "troubles.py").write_text(TROUBLES)
    program.environment |= {"HARNESS_ATTEMPTS": "2", "HARNESS_HANG_MINUTES": f"{MINUTES}"}
    return program


def on_ray(program: Program) -> list[str]:
    """The program with a cluster of its own, whose workers know the troubles."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'robustness-harness[ray]'")
    (program.folder / "sitecustomize.py").write_text(ON_RAY)
    program.environment |= {
        "MEMORY": f"{MEMORY}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(program.folder), os.environ.get("PYTHONPATH")])),
        "RAY_ADDRESS": "",
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    return [sys.executable, "-m", "harness"]


def in_containers(program: Program) -> list[str]:
    """The program whose containers have little memory and know the troubles."""
    pytest.importorskip("docker.client", reason="no docker SDK: pip install 'robustness-harness[docker]'")
    from containers import why_not

    if reason := why_not():
        pytest.skip(reason)
    (program.folder / "in_containers.py").write_text(IN_CONTAINERS)
    return [sys.executable, "in_containers.py"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("executor", "command_of", "died", "no_memory"),
    [
        pytest.param("ray", on_ray, "its process died", "not enough free memory on this machine", id="ray"),
        pytest.param(
            "docker",
            in_containers,
            "its container died with exit code 137",
            f"its container needs more than its {MEMORY >> 20} MB of memory",
            id="docker",
            marks=pytest.mark.docker,
        ),
    ],
)
def test_each_trouble_is_recorded_as_what_it_is_and_the_rest_finishes(
    program: Program, executor, command_of, died, no_memory
):
    command = [*command_of(program), "run-suite", "tiny", "--executor", executor, "--device", "cpu", "--only", "none"]
    with program.popen(command) as process:
        said, _ = process.communicate(timeout=880)
    assert process.returncode == 1, said
    assert f"none, seed 0: clean: {no_memory}; fewer images will be classified at once; it begins again" in said
    states = "SELECT kind, state, attempts, reason FROM v_jobs WHERE condition = 'none' ORDER BY kind"
    poor = "not enough free memory on this machine, 2 times; use fewer --workers"
    assert program.query(states) == [
        ("boundary", "failed", 2, poor),
        ("clean", "done", 2, None),
        (
            "fgsm_transfer",
            "failed",
            2,
            f"it hung: no progress for {MINUTES} minutes (HARNESS_HANG_MINUTES), 2 times",
        ),
        ("gaussian", "done", 1, None),
        ("train", "done", 1, None),
        ("uniform", "failed", 2, f"{died}, 2 times"),
    ]
