"""From a suite to its jobs: everything resolved, shared jobs once, in the order in which they should run.

Seeds come first in that order, so that a table is whole for some seeds before another seed begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.data.sets import DATASETS, DataSet, get_dataset
from harness.errors import SpecError, UnknownName
from harness.spec import (
    CorruptionSpec,
    EvaluateJob,
    EvaluationSpec,
    FgsmTransferSpec,
    Job,
    NoiseSpec,
    Place,
    PlannedJob,
    Suite,
    TrainingSpec,
    TrainJob,
)
from harness.suites.cost import work_of
from harness.suites.inputs import Inputs


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A suite's jobs at one profile."""

    suite: Suite
    jobs: tuple[PlannedJob, ...]
    """Each once; what a job needs comes before it."""
    selected: frozenset[str]
    """Keys of the jobs that the command asks for, with what they need."""

    @cached_property
    def by_key(self) -> Mapping[str, PlannedJob]:
        """The jobs by their keys."""
        return {planned.key: planned for planned in self.jobs}

    @property
    def asked(self) -> tuple[PlannedJob, ...]:
        """The selected jobs, in order."""
        return tuple(planned for planned in self.jobs if planned.key in self.selected)


def label(planned: PlannedJob) -> str:
    """How people read a job: "threshold, seed 1: gaussian"."""
    if not planned.places:
        model = planned.job if isinstance(planned.job, TrainJob) else planned.job.model
        return f"substitute, seed {model.seed}"
    place = planned.places[0]
    return f"{place.condition}, seed {place.seed}" + (f": {place.evaluation}" if place.evaluation else "")


def make_plan(
    suite: Suite, inputs: Inputs, *, bfloat16: bool, seeds: Sequence[int] = (), only: Sequence[str] = ()
) -> Plan:
    """All jobs of a suite, and which of them `seeds` (the suite's if empty) and `only` (conditions) select.

    Seeds that are not the suite's join its own. Raises SpecError where a condition asks for what cannot be.
    """
    conditions = _selected_conditions(suite, only)
    chosen = set(seeds or suite.seeds)
    planner = _Planner(suite, inputs, bfloat16)
    for seed in sorted({*suite.seeds, *chosen}):
        for condition in suite.conditions:
            planner.add_model(condition, seed)
    jobs = tuple(planner.jobs.values())
    wanted = [
        planned for planned in jobs if any(p.condition in conditions and p.seed in chosen for p in planned.places)
    ]
    selected = {planned.key for planned in wanted} | {need.key for planned in wanted for need in planned.needs}
    return Plan(suite=suite, jobs=jobs, selected=frozenset(selected))


def _selected_conditions(suite: Suite, only: Iterable[str]) -> set[str]:
    """The conditions of those names; the name of a sweep stands for all its points."""
    found: set[str] = set()
    for name in only:
        matching = [
            condition for condition in suite.conditions if condition == name or condition.startswith(f"{name}[")
        ]
        if not matching:
            raise UnknownName(f"condition of {suite.name}", name, suite.conditions)
        found.update(matching)
    return found or set(suite.conditions)


