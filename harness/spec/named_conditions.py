"""Conditions that others name: those trained elsewhere have neither baseline nor substitute of their own."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import SpecError, UnknownName
from harness.spec.external import SEED, ModelSpec
from harness.spec.spec import Table
from harness.spec.training import TrainingSpec

OF_OWN = {"baseline": "compared with", "substitute": "attacked with"}
"""The keys that name them, and what a condition that is trained here is with itself unregularized."""


def baselines(tables: Mapping[str, Table], conditions: Mapping[str, ModelSpec], where: str) -> dict[str, str]:
    """What each condition that names a baseline is compared with; raises SpecError where that cannot be."""
    named = _named("baseline", tables, conditions, where)
    for name, baseline in named.items():
        at = f"{where}: conditions {name}: baseline"
        own, base = conditions[name], conditions[baseline]
        if baseline in named or (isinstance(base, TrainingSpec) and base != base.unregularized):
            raise SpecError(f"{at}: {baseline} is itself compared with another; name one that is not")
        require_alike(at, {each: conditions[each] for each in (name, baseline)})
        if own.has_seeds != base.has_seeds:
            single, over = (baseline, name) if own.has_seeds else (name, baseline)
            raise SpecError(
                f"{at}: {over} is a model for each seed, {single} a single one; both must be alike, and {SEED} in the "
                "name of its weights makes a checkpoint one for each"
            )
    return named


def substitutes(tables: Mapping[str, Table], conditions: Mapping[str, ModelSpec], where: str) -> dict[str, str]:
    """By condition the one whose unregularized twin attacks it; raises SpecError where that cannot be."""
    named = _named("substitute", tables, conditions, where)
    for name, substitute in named.items():
        at = f"{where}: conditions {name}: substitute"
        if not isinstance(conditions[substitute], TrainingSpec):
            raise SpecError(f"{at}: {substitute} is not trained here; name one that is")
        require_alike(at, {each: conditions[each] for each in (name, substitute)})
    return named


def _named(key: str, tables: Mapping[str, Table], conditions: Mapping[str, ModelSpec], where: str) -> dict[str, str]:
    """The condition that each names under a key; raises SpecError where there is none of that name."""
    named = {name: table[key] for name, table in tables.items() if key in table}
    for name, other in named.items():
        if other not in conditions:
            raise SpecError(f"{where}: conditions {name}: {key}: {UnknownName('condition', other, conditions)}")
    return named


def require_alike(at: str, two: Mapping[str, ModelSpec]) -> None:
    """Raises SpecError where two conditions do not classify the same images."""
    tasks = {name: f"{spec.classification} ({spec.color})" for name, spec in two.items()}
    if len({*tasks.values()}) > 1:
        [(name, task), (other, another)] = tasks.items()
        raise SpecError(f"{at}: {name} classifies {task}, {other} {another}; both must be alike")
