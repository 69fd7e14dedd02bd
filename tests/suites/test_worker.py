from __future__ import annotations

import multiprocessing
from collections.abc import Callable

import numpy
import pytest
import torch

from harness.evaluations import ANALYSES
from harness.spec import AnalyseJob, NoiseExamplesSpec
from harness.suites.executors.event import Failed, JobWork
from harness.suites.worker import Worker

EVERYTHING = 1 << 50  # bytes; no machine has them


@pytest.fixture
def outcome(folders, monkeypatch) -> Callable[..., object]:
    """What a worker says of an analysis that does `what`."""

    def found(what: Callable[[], object]) -> object:
        monkeypatch.setitem(ANALYSES, "noise_examples", lambda spec, data_dir: what())
        job = AnalyseJob(spec=NoiseExamplesSpec(images="digits"), data={})
        work = JobWork(job=job, data_dir=folders.data_dir, models_dir=folders.models_dir, weights={})
        ours, theirs = multiprocessing.Pipe()
        with ours, theirs:
            return Worker(torch.device("cpu"), 1, theirs).outcome(work)

    return found


@pytest.mark.parametrize(
    "greedy",
    [
        lambda: torch.empty(EVERYTHING, dtype=torch.uint8),
        lambda: numpy.empty(EVERYTHING, dtype="uint8"),
        lambda: bytearray(EVERYTHING),
    ],
    ids=["torch", "numpy", "python"],
)
def test_memory_that_runs_out_is_told_apart_from_other_errors(outcome, greedy):
    failed = outcome(greedy)
    assert isinstance(failed, Failed)
    assert (failed.cause, failed.reason) == ("memory", "not enough free memory on this machine")


def test_an_unforeseen_error_is_described(outcome):
    failed = outcome(lambda: {}["key"])
    assert isinstance(failed, Failed)
    assert failed.cause == "unexpected"
    assert failed.reason.startswith("unexpected KeyError: 'key' (")
