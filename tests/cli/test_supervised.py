"""A whole run whose evaluations are killed and have no memory, as a user's own code may do it."""

from __future__ import annotations

import re
import sys

import pytest
from program import Program

PLUGIN = """
import os, resource, signal, sys
from pathlib import Path

import torch

from harness.cli import app
from harness.evaluations import EVALUATIONS
from harness.evaluations.clean import clean


def greedy(model, setting, spec):
    "Wants 64 MB for each image of a chunk."
    torch.empty(setting.chunk << 26, dtype=torch.uint8)
    return clean(model, setting, spec)


def doomed(model, setting, spec):
    os.kill(os.getpid(), signal.SIGKILL)


EVALUATIONS.update(clean=greedy, boundary=doomed)
if __name__ == "__main__":
    app(sys.argv[1:])
else:  # a worker process
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (3 << 30),) * 2)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by RLIMIT_AS")
def test_each_trouble_is_recorded_as_what_it_is_and_the_rest_finishes(finished, program: Program):
    undisturbed, _, _ = finished
    (program.folder / "plugin.py").write_text(PLUGIN)
    program.environment["HARNESS_ATTEMPTS"] = "2"
    with program.popen([sys.executable, "plugin.py", "run-suite", "tiny", "--only", "none"]) as process:
        said, _ = process.communicate(timeout=580)
    assert process.returncode == 1, said
    no_memory = r"not enough free memory on this machine \(a process may map only \d+ MB here: raise ulimit -v\)"
    assert re.search(f"none, seed 0: clean: {no_memory}; fewer images will be classified at once; it begins", said)
    states = "SELECT kind, state, attempts, reason FROM v_jobs WHERE condition = 'none' ORDER BY kind"
    assert program.query(states) == [
        ("boundary", "failed", 2, "its process was killed (signal 9), possibly because memory ran out, 2 times"),
        ("clean", "done", 2, None),
        ("fgsm_transfer", "done", 1, None),
        ("gaussian", "done", 1, None),
        ("train", "done", 1, None),
    ]
    curves = "SELECT evaluation, epsilon, accuracy, n FROM v_curves WHERE condition = 'none' ORDER BY 1, 2"
    assert program.query(curves) == undisturbed.query(curves)
    clean = "SELECT clean_accuracy FROM v_models WHERE condition = 'none'"
    assert program.query(clean) == undisturbed.query(clean)
