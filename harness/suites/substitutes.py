"""Substitutes: the networks that transferred attacks are made with, each an unregularized twin of those it attacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from harness.errors import SpecError
from harness.spec import ModelSpec, PlannedJob, TrainingSpec, TrainJob, WithSubstitute
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

    def __init__(self, models: Iterable[ModelSpec], seeds: Collection[int], inputs: Inputs, device: Device) -> None:
        """models, seeds: those of the suite's conditions."""
        self._trained = [spec for spec in models if isinstance(spec, TrainingSpec)]
        self._seeds = seeds
        self._inputs = inputs
        self._device = device

    def get(self, model: ModelSpec, attack: WithSubstitute, where: str) -> Substitute:
        """The substitute for an attack on a model.

        Raises:
            SpecError: the suite trains none, or several, or the substitute would be one of the models themselves.
        """
        twins = self._twins(model)
        if len(twins) != 1:
            assert not isinstance(model, TrainingSpec), "which is its own twin, without its regularizer"
            raise SpecError(
                f"{where}: {model.title} has no training here, so it is attacked with the unregularized model that the "
                f"suite trains on {model.classification} ({model.color}), of which there "
                f"{'are several; ' if twins else 'is none; add a condition, '}divide the suite, or leave the attack out"
            )
        [twin] = twins
        seed = attack.substitute_seed
        if seed in self._seeds:
            raise SpecError(f"{where}: seed {seed} is the substitute's; evaluate other seeds or set substitute_seed")
        if attack.substitute_precision:
            twin = twin.replaced(precision=attack.substitute_precision)
        job = TrainJob(spec=twin, seed=seed, data=self._inputs.digests(twin.inputs))
        work, blocked = training_gflop(twin, self._inputs), obstacle(twin, self._inputs, self._device)
        return Substitute(job, PlannedJob(job=job, places=(), work=work, blocked=blocked))

    def _twins(self, model: ModelSpec) -> list[TrainingSpec]:
        """The unregularized trainings whose models transferred attacks on a model can come from.

        A trained model has its own. One that was trained elsewhere has those of the suite's other conditions on the
        same images, so that all of them meet the same attacked images.
        """
        if isinstance(model, TrainingSpec):
            return [model.unregularized]
        found: list[TrainingSpec] = []
        for spec in self._trained:
            alike = (spec.classification, spec.color) == (model.classification, model.color)
            if alike and spec.unregularized not in found:
                found.append(spec.unregularized)
        return found
