"""Substitutes: the networks that transferred attacks are made with.

In the paper each is an unregularized twin of those it attacks; an attack may name a condition of its suite instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from harness.errors import SpecError, UnknownName
from harness.spec import ModelSpec, PlannedJob, TrainingSpec, TrainJob, WithSubstitute
from harness.spec.evaluation import ATTACKED
from harness.spec.named_conditions import require_alike
from harness.suites.cost import training_gflop
from harness.suites.devices import Device
from harness.suites.inputs import Inputs
from harness.suites.obstacles import obstacle


class Substitute(NamedTuple):
    """The network that an attack on the models of a condition is made with."""

    job: TrainJob
    planned: PlannedJob
    """That job, which has no place in a suite."""


class Substitutes:
    """Finds the substitutes for the models of a suite."""

    def __init__(
        self,
        models: Mapping[str, ModelSpec],
        named: Mapping[str, str],
        seeds: Collection[int],
        inputs: Inputs,
        device: Device,
    ) -> None:
        """models: the suite's, by condition. named: by condition the one whose twin attacks it, if the suite says."""
        self._models = models
        self._named = named
        self._seeds = seeds
        self._inputs = inputs
        self._device = device

    def get(self, condition: str, attack: WithSubstitute, where: str) -> Substitute:
        """The substitute for an attack on the models of a condition.

        Raises:
            SpecError: the suite has none, or several, or the substitute would be one of the models themselves.
        """
        named = attack.substitute_condition
        alike = condition if named == ATTACKED else named
        spec = self._trained_as(alike, condition, where) if alike else self._twin(condition, where)
        seed = attack.substitute_seed
        if seed in self._seeds:
            raise SpecError(f"{where}: seed {seed} is the substitute's; evaluate other seeds or set substitute_seed")
        if attack.substitute_precision:
            spec = spec.replaced(precision=attack.substitute_precision)
        job = TrainJob(spec=spec, seed=seed, data=self._inputs.digests(spec.inputs))
        work, blocked = training_gflop(spec, self._inputs), obstacle(spec, self._inputs, self._device)
        return Substitute(job, PlannedJob(job=job, places=(), work=work, blocked=blocked, alike=alike))

    def _trained_as(self, alike: str, condition: str, where: str) -> TrainingSpec:
        """The training of the condition that an attack on another, or on the same, names."""
        at = f"{where}: substitute_condition"
        if alike not in self._models:
            raise SpecError(f"{at}: {UnknownName('condition', alike, self._models)}")
        spec = self._models[alike]
        if not isinstance(spec, TrainingSpec):
            raise SpecError(f"{at}: {alike} was trained elsewhere; name a condition that is trained here")
        require_alike(at, {condition: self._models[condition], alike: spec})
        return spec

    def _twin(self, condition: str, where: str) -> TrainingSpec:
        """The one unregularized training that attacks a condition if nothing else is said."""
        twins = self._twins(condition)
        if len(twins) != 1:
            model = self._models[condition]
            several = f"are several: say in condition {condition} which, substitute = {' or '.join(map(repr, twins))}"
            none = "is none: add a condition that is trained, or leave the attack out"
            raise SpecError(
                f"{where}: {condition} was trained elsewhere, so it is attacked with the unregularized model that the "
                f"suite trains on {model.classification} ({model.color}), of which there {several if twins else none}"
            )
        [twin] = twins.values()
        return twin

    def _twins(self, condition: str) -> dict[str, TrainingSpec]:
        """The unregularized trainings that transferred attacks can come from, by the first condition of each.

        A condition that is trained has its own. One that was trained elsewhere has that of the condition that it names,
        else those of all on the same images, so that all of them meet the same attacked images.
        """
        model = self._models[self._named.get(condition, condition)]
        if isinstance(model, TrainingSpec):
            return {condition: model.unregularized}
        found: dict[str, TrainingSpec] = {}
        trained = {name: spec for name, spec in self._models.items() if isinstance(spec, TrainingSpec)}
        for name, spec in trained.items():
            alike = (spec.classification, spec.color) == (model.classification, model.color)
            if alike and spec.unregularized not in found.values():
                found[name] = spec.unregularized
        return found
