"""From suites to their jobs: everything resolved, shared jobs once, in the order in which they should run.

Seeds come first in that order, so that tables are whole for some seeds before another seed begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.data.sets import DATASETS, DataSet, Role, get_dataset
from harness.errors import SpecError, UnknownName
from harness.spec import (
    AnalyseJob,
    AnalysisSpec,
    CorruptionSpec,
    CorruptionSpectraSpec,
    EvaluateJob,
    EvaluationSpec,
    ExternalSpec,
    FgsmTransferSpec,
    Job,
    LoadJob,
    ModelJob,
    NoiseExamplesSpec,
    NoiseSpec,
    Place,
    PlannedJob,
    Suite,
    TrainingSpec,
    TrainJob,
    model_of,
)
from harness.spec.training import RECORDED, WEIGHTS, Precision
from harness.suites.cost import work_of
from harness.suites.inputs import Inputs


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The jobs of one or several suites at one profile."""

    suites: tuple[Suite, ...]
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

    def jobs_of(self, suite: Suite) -> tuple[PlannedJob, ...]:
        """The jobs that have a place in a suite, with what they need; only the places in that suite are named."""
        own = {
            planned.key: tuple(place for place in planned.places if place.suite == suite.name) for planned in self.jobs
        }
        needed = {need.key for planned in self.jobs if own[planned.key] for need in planned.needs}
        return tuple(
            replace(planned, places=own[planned.key])
            for planned in self.jobs
            if own[planned.key] or planned.key in needed
        )


def label(planned: PlannedJob) -> str:
    """How people read a job: "threshold, seed 1: gaussian"."""
    if not planned.places:
        model = model_of(planned.job)
        assert model is not None, "an analysis has a place"
        return f"substitute, seed {model.seed}"
    place = planned.places[0]
    if isinstance(planned.job, AnalyseJob):
        return f"analysis {place.evaluation}"
    return f"{place.condition}, seed {place.seed}" + (f": {place.evaluation}" if place.evaluation else "")


def make_plan(
    suites: Sequence[Suite], inputs: Inputs, *, bfloat16: bool, seeds: Sequence[int] = (), only: Sequence[str] = ()
) -> Plan:
    """All jobs of suites, and which of them `seeds` (each suite's own if empty) and `only` (conditions) select.

    Seeds that are not a suite's join its own. Raises SpecError where a condition asks for what cannot be.
    """
    conditions = _selected_conditions(suites, only)
    planner = _Planner(inputs, bfloat16)
    for suite in suites:
        planner.add_analyses(suite)
    for seed in sorted({seed for suite in suites for seed in suite.seeds}.union(seeds)):
        for suite in suites:
            if seed in suite.seeds or seed in seeds:
                planner.add_models(suite, seed)
    jobs = tuple(planner.jobs.values())
    wanted = [
        planned
        for planned in jobs
        if any(_is_wanted(planned.job, place, conditions, only, seeds) for place in planned.places)
    ]
    selected = {planned.key for planned in wanted} | {need.key for planned in wanted for need in planned.needs}
    return Plan(suites=tuple(suites), jobs=jobs, selected=frozenset(selected))


def _is_wanted(job: Job, place: Place, conditions: set[str], only: Sequence[str], seeds: Sequence[int]) -> bool:
    """Whether the command asks for a job at a place.

    An analysis has no condition: it is asked for unless the command names some. An external model has no seed.
    """
    if not place.condition:
        return not only
    any_seed = not seeds or isinstance(model_of(job), LoadJob)
    return place.condition in conditions and (any_seed or place.seed in seeds)


def _selected_conditions(suites: Sequence[Suite], only: Iterable[str]) -> set[str]:
    """The conditions of those names; the name of a sweep stands for all its points."""
    known = {condition for suite in suites for condition in suite.conditions}
    found: set[str] = set()
    for name in only:
        matching = {condition for condition in known if condition == name or condition.startswith(f"{name}[")}
        if not matching:
            raise UnknownName(f"condition of {', '.join(suite.name for suite in suites)}", name, known)
        found |= matching
    return found or known


