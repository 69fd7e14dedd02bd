"""Runs of the small suite with an executor that answers at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trainings
from plans import plan_of

from harness.measurement import DeviceFacts, EvaluationResult, Measurement, Progress, TrainingResult
from harness.provenance import provenance
from harness.settings import Settings
from harness.spec import Job, PlannedJob, Suite, TrainJob
from harness.store import relations
from harness.store.engine import open_database
from harness.suites.cost import rate_key
from harness.suites.devices import Device, get_device
from harness.suites.executors import EXECUTORS
from harness.suites.executors.executor import Event, Failed, Finished, JobWork, Started
from harness.suites.inputs import Inputs
from harness.suites.request import Request, Summary
from harness.suites.runner import run_suite
from harness.suites.selection import Selection

JOBS = 2 * 2 * 4 + 1  # conditions x seeds x (training and three evaluations), and the substitute

MADE_WITH = provenance(DeviceFacts(device="some processor", driver=None, threads=1), command="")
CONTENT, OTHER_CONTENT = b"weights", b"other weights"
ACCURACY = EvaluationResult(measurements=(Measurement(metric="accuracy", value=0.5, n=32),))
TRAINED = replace(
    trainings.TRAINED, epochs=(), weights="weights.safetensors", weights_sha256=hashlib.sha256(CONTENT).hexdigest()
)
TRAINED_OTHERWISE = replace(TRAINED, weights_sha256=hashlib.sha256(OTHER_CONTENT).hexdigest())


def name(job: Job) -> str:
    """For instance "threshold 0 gaussian"; the substitute is "none 10000 train"."""
    model = job if isinstance(job, TrainJob) else job.model
    return f"{'threshold' if model.spec.regularizer else 'none'} {model.seed} {rate_key(job)[0]}"


@dataclass
class Obedient:
    """An executor that has done each work when it is asked to, unless `answers` says what happens instead."""

    answers: dict[str, Any]
    done: list[str] = field(default_factory=list)
    closed: bool = False
    idle: int = 1
    device: Device = field(default_factory=lambda: get_device("cpu"))
    told: list[Event] = field(default_factory=list)

    def submit(self, work: JobWork) -> None:
        self.done.append(name(work.job))
        self.told.append(Started(work.key))
        answer = self.answers.get(self.done[-1], TRAINED if isinstance(work.job, TrainJob) else ACCURACY)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, TrainingResult) and answer.weights:
            folder = work.models_dir / work.key
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "weights.safetensors").write_bytes(OTHER_CONTENT if answer is TRAINED_OTHERWISE else CONTENT)
        failed = isinstance(answer, str)
        self.told.append(Failed(work.key, answer) if failed else Finished(work.key, answer, MADE_WITH, 1.0))

    def events(self, timeout: float) -> Sequence[Event]:
        told, self.told = self.told, []
        return told

    def close(self) -> None:
        self.closed = True


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.failures: list[str] = []
        self.todo = 0
        self.more: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def begin(self, todo: Sequence[PlannedJob], total: int, expected: object) -> None:
        self.todo = len(todo)

    def extend(self, more: Sequence[PlannedJob]) -> None:
        self.more += [planned.title for planned in more]

    def failed(self, planned: PlannedJob, reason: str) -> None:
        self.failures.append(f"{planned.title}: {reason}")

    def started(self, planned: PlannedJob) -> None: ...
    def progressed(self, planned: PlannedJob, progress: Progress) -> None: ...
    def finished(self, planned: PlannedJob, seconds: float) -> None: ...
    def elsewhere(self, planned: PlannedJob) -> None: ...


class Run:
    """Runs of the small suite in one results folder."""

    def __init__(self, suite: Suite, folders: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.suite = suite
        self.folders = folders
        self.workers = 1
        self._monkeypatch = monkeypatch

    def __call__(self, answers: dict[str, Any] | None = None, **selected: Any) -> Summary:
        self.listener, self.executor = Listener(), Obedient(answers or {}, idle=self.workers)
        self._monkeypatch.setitem(EXECUTORS, "local", lambda *asked: self.executor)
        selection = Selection(**{"suites": (self.suite,)} | selected)
        request = Request(selection=selection, device="cpu", command="harness run-suite tiny")
        try:
            return run_suite(request, self.folders, self.listener)
        finally:
            assert self.executor.closed

    def query(self, sql: str) -> list[Any]:
        with open_database(self.folders.database) as database:
            return list(relations.answer(database, sql).rows)


def folder_of(run: Run, condition: str, seed: int) -> Path:
    """Where the weights of a model lie."""
    inputs = Inputs(run.folders.data_dir, run.folders.experiments_dir, stand_ins=False)
    plan = plan_of(inputs, run.suite)
    title = f"{condition}, seed {seed}"
    return run.folders.models_dir / next(planned.key for planned in plan.jobs if planned.title == title)
