"""The conditions of a suite, with all that their jobs need but a seed, so that it is resolved once for all seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.spec import EvaluationSpec, Suite, TrainingSpec, WithSubstitute
from harness.suites.cost import evaluation_gflop, training_gflop
from harness.suites.devices import Device
from harness.suites.inputs import Inputs
from harness.suites.obstacles import obstacle
from harness.suites.resolution import ModelSpec, Resolver, evaluation_inputs
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
    """One way to get models, one for each seed, and what is asked of them."""

    name: str
    spec: ModelSpec
    data: Mapping[str, str]
    """SHA-256 of each input that it reads."""
    work: float
    """GFLOP for one model."""
    blocked: str | None
    """Why models cannot be made yet."""
    evaluations: tuple[Asked, ...]


def resolved_conditions(suite: Suite, inputs: Inputs, device: Device) -> tuple[Condition, ...]:
    """The conditions of a suite; raises SpecError where one asks for what cannot be."""
    resolver = Resolver(inputs, device)
    models = {
        name: resolver.model(spec, f"{suite.source.name}: condition {name}") for name, spec in suite.conditions.items()
    }
    substitutes = Substitutes(models.values(), inputs, device)

    def asked(name: str, written: EvaluationSpec, model: ModelSpec) -> Asked:
        where = f"{suite.source.name}: evaluation {name}"
        spec = resolver.evaluation(written, model, where)
        read = evaluation_inputs(spec, model)
        substitute = substitutes.get(model, spec, where) if isinstance(spec, WithSubstitute) else None
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
            spec=model,
            data=inputs.digests(model.inputs),
            work=training_gflop(model, inputs) if isinstance(model, TrainingSpec) else 0.0,
            blocked=obstacle(model, inputs, device),
            evaluations=tuple(asked(each, written, model) for each, written in suite.evaluations.items()),
        )
        for name, model in models.items()
    )
