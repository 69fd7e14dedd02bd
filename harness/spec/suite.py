"""A suite: conditions x seeds x evaluations, written once and run at three scales.

The file's tables are laid over each other from the general to the special:

    [train]  <- [profiles.P.train]  <- [conditions.C] <- [profiles.P.conditions.C]

and `[regularizer]` is what all regularized conditions have in common. A condition's `grid` is a compact
sweep: each combination of its lists becomes a condition of its own. One with `external` or `checkpoint` was
trained elsewhere; nothing is laid over it, and it names the conditions that it is compared with (`baseline`) and
that transferred attacks on it are made with (`substitute`). A file with `suites` is a collection: all of those, and
nothing else.

Every table is checked twice: alone where it is written (`suite_file`), and whole after it was laid over.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import Field

from harness.errors import SpecError
from harness.names import lookup
from harness.spec.analysis import AnalysisSpec
from harness.spec.evaluation import EVALUATION_SPECS, BoundarySpec, CorruptionSpec, EvaluationSpec
from harness.spec.extends import laid_over, read_toml
from harness.spec.external import CheckpointSpec, ExternalSpec, ModelSpec, RobustBenchSpec
from harness.spec.grid import point_name
from harness.spec.named_conditions import OF_OWN, baselines, substitutes
from harness.spec.problems import validated, validated_conditions
from harness.spec.profile import PROFILES, ProfileName
from harness.spec.spec import Spec, Table, part_of
from harness.spec.suite_file import (
    KINDS,
    MOST_CONDITIONS,
    CollectionFile,
    ProfileOverlay,
    SuiteFile,
    read_suite_file,
)
from harness.spec.training import TrainingSpec

EXTERNAL: Mapping[str, tuple[str, type[ExternalSpec]]] = {
    "external": ("an external model", RobustBenchSpec),
    "checkpoint": ("a checkpoint", CheckpointSpec),
}
"""By the condition's key: what is loaded, not trained."""


class Suite(Spec):
    """A suite at one profile, everything spelled out."""

    name: str
    profile: ProfileName
    title: str
    figures: tuple[str, ...] = ()
    """Figures and tables of the paper that it produces the data for."""
    seeds: tuple[int, ...] = Field(min_length=1)
    conditions: dict[str, ModelSpec]
    baselines: dict[str, str] = {}
    """By condition that was trained elsewhere: the one that it is compared with."""
    substitutes: dict[str, str] = {}
    """By condition that was trained elsewhere: the one whose unregularized twin transferred attacks are made with."""
    evaluations: dict[str, EvaluationSpec]
    analyses: dict[str, AnalysisSpec] = {}
    source: Path
    """The file it was read from."""


class Collection(Spec):
    """Several suites under one name."""

    name: str
    title: str
    suites: tuple[str, ...]


def read_collection(path: Path) -> Collection | None:
    """The collection of a TOML file; None if it is a suite's. Raises SpecError."""
    text = read_toml(path)
    if "suites" not in text:
        return None
    written = validated(CollectionFile, text, path.name)
    return Collection(name=path.stem, title=written.title, suites=tuple(written.suites))


def parse_suite(
    path: Path, profile: str, others: Mapping[str, Path] | None = None, unsaid: Mapping[str, Table] | None = None
) -> Suite:
    """The suite of a TOML file at a profile; a SpecError says which key of which file is wrong.

    others: the files of all suites by name, one of which this one may extend.
    unsaid: what lies below the file's tables, `train` below its trainings, `evaluations` below each evaluation.
    """
    lookup(PROFILES, "profile", profile)
    written = _upon(unsaid or {}, read_suite_file(path, others or {}))
    overlay = written.profiles.get(profile, ProfileOverlay())  # type: ignore[call-overload]
    where = f"{path.name} (profile {profile})"
    tables = {
        expanded_name: expanded
        for name, table in laid_over(written.conditions, overlay.conditions).items()
        for expanded_name, expanded in _grid(name, table, path.name)
    }
    whole: dict[type[ModelSpec], dict[str, Table]] = {}
    for name, table in tables.items():
        kind, condition = _condition(written, overlay, table, f"{where}: conditions {name}")
        whole.setdefault(kind, {})[name] = condition
    conditions = {
        name: condition
        for kind, of_kind in whole.items()
        for name, condition in validated_conditions(kind, of_kind, where).items()
    }
    return Suite(
        name=path.stem,
        profile=profile,
        title=written.title,
        figures=tuple(written.figures),
        seeds=written.seeds if overlay.seeds is None else overlay.seeds,
        conditions={name: conditions[name] for name in tables},
        baselines=baselines(tables, conditions, where),
        substitutes=substitutes(tables, conditions, where),
        evaluations=_told_apart(_of_kinds(written, overlay, "evaluation", where), where),
        analyses=_of_kinds(written, overlay, "analysis", where),
        source=path,
    )


