"""From suites to their jobs: everything resolved, shared jobs once, in the order in which they should run.

Seeds come first in that order, so that tables are whole for some seeds before another seed begins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

from harness.spec import (
    AnalyseJob,
    EvaluateJob,
    Place,
    PlannedJob,
    Suite,
    TrainJob,
)
from harness.suites.conditions import Condition, resolved_conditions
from harness.suites.devices import Device
from harness.suites.inputs import Inputs
from harness.suites.resolution import Resolver
from harness.suites.selection import Selection


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
    selection: Selection, inputs: Inputs, device: Device, find_trained: Callable[[], Collection[str]] = tuple
) -> Plan:
    """All jobs of the suites that are selected, and which of them are asked for.

    Seeds that are not a suite's join its own. find_trained: keys of the trainings that are done, whose models can be
    evaluated where they cannot be trained; it is only asked if there is such a model. Raises SpecError where a
    condition asks for what cannot be.
    """
    selection.require_known()
    found, suites = _Jobs(find_trained), selection.suites
    for suite in suites:
        found.add_analyses(suite, inputs, device)
    resolved = [(suite, resolved_conditions(suite, selection.seeds_of(suite), inputs, device)) for suite in suites]
    for seed in sorted({seed for suite in suites for seed in selection.seeds_of(suite)}):
        for suite, conditions in resolved:
            for condition in conditions:
                if seed in condition.models:
                    found.add_model(suite, condition, seed)
    jobs = tuple(found.by_key.values())
    wanted = [planned for planned in jobs if selection.asks_for(planned)]
    selected = {planned.key for planned in wanted} | {need.key for planned in wanted for need in planned.needs}
    return Plan(suites=suites, jobs=jobs, selected=frozenset(selected))


class _Jobs:
    """The jobs of suites, each once, with all its places."""

    def __init__(self, find_trained: Callable[[], Collection[str]]) -> None:
        self.by_key: dict[str, PlannedJob] = {}
        self._find_trained = cache(find_trained)

    def add(self, planned: PlannedJob) -> None:
        """Take in a job, or further places of one that is known."""
        known = self.by_key.get(planned.key)
        self.by_key[planned.key] = replace(planned, places=(*known.places, *planned.places)) if known else planned

    def add_analyses(self, suite: Suite, inputs: Inputs, device: Device) -> None:
        """What a suite asks of data alone."""
        resolver = Resolver(inputs, device)
        for name, written in suite.analyses.items():
            spec, read = resolver.analysis(written, f"{suite.source.name}: analysis {name}")
            job = AnalyseJob(spec=spec, data=inputs.digests(read))
            place = Place(suite=suite.name, profile=suite.profile, condition="", seed=0, evaluation=name)
            self.add(PlannedJob(job=job, places=(place,), work=0.0, blocked=inputs.missing(read)))

    def add_model(self, suite: Suite, condition: Condition, seed: int) -> None:
        """The model of a condition that comes with a seed, and its evaluations."""
        model = condition.models[seed]
        at = partial(Place, suite=suite.name, profile=suite.profile, condition=condition.name, seed=model.seed)
        place = at(evaluation=None, baseline=suite.baselines.get(condition.name))
        made = PlannedJob(job=model, places=(place,), work=condition.work, blocked=condition.blocked)
        self.add(made)
        obstacle = self._obstacle(made)
        for asked in condition.evaluations:
            substitute, blocked = None, obstacle or asked.blocked
            if asked.substitute:
                substitute, training = asked.substitute
                self.add(training)
                blocked = blocked or self._obstacle(training)
            job = EvaluateJob(model=model, evaluation=asked.spec, data=asked.data, substitute=substitute)
            place = at(evaluation=asked.name)
            self.add(PlannedJob(job=job, places=(place,), work=asked.work, blocked=blocked))

    def _obstacle(self, made: PlannedJob) -> str | None:
        """What keeps a model from being evaluated: what keeps it from being made, unless it is trained already."""
        if made.blocked and isinstance(made.job, TrainJob) and made.key in self._find_trained():
            return None
        return made.blocked
