"""The conditions of a suite, with all that their jobs need, resolved once for all seeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.errors import SpecError
from harness.spec import (
    CheckpointSpec,
    EvaluationSpec,
    LoadJob,
    ModelJob,
    ModelSpec,
    Suite,
    TrainingSpec,
    TrainJob,
    WithSubstitute,
)
from harness.spec.seeds import seeds_text
from harness.suites.cost import evaluation_gflop, training_gflop
from harness.suites.devices import Device
from harness.suites.inputs import Inputs
from harness.suites.obstacles import obstacle
from harness.suites.resolution import Resolver, evaluation_inputs
from harness.suites.substitutes import Substitute, Substitutes


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An evaluation of each model of a condition."""

    name: str
    """In the suite."""
    spec: EvaluationSpec
    data: Mapping[str, str]
    """SHA-256 of each input that it reads."""
    work: float
    """GFLOP for one model."""
    blocked: str | None
    """For want of what it reads itself."""
    substitute: Substitute | None
    """Of a transferred attack."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way to get models, and what is asked of them."""

    name: str
    models: Mapping[int, ModelJob]
    """One for each seed; a single one that was trained elsewhere comes with the suite's first."""
    work: float
    """GFLOP for one model."""
    blocked: str | None
    """Why models cannot be made yet."""
    evaluations: tuple[Asked, ...]


def resolved_conditions(suite: Suite, seeds: Collection[int], inputs: Inputs, device: Device) -> tuple[Condition, ...]:
    """The conditions of a suite over seeds, its own among them; raises SpecError where one asks for what cannot be."""
    resolver = Resolver(inputs, device)
    models = {
        name: resolver.model(spec, f"{suite.source.name}: condition {name}") for name, spec in suite.conditions.items()
    }
    substitutes = Substitutes(models, suite.substitutes, seeds, inputs, device)

    def jobs(name: str, spec: ModelSpec) -> dict[int, ModelJob]:
        data = inputs.digests(spec.inputs)
        if isinstance(spec, TrainingSpec):
            return {seed: TrainJob(spec=spec, seed=seed, data=data) for seed in seeds}
        if isinstance(spec, CheckpointSpec) and spec.has_seeds:
            _require_weights(spec, seeds, inputs, f"{suite.source.name}: condition {name}")
            weights = {seed: inputs.digests([spec.weights_input(seed)]) for seed in seeds}
            return {seed: LoadJob(spec=spec, seed=seed, data=data | own) for seed, own in weights.items()}
        return {min(suite.seeds): LoadJob(spec=spec, data=data)}

    def asked(name: str, written: EvaluationSpec, condition: str) -> Asked:
        model, where = models[condition], f"{suite.source.name}: evaluation {name}"
        spec = resolver.evaluation(written, model, where)
        read = evaluation_inputs(spec, model)
        substitute = None
        if isinstance(spec, WithSubstitute):
            substitute = substitutes.get(condition, spec, where)
            spec = spec.replaced(substitute_condition=None)  # its training is part of the identity, its name is not
        return Asked(
            name=name,
            spec=spec,
            data=inputs.digests(read),
            work=evaluation_gflop(spec, model, inputs, substitute.job.spec if substitute else None),
            blocked=inputs.missing(read),
            substitute=substitute,
        )

    return tuple(
        Condition(
            name=name,
            models=jobs(name, model),
            work=training_gflop(model, inputs) if isinstance(model, TrainingSpec) else 0.0,
            blocked=obstacle(model, inputs, device),
            evaluations=tuple(asked(each, written, name) for each, written in suite.evaluations.items()),
        )
        for name, model in models.items()
    )


def _require_weights(spec: CheckpointSpec, seeds: Collection[int], inputs: Inputs, where: str) -> None:
    """Raises SpecError, which names the seeds, where files of weights are not there."""
    if absent := [seed for seed in seeds if not inputs.own_path(spec.weights_of(seed)).is_file()]:
        of = f"seed{'s' if len(absent) > 1 else ''} {seeds_text(absent)}"
        raise SpecError(
            f"{where}: there is no file {inputs.own_path(spec.weights)} of {of}; a checkpoint's weights lie beside its "
            "suite"
        )