def _upon(unsaid: Mapping[str, Table], written: SuiteFile) -> SuiteFile:
    """The file with what it does not say."""
    train, each = unsaid.get("train", {}), unsaid.get("evaluations", {})
    evaluations = {
        name: laid_over(_open_to(table.get("kind", name), each), table) for name, table in written.evaluations.items()
    }
    return written.model_copy(update={"train": laid_over(train, written.train), "evaluations": evaluations})


def _open_to(kind: str, unsaid: Table) -> Table:
    """What of it evaluations of a kind leave open: some have one precision only."""
    spec = EVALUATION_SPECS.get(kind)
    return {
        key: value
        for key, value in unsaid.items()
        if spec is None or len(get_args(spec.model_fields[key].annotation)) > 1
    }


def _of_kinds(written: SuiteFile, overlay: ProfileOverlay, what: str, where: str) -> dict[str, Any]:
    """The evaluations or the analyses of a suite at a profile."""
    table_name, specs = KINDS[what]
    tables = laid_over(getattr(written, table_name), getattr(overlay, table_name))
    named = {name: {"kind": name} | table for name, table in tables.items()}
    return {
        name: validated(specs[table["kind"]], table, where, f"{table_name}.{name}") for name, table in named.items()
    }


def _told_apart(evaluations: dict[str, EvaluationSpec], where: str) -> dict[str, EvaluationSpec]:
    """The evaluations; raises SpecError where the views and a report would mix the numbers of two."""
    for (one, first), (other, second) in itertools.combinations(evaluations.items(), 2):
        match first, second:
            case BoundarySpec(), BoundarySpec() if first.steps == second.steps:
                shared = f"are both Boundary attacks of {first.steps} steps"
            case CorruptionSpec(), CorruptionSpec() if _overlap(first, second):
                shared = "have corruptions in common"
            case _:
                continue
        raise SpecError(f"{where}: evaluations {one} and {other} {shared}; make two suites of them")
    return evaluations


def _overlap(first: CorruptionSpec, second: CorruptionSpec) -> bool:
    """Whether two evaluations give the same row of a report a number; one that names no corruptions has them all."""
    named = [set(each.corruptions) for each in (first, second) if each.corruptions]
    return bool(set(first.severities) & set(second.severities)) and (len(named) < 2 or bool(named[0] & named[1]))


def _condition(
    written: SuiteFile, overlay: ProfileOverlay, condition: Table, where: str
) -> tuple[type[ModelSpec], Table]:
    """What a condition is, and its whole table."""
    for key, (what, kind) in EXTERNAL.items():
        if key in condition:
            others = sorted(condition.keys() - {key, *OF_OWN})
            if others:
                raise SpecError(f"{where}: {what} is not trained here, so remove {', '.join(others)}")
            return kind, condition[key]
    for key, own in OF_OWN.items():
        if key in condition:
            raise SpecError(f"{where}: what is trained here is {own} itself unregularized, so remove {key}")
    table = laid_over(laid_over(written.train, overlay.train), condition)
    if "regularizer" in condition:
        shared = laid_over(written.regularizer, overlay.regularizer)
        table["regularizer"] = laid_over(shared, condition["regularizer"])
    return TrainingSpec, table


def _grid(name: str, table: Table, where: str) -> Iterator[tuple[str, Table]]:
    """The conditions that one entry stands for: itself, or each combination of its grid."""
    rest = {key: value for key, value in table.items() if key != "grid"}
    axes = table.get("grid", {})
    if math.prod(map(len, axes.values())) > MOST_CONDITIONS:
        raise SpecError(f"{where}: conditions.{name}.grid has more than {MOST_CONDITIONS} combinations")
    for key, values in axes.items():
        for value in values:
            validated(part_of(TrainingSpec), _nested(key, value), where, f"conditions.{name}.grid")
    names = set[str]()
    for values in itertools.product(*axes.values()):
        point = rest
        for key, value in zip(axes, values, strict=True):
            point = laid_over(point, _nested(key, value))
        called = point_name(name, dict(zip(axes, values, strict=True))) if axes else name
        if called in names:
            raise SpecError(f"{where}: the grid of conditions.{name} has {called} twice")
        names.add(called)
        yield called, point


def _nested(dotted: str, value: object) -> Table:
    *outer, last = dotted.split(".")
    table: Table = {last: value}
    for part in reversed(outer):
        table = {part: table}
    return table