class _Planner:
    """Collects the jobs of suites, each once, with all its places."""

    def __init__(self, inputs: Inputs, bfloat16: bool) -> None:
        self._inputs = inputs
        self._bfloat16 = bfloat16
        self.jobs: dict[str, PlannedJob] = {}

    def add_analyses(self, suite: Suite) -> None:
        """What a suite asks of data alone."""
        for name, written in suite.analyses.items():
            spec, splits = self._resolved_analysis(written, f"{suite.source.name}: analysis {name}")
            job = AnalyseJob(spec=spec, data=self._inputs.digests(splits))
            place = Place(suite=suite.name, profile=suite.profile, condition="", seed=0, evaluation=name)
            self._add(job, place, self._inputs.missing(splits))

    def add_models(self, suite: Suite, seed: int) -> None:
        """One model of each condition, and its evaluations. External models come with the suite's first seed."""
        for condition, spec in suite.conditions.items():
            if isinstance(spec, TrainingSpec):
                resolved = _resolved_training(spec, f"{suite.source.name}: condition {condition}", self._bfloat16)
                self._add_model(suite, condition, self._train_job(resolved, seed), self._training_blocked(resolved))
            elif seed == min(suite.seeds):
                splits = (f"{spec.weights}/{WEIGHTS}",)
                missing = self._inputs.missing((f"{spec.classification}/test", *splits))
                self._add_model(suite, condition, LoadJob(spec=spec, data=self._inputs.digests(splits)), missing)

    def _add_model(self, suite: Suite, condition: str, model: ModelJob, blocked: str | None) -> None:
        place = Place(suite=suite.name, profile=suite.profile, condition=condition, seed=model.seed, evaluation=None)
        self._add(model, place, blocked)
        for name, evaluation in suite.evaluations.items():
            job = self._evaluate_job(model, evaluation, f"{suite.source.name}: evaluation {name}")
            substitute_blocked = None
            if job.substitute:
                substitute_blocked = self._add(job.substitute, None, self._training_blocked(job.substitute.spec))
            self._add(
                job, replace(place, evaluation=name), blocked or substitute_blocked or self._inputs.missing(job.data)
            )

    def _add(self, job: Job, place: Place | None, blocked: str | None) -> str | None:
        known = self.jobs.get(job.key)
        places = known.places if known else ()
        if place:
            places = (*places, place)
        work = known.work if known else work_of(job, self._inputs)
        self.jobs[job.key] = PlannedJob(job=job, places=places, work=work, blocked=blocked)
        return blocked

    def _train_job(self, spec: TrainingSpec, seed: int) -> TrainJob:
        return TrainJob(spec=spec, seed=seed, data=self._inputs.digests(spec.splits))

    def _training_blocked(self, spec: TrainingSpec) -> str | None:
        inputs, task, regularizer = self._inputs, f"{spec.classification}/train", spec.regularizer
        reasons = [
            inputs.missing((*spec.splits, f"{spec.classification}/test")),
            inputs.too_few(task, "n_train", spec.n_train),
        ]
        if regularizer:
            reasons.append(inputs.too_few(regularizer.splits[0], "regularizer.n_images", regularizer.n_images))
        return next(filter(None, reasons), None)

    def _evaluate_job(self, model: ModelJob, evaluation: EvaluationSpec, where: str) -> EvaluateJob:
        resolved = self._resolved_evaluation(evaluation, model.spec, where)
        splits: Sequence[str] = (f"{model.spec.classification}/test",)
        if isinstance(resolved, CorruptionSpec):
            splits = [f"{resolved.images}/{corruption}" for corruption in resolved.corruptions or ()]
        substitute = self._substitute(model, resolved, where) if isinstance(resolved, FgsmTransferSpec) else None
        return EvaluateJob(model=model, evaluation=resolved, data=self._inputs.digests(splits), substitute=substitute)

    def _substitute(self, model: ModelJob, spec: FgsmTransferSpec, where: str) -> TrainJob:
        if isinstance(model.spec, ExternalSpec):
            raise SpecError(f"{where}: an external model has no unregularized twin to be attacked with; leave it out")
        if model.seed == spec.substitute_seed:
            raise SpecError(
                f"{where}: seed {model.seed} is the substitute's; evaluate other seeds or set substitute_seed"
            )
        return self._train_job(model.spec.unregularized, spec.substitute_seed)

    def _resolved_evaluation(
        self, spec: EvaluationSpec, model: TrainingSpec | ExternalSpec, where: str
    ) -> EvaluationSpec:
        """The evaluation with the data set's and the device's values for what it leaves open."""
        task = get_dataset(model.classification)
        changes: dict[str, object] = {"precision": _resolved_precision(spec.precision, self._bfloat16)}
        if isinstance(spec, NoiseSpec | FgsmTransferSpec) and spec.max_epsilon is None:
            changes["max_epsilon"] = task.max_epsilon[spec.kind]
        if isinstance(spec, CorruptionSpec):
            changes["corruptions"] = self._corruptions(spec, where)
            if get_dataset(spec.images).clean != task.name:
                raise SpecError(f"{where}: {spec.images} is not {task.name} corrupted")
        return spec.replaced(**changes)

    def _resolved_analysis(self, spec: AnalysisSpec, where: str) -> tuple[AnalysisSpec, tuple[str, ...]]:
        """The analysis with the data set's values for what it leaves open, and what it reads, as "name/split"."""
        if isinstance(spec, CorruptionSpectraSpec):
            spec = spec.replaced(corruptions=self._corruptions(spec, where))
            corrupted = (f"{spec.images}/{corruption}" for corruption in spec.corruptions or ())
            return spec, (f"{get_dataset(spec.images).clean}/test", *corrupted)
        if isinstance(spec, NoiseExamplesSpec):
            _dataset(spec.images, ["classification"], f"{where}: images")
            return spec, (f"{spec.images}/test",)
        return spec, (f"{spec.recording}/neural",)

    def _corruptions(self, spec: CorruptionSpec | CorruptionSpectraSpec, where: str) -> tuple[str, ...]:
        """The corruptions that a spec names, else all that its set has."""
        corrupted = _dataset(spec.images, ["corruption"], f"{where}: images")
        for corruption in spec.corruptions or ():
            if corruption not in corrupted.splits:
                raise SpecError(f"{where}: {UnknownName('corruption', corruption, corrupted.splits)}")
        return spec.corruptions or self._inputs.splits(spec.images)


def _resolved_training(spec: TrainingSpec, where: str, bfloat16: bool) -> TrainingSpec:
    """The training with the data set's and the device's values for "auto"; raises SpecError for a set unfit for it."""
    task = _dataset(spec.classification, ["classification"], f"{where}: classification")
    if spec.regularizer and spec.regularizer.target not in RECORDED:
        _dataset(spec.regularizer.images, ["classification", "regularization"], f"{where}: regularizer.images")
    changes: dict[str, object] = {"precision": _resolved_precision(spec.precision, bfloat16)}
    if spec.augmentation == "auto":
        changes["augmentation"] = task.augmentation
    return spec.replaced(**changes)


def _resolved_precision(asked: Precision, bfloat16: bool) -> Precision:
    if asked == "auto":
        return "bfloat16" if bfloat16 else "float32"
    return asked


def _dataset(name: str, roles: Sequence[Role], where: str) -> DataSet:
    """The data set of that name; raises SpecError if there is none, or if it has another role."""
    fitting = [dataset.name for dataset in DATASETS.values() if dataset.role in roles]
    if name not in fitting:
        raise SpecError(f"{where}: {UnknownName(f'data set for {roles[0]}', name, fitting)}")
    return get_dataset(name)
