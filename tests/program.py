"""The program as users run it: in processes of its own, on a suite of seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

WAYS = """
seeds = [0]

[train]
classification = "digits"
n_train = 64
network.base_width = 2
optimisation = { epochs = 3, batch_size = 16, epochs_per_phase = 1 }

[regularizer]
alpha = 10
images = "digits"
n_images = 32
pairs_per_batch = 2

[conditions.none]

[conditions.threshold.regularizer]
target = "threshold"
threshold = 0.4
"""
"""Two ways to train a tiny network."""

SUITE = f"""
title = "Three ways to train a tiny network, one of which diverges"
{WAYS}
[conditions.wild]
optimisation.learning_rate = 1e30

[conditions.absent.regularizer]
target = "pixel"
images = "imagenet"

[evaluations]
clean = {{ n_images = 32 }}
gaussian = {{ n_images = 32, sizes = 2 }}
fgsm_transfer = {{ n_images = 32, sizes = 2 }}
boundary = {{ n_images = 4, steps = 3, repeats = 1, start_draws = 10 }}
"""
NEEDED = ("--only", "none", "--only", "threshold")
"""The conditions that can be finished."""

RESULTS = (
    "SELECT condition, seed, evaluation, epsilon, accuracy, n FROM v_curves ORDER BY 1, 2, 3, 4",
    "SELECT condition, seed, steps, score, repeats, n, n_failed, queries FROM v_boundary ORDER BY 1, 2",
    "SELECT condition, seed, status, best_epoch, clean_accuracy, spec_digest FROM v_models ORDER BY 1, 2",
    "SELECT condition, seed, tap, gamma FROM v_gammas ORDER BY 1, 2, 3",
    "SELECT condition, seed, kind, state, reason FROM v_jobs ORDER BY 1, 2, 3",
)
"""Everything that must not depend on how often a run was interrupted; times and devices are not in it."""


class Program:
    """`python -m harness` with folders of its own.

    It computes on the CPU unless `gpus` says otherwise: only there are numbers the same bit for bit each time.
    """

    def __init__(self, folder: Path, data: Path, suite: str = SUITE, *, gpus: bool = False) -> None:
        self.folder = folder
        self.results = folder / "results"
        (folder / "experiments").mkdir(parents=True)
        (folder / "experiments" / "tiny.toml").write_text(suite)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("HARNESS_")} | {
            "HARNESS_RESULTS_DIR": str(self.results),
            "HARNESS_DATA_DIR": str(data),
            "HARNESS_EXPERIMENTS_DIR": str(folder / "experiments"),
            "COLUMNS": "200",
        }
        if not gpus:
            self.environment["CUDA_VISIBLE_DEVICES"] = ""

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The program in the background, in a process group of its own."""
        return self.popen([sys.executable, "-m", "harness", *arguments])

    def popen(self, command: list[str]) -> subprocess.Popen[str]:
        """Any command, where the program would run."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=self._as_from_a_terminal,
        )

    @staticmethod
    def _as_from_a_terminal() -> None:
        """Ctrl-C works, also where the tests run in the background; and one worker of one thread on one core.

        So results do not depend on the machine's cores, and the others stay free.
        """
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})

    def __call__(self, *arguments: str, timeout: float = 200) -> tuple[int, str]:
        """Exit code and everything that it said; timeout: in seconds."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=timeout)
        return process.returncode, said

    def query(self, sql: str) -> list[Any]:
        """The answer of the result database."""
        with contextlib.closing(sqlite3.connect(self.results / "harness.sqlite")) as connection:
            return connection.execute(sql).fetchall()

    @property
    def content(self) -> list[list[Any]]:
        """All results."""
        return [self.query(sql) for sql in RESULTS]


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The worker processes of a running program."""
    found = []
    for child in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def after_a_run(program: Program) -> Program:
    """The program once it has done its suite, all of which can be done."""
    code, said = program("run-suite", "tiny")
    assert code == 0, said
    return program


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Reads what a program says until the line that has `text` in it."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"the program ended before it said {text!r}")


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C: the terminal sends it to the whole process group."""
    os.killpg(process.pid, signal.SIGINT)
