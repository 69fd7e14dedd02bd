"""The units of work that a suite's plan consists of, and their identity.

A trained model is (training spec, content of its data, seed), an external one its weights; an evaluation's result is
(model, evaluation spec, content of the test data, substitute model), an analysis' result (its spec, content of its
data). Suites that ask for the same thing share the job. The version of an algorithm, which its spec has, is part of the
identity and is raised when its meaning changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from harness.spec.analysis import AnalysisSpec
from harness.spec.digest import digest
from harness.spec.evaluation import EvaluationSpec
from harness.spec.external import ExternalSpec
from harness.spec.inputs import Input
from harness.spec.training import TrainingSpec


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """Train one model."""

    spec: TrainingSpec
    """Resolved: nothing in it says "auto" any more."""
    seed: int
    data: Mapping[str, str]
    """SHA-256 of each input (images, similarity, weights, own code), by "name/part"."""

    @cached_property
    def spec_digest(self) -> str:
        """The identity without the seed."""
        return digest("train", self.spec.version, self.spec, dict(self.data))

    @cached_property
    def key(self) -> str:
        """The identity of the trained model, 16 hex digits."""
        return digest(self.spec_digest, self.seed)


@dataclass(frozen=True, kw_only=True)
class LoadJob:
    """Take in a model that was trained elsewhere."""

    spec: ExternalSpec
    data: Mapping[str, str]
    """SHA-256 of its weights, and of its code if it is one's own, by "name/part"."""
    seed: int = 0
    """0 where there is one such model."""

    @cached_property
    def spec_digest(self) -> str:
        """The identity without the seed, and so without weights that are the seed's own."""
        own = {str(self.spec.weights_input(self.seed))} if self.spec.has_seeds else set()
        return digest("load", self.spec.version, self.spec, {k: self.data[k] for k in self.data.keys() - own})

    @cached_property
    def key(self) -> str:
        """The identity of the model, 16 hex digits; the name of its weights, which is among its data, says the seed."""
        return digest("load", self.spec.version, self.spec, dict(self.data))

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the file of its weights."""
        return self.data[str(self.spec.weights_input(self.seed))]


ModelJob = TrainJob | LoadJob
"""What makes a model."""


@dataclass(frozen=True, kw_only=True)
class EvaluateJob:
    """Evaluate one model."""

    model: ModelJob
    evaluation: EvaluationSpec
    """Resolved: its sizes are numbers."""
    data: Mapping[str, str]
    substitute: TrainJob | None = None
    """The network that a transferred attack is made with."""

    @cached_property
    def key(self) -> str:
        """The identity of the result, 16 hex digits."""
        substitute = self.substitute.key if self.substitute else ""
        kind = self.evaluation.kind  # a default of its class, which the spec's own digest leaves out
        return digest(
            "evaluate", kind, self.evaluation.version, self.model.key, self.evaluation, dict(self.data), substitute
        )


@dataclass(frozen=True, kw_only=True)
class AnalyseJob:
    """Compute something of data alone."""

    spec: AnalysisSpec
    data: Mapping[str, str]

    @cached_property
    def key(self) -> str:
        """The identity of the result, 16 hex digits."""
        return digest("analyse", self.spec.kind, self.spec.version, self.spec, dict(self.data))


Job = ModelJob | EvaluateJob | AnalyseJob


def kind_of(job: Job) -> str:
    """What a job does, in the database's word: "train", "load", or the kind of its evaluation or analysis."""
    match job:
        case TrainJob():
            return "train"
        case LoadJob():
            return "load"
        case EvaluateJob():
            return job.evaluation.kind
        case AnalyseJob():
            return job.spec.kind


def model_of(job: Job) -> ModelJob | None:
    """The model that a job makes or evaluates; None for an analysis."""
    if isinstance(job, AnalyseJob):
        return None
    return job.model if isinstance(job, EvaluateJob) else job


def inputs_of(job: Job) -> tuple[Input, ...]:
    """What a job reads."""
    return tuple(map(Input.parsed, job.data))


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in a suite a job's result belongs. One job may have many places, in many suites."""

    suite: str
    profile: str
    condition: str
    """Empty for an analysis, which is of no model."""
    seed: int
    evaluation: str | None
    """Name of the evaluation or analysis in the suite; None for the model itself."""
    baseline: str | None = None
    """Of a model itself: the condition that the suite compares it with; None if the suite names none."""


DATA, SUBSTITUTE = "(data)", "(substitute)"
"""Where tables have a condition: of an analysis, which is of data alone, and of a substitute's training."""


def job_title(condition: str | None, seed: int | None, evaluation: str | None) -> str:
    """How people read a job at a place: "threshold, seed 1: gaussian", "threshold, seed 1" for the model itself.

    Without a condition it is an analysis if it has the name of one, else the training of a substitute.
    """
    if evaluation and not condition:
        return f"analysis {evaluation}"
    return f"{condition or 'substitute'}, seed {seed}" + (f": {evaluation}" if evaluation else "")


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
    alike: str | None = None
    """Of a substitute: the condition that it is trained as, if an attack names one."""

    @property
    def key(self) -> str:
        """The job's."""
        return self.job.key

    @property
    def title(self) -> str:
        """How people read it, at the first of its places."""
        if self.places:
            place = self.places[0]
            return job_title(place.condition, place.seed, place.evaluation)
        model = model_of(self.job)
        assert model is not None, "an analysis has a place"
        return job_title(f"substitute like {self.alike}" if self.alike else "", model.seed, None)

    @property
    def needs(self) -> tuple[ModelJob, ...]:
        """The models that must be there before it."""
        if not isinstance(self.job, EvaluateJob):
            return ()
        return (self.job.model, self.job.substitute) if self.job.substitute else (self.job.model,)
