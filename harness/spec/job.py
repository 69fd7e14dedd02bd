"""The units of work that a suite's plan consists of, and their identity.

A trained model is (training spec, content of its data, seed); an evaluation's result is (model, evaluation
spec, content of the test data, substitute model). Suites that ask for the same thing share the job. The version
number of an algorithm is part of the identity and is raised when its meaning changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from harness.spec.digest import digest
from harness.spec.evaluation import EvaluationSpec
from harness.spec.training import TrainingSpec

TRAINING_VERSION = 1
EVALUATION_VERSIONS = {
    "clean": 1,
    "gaussian": 1,
    "uniform": 1,
    "salt_pepper": 1,
    "fgsm_transfer": 1,
    "boundary": 1,
    "corruption": 1,
}


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """Train one model. `training` is resolved: nothing in it says "auto" any more."""

    training: TrainingSpec
    seed: int
    data: Mapping[str, str]
    """SHA-256 of each split that it reads, by "name/split"."""

    @cached_property
    def spec_digest(self) -> str:
        """The identity without the seed."""
        return digest("train", TRAINING_VERSION, self.training, dict(self.data))

    @cached_property
    def key(self) -> str:
        """The identity of the trained model, 16 hex digits."""
        return digest(self.spec_digest, self.seed)


@dataclass(frozen=True, kw_only=True)
class EvaluateJob:
    """Evaluate one trained model."""

    model: TrainJob
    evaluation: EvaluationSpec
    """Resolved: its sizes are numbers."""
    data: Mapping[str, str]
    substitute: TrainJob | None = None
    """The network whose gradients a transferred attack uses."""

    @cached_property
    def key(self) -> str:
        """The identity of the result, 16 hex digits."""
        version = EVALUATION_VERSIONS[self.evaluation.kind]
        substitute = self.substitute.key if self.substitute else ""
        return digest("evaluate", version, self.model.key, self.evaluation, dict(self.data), substitute)


Job = TrainJob | EvaluateJob


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in a suite a job's result belongs. One job may have many places, in many suites."""

    suite: str
    profile: str
    condition: str
    seed: int
    evaluation: str | None
    """Name of the evaluation in the suite; None for the training itself."""


@dataclass(frozen=True, kw_only=True)
class PlannedJob:
    """A job of a suite's plan."""

    job: Job
    places: tuple[Place, ...]
    """Where the suite wants its result; none for a substitute, which only other jobs need."""
    work: float
    """Estimated GFLOP."""
    blocked: str | None = None
    """Why it cannot run yet, and the command that puts it right."""

    @property
    def key(self) -> str:
        """The job's."""
        return self.job.key

    @property
    def needs(self) -> tuple[TrainJob, ...]:
        """The trainings that must be done before it."""
        if isinstance(self.job, TrainJob):
            return ()
        return (self.job.model, self.job.substitute) if self.job.substitute else (self.job.model,)
