"""An executor: what the runner sends to it, and what it tells the runner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from harness.measurement import EvaluationResult, Progress, TrainingResult
from harness.own_code import NO_CODE, OwnCode
from harness.provenance import Provenance
from harness.spec import Job
from harness.suites.devices import Device


@dataclass(frozen=True, kw_only=True)
class JobWork:
    """A job, with what a worker needs to do it."""

    job: Job
    data_dir: Path
    models_dir: Path
    weights: Mapping[str, str]
    """File names of the weights of the trained models that it needs, by the model's key."""
    code: OwnCode = NO_CODE
    """What it runs of a researcher's own."""
    fewer: int = 1
    """Images are classified so many times fewer at once, for want of memory."""

    @property
    def key(self) -> str:
        """The job's."""
        return self.job.key


@dataclass(frozen=True, kw_only=True)
class PrepareWork:
    """A bundled data set to be made."""

    name: str
    data_dir: Path

    @property
    def key(self) -> str:
        """Names it among the works of a run."""
        return f"prepare {self.name}"


Work = JobWork | PrepareWork
Result = TrainingResult | EvaluationResult | None
"""None for a data set: it lies on the disk."""


@dataclass(frozen=True)
class Started:
    """A worker begins, for the first time or once more."""

    key: str


@dataclass(frozen=True)
class Progressed:
    """How far a work is."""

    key: str
    progress: Progress


@dataclass(frozen=True)
class Finished:
    """A work is done."""

    key: str
    result: Result
    made_with: Provenance
    """The worker's, which may have started later than the runner, with other code; its command is to be filled in."""
    seconds: float


OwnCause = Literal["refused", "unexpected", "memory"]
"""What a worker may say of its own failure."""
Cause = Literal[OwnCause, "lost"]


@dataclass(frozen=True)
class Failed:
    """A work cannot be done, or not by that worker."""

    key: str
    reason: str
    cause: Cause = "refused"
    """Refused: by the data, the weights or the model. Unexpected: nobody foresaw it, so its worker is trusted no more.
    Memory ran out, or the worker was lost, since it died or hung: another attempt may help."""


@dataclass(frozen=True)
class Lost:
    """The worker that did a work died, hung or had no memory left; the work begins again."""

    key: str
    reason: str
    again: Work
    """As it begins again."""


Event = Started | Progressed | Finished | Failed | Lost


class Executor(Protocol):
    """Does works in other processes, here or elsewhere. It stores nothing."""

    @property
    def device(self) -> Device:
        """What works are done on."""

    @property
    def idle(self) -> int:
        """How many works it can begin at once."""

    def submit(self, work: Work) -> None:
        """Begin a work. Call only while `idle` is above 0."""

    def events(self, timeout: float) -> Sequence[Event]:
        """What happened since the last call; waits for at most `timeout` seconds.

        Raises:
            DeviceError, ExecutorUnusable: no work can be done any more.
        """

    def close(self) -> None:
        """End all workers now, whatever they do. Once more changes nothing."""