class _Planner:
    def __init__(self, suite: Suite, inputs: Inputs, bfloat16: bool) -> None:
        self._suite = suite
        self._inputs = inputs
        self._training = {
            name: _resolved_training(spec, f"{suite.source.name}: condition {name}", bfloat16)
            for name, spec in suite.conditions.items()
        }
        self.jobs: dict[str, PlannedJob] = {}

    def add_model(self, condition: str, seed: int) -> None:
        """One model and its evaluations."""
        suite, spec = self._suite, self._training[condition]
        place = Place(suite=suite.name, profile=suite.profile, condition=condition, seed=seed, evaluation=None)
        model = self._train_job(spec, seed)
        blocked = self._add(model, place, self._training_blocked(spec))
        for name, evaluation in suite.evaluations.items():
            job = self._evaluate_job(model, evaluation, f"{suite.source.name}: evaluation {name}")
            substitute_blocked = None
            if job.substitute:
                substitute_blocked = self._add(job.substitute, None, self._training_blocked(job.substitute.training))
            self._add(job, replace(place, evaluation=name), blocked or substitute_blocked or self._data_missing(job))

    def _add(self, job: Job, place: Place | None, blocked: str | None) -> str | None:
        known = self.jobs.get(job.key)
        places = known.places if known else ()
        if place:
            places = (*places, place)
        work = known.work if known else work_of(job, self._inputs)
        self.jobs[job.key] = PlannedJob(job=job, places=places, work=work, blocked=blocked)
        return blocked

    def _train_job(self, spec: TrainingSpec, seed: int) -> TrainJob:
        data = self._inputs.digests(spec.classification, ["train"])
        if spec.regularizer:
            data |= self._inputs.digests(spec.regularizer.images, ["train"])
        return TrainJob(training=spec, seed=seed, data=data)

    def _training_blocked(self, spec: TrainingSpec) -> str | None:
        inputs, task, regularizer = self._inputs, spec.classification, spec.regularizer
        reasons = [inputs.missing(task, ["train", "test"]), inputs.too_few(task, "n_train", spec.n_train)]
        if regularizer:
            reasons.append(inputs.missing(regularizer.images, ["train"]))
            reasons.append(inputs.too_few(regularizer.images, "regularizer.n_images", regularizer.n_images))
        return next(filter(None, reasons), None)

    def _data_missing(self, job: EvaluateJob) -> str | None:
        if isinstance(job.evaluation, CorruptionSpec):
            return self._inputs.missing(job.evaluation.images, job.evaluation.corruptions or ())
        return self._inputs.missing(job.model.training.classification, ["test"])

    def _evaluate_job(self, model: TrainJob, evaluation: EvaluationSpec, where: str) -> EvaluateJob:
        resolved = self._resolved_evaluation(evaluation, model.training, where)
        if isinstance(resolved, CorruptionSpec):
            data = self._inputs.digests(resolved.images, resolved.corruptions or ())
        else:
            data = self._inputs.digests(model.training.classification, ["test"])
        substitute = None
        if isinstance(resolved, FgsmTransferSpec):
            if model.seed == resolved.substitute_seed:
                raise SpecError(
                    f"{where}: seed {model.seed} is the substitute's; evaluate other seeds or set substitute_seed"
                )
            substitute = self._train_job(model.training.unregularized, resolved.substitute_seed)
        return EvaluateJob(model=model, evaluation=resolved, data=data, substitute=substitute)

    def _resolved_evaluation(self, spec: EvaluationSpec, training: TrainingSpec, where: str) -> EvaluationSpec:
        """The evaluation with the data set's values for what it leaves open."""
        task = get_dataset(training.classification)
        if isinstance(spec, NoiseSpec | FgsmTransferSpec) and spec.max_epsilon is None:
            return spec.replaced(max_epsilon=task.max_epsilon[spec.kind])
        if isinstance(spec, CorruptionSpec):
            corrupted = _dataset(spec.images, ["corruption"], f"{where}: images")
            if corrupted.clean != task.name:
                raise SpecError(f"{where}: {spec.images} is not {task.name} corrupted")
            for corruption in spec.corruptions or ():
                if corruption not in corrupted.splits:
                    raise SpecError(f"{where}: {UnknownName('corruption', corruption, corrupted.splits)}")
            return spec.replaced(corruptions=spec.corruptions or self._inputs.splits(spec.images))
        return spec


def _resolved_training(spec: TrainingSpec, where: str, bfloat16: bool) -> TrainingSpec:
    """The training with the data set's and the device's values for "auto"; raises SpecError for a set unfit for it."""
    task = _dataset(spec.classification, ["classification"], f"{where}: classification")
    if spec.regularizer:
        _dataset(spec.regularizer.images, ["classification", "regularization"], f"{where}: regularizer.images")
    changes: dict[str, object] = {}
    if spec.augmentation == "auto":
        changes["augmentation"] = task.augmentation
    if spec.precision == "auto":
        changes["precision"] = "bfloat16" if bfloat16 else "float32"
    return spec.replaced(**changes)


def _dataset(name: str, roles: Sequence[str], where: str) -> DataSet:
    """The data set of that name; raises SpecError if there is none, or if it has another role."""
    fitting = [dataset.name for dataset in DATASETS.values() if dataset.role in roles]
    if name not in fitting:
        raise SpecError(f"{where}: {UnknownName(f'data set for {roles[0]}', name, fitting)}")
    return get_dataset(name)
