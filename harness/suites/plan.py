"""From suites to their jobs: everything resolved, shared jobs once, in the order in which they should run.

Seeds come first in that order, so that tables are whole for some seeds before another seed begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from harness.errors import UnknownName
from harness.spec import (
    EvaluateJob,
    Job,
    LoadJob,
    ModelJob,
    Place,
    PlannedJob,
    Suite,
    TrainingSpec,
    TrainJob,
    model_of,
)
from harness.suites.inputs import Inputs
from harness.suites.resolution import Condition, Resolver


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


def make_plan(
    suites: Sequence[Suite],
    inputs: Inputs,
    *,
    bfloat16: bool,
    tf32: bool = False,
    seeds: Sequence[int] = (),
    only: Sequence[str] = (),
) -> Plan:
    """All jobs of suites, and which of them `seeds` (each suite's own if empty) and `only` (conditions) select.

    Seeds that are not a suite's join its own. Raises SpecError where a condition asks for what cannot be.
    """
    conditions = _selected_conditions(suites, only)
    resolver, found = Resolver(inputs, bfloat16=bfloat16, tf32=tf32), _Jobs()
    for suite in suites:
        for analysis in resolver.analyses(suite):
            found.add(analysis)
    resolved = [(suite, resolver.conditions(suite)) for suite in suites]
    for seed in sorted({seed for suite in suites for seed in suite.seeds}.union(seeds)):
        for suite, models in resolved:
            if seed in suite.seeds or seed in seeds:
                for model in models:
                    found.add_model(suite, model, seed)
    jobs = tuple(found.by_key.values())
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


class _Jobs:
    """The jobs of suites, each once, with all its places."""

    def __init__(self) -> None:
        self.by_key: dict[str, PlannedJob] = {}

    def add(self, planned: PlannedJob) -> None:
        """Take in a job, or further places of one that is known."""
        known = self.by_key.get(planned.key)
        self.by_key[planned.key] = replace(planned, places=(*known.places, *planned.places)) if known else planned

    def add_model(self, suite: Suite, condition: Condition, seed: int) -> None:
        """One model of a condition and its evaluations. An external model comes with the suite's first seed."""
        model: ModelJob
        if isinstance(condition.spec, TrainingSpec):
            model = TrainJob(spec=condition.spec, seed=seed, data=condition.data)
        elif seed == min(suite.seeds):
            model = LoadJob(spec=condition.spec, data=condition.data)
        else:
            return
        at = partial(Place, suite=suite.name, profile=suite.profile, condition=condition.name, seed=model.seed)
        blocked = condition.blocked
        self.add(PlannedJob(job=model, places=(at(evaluation=None),), work=condition.work, blocked=blocked))
        for asked in condition.evaluations:
            substitute = asked.substitute_of(seed)
            if asked.substitute:
                self.add(asked.substitute)
            job = EvaluateJob(model=model, evaluation=asked.spec, data=asked.data, substitute=substitute)
            place = at(evaluation=asked.name)
            self.add(PlannedJob(job=job, places=(place,), work=asked.work, blocked=blocked or asked.blocked))
