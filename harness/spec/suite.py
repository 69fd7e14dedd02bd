"""A suite: conditions x seeds x evaluations, written once and run at three scales.

The file's tables are laid over each other from the general to the special:

    [train]  <- [profiles.P.train]  <- [conditions.C] <- [profiles.P.conditions.C]

and `[regularizer]` is what all regularized conditions have in common. A condition's `grid` is a compact
sweep: each combination of its lists becomes a condition of its own.

Every table is checked twice: alone where it is written, key by key, and whole after it was laid over.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from harness.errors import SpecError, UnknownName
from harness.names import lookup
from harness.spec.evaluation import EVALUATION_SPECS, EvaluationSpec
from harness.spec.model import Spec, Table, all_validated, part_of, validated
from harness.spec.training import RegularizerSpec, TrainingSpec

ProfileName = Literal["paper", "small", "smoke"]

PROFILES: dict[str, str] = {
    "paper": "the paper's scale",
    "small": "real signal in minutes to an hour on two CPU cores",
    "smoke": "seconds: shows that everything works, and nothing else",
}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


class Suite(Spec):
    """A suite at one profile, everything spelled out."""

    name: str
    profile: ProfileName
    title: str
    figures: tuple[str, ...] = ()
    """Figures and tables of the paper that it produces the data for."""
    seeds: tuple[int, ...] = Field(min_length=1)
    conditions: dict[str, TrainingSpec]
    evaluations: dict[str, EvaluationSpec]
    source: Path
    """The file it was read from."""


class _ConditionTable(TrainingSpec):
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    """A sweep: lists of values by dotted key; each combination is a condition of its own."""


class _Part:
    """Marks a table that says a part of a spec: checked key by key, and kept as it is written."""

    def __init__(self, spec: type[Spec], *without: str) -> None:
        self.model = part_of(spec, *without)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            lambda table, check: (check(table), table)[1], handler.generate_schema(self.model)
        )


Seeds = Annotated[
    tuple[int, ...],
    BeforeValidator(lambda written: seeds_of(written)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]}),
]
TrainTable = Annotated[Table, _Part(TrainingSpec, "regularizer")]
RegularizerTable = Annotated[Table, _Part(RegularizerSpec)]
ConditionTable = Annotated[Table, _Part(_ConditionTable)]


class ProfileOverlay(Spec):
    """What a profile changes; the same tables as the suite's own."""

    seeds: Seeds | None = None
    train: TrainTable = {}
    regularizer: RegularizerTable = {}
    conditions: dict[str, ConditionTable] = {}
    evaluations: dict[str, Table] = {}


class SuiteFile(Spec):
    """A suite as it is written."""

    title: str
    """One line: what the suite asks."""
    figures: list[str] = []
    """Figures and tables of the paper that it produces the data for."""
    seeds: Seeds
    """For instance "0-6", or [0, 1, 2]."""
    train: TrainTable
    """What all conditions have in common: a training spec without its regularizer."""
    regularizer: RegularizerTable = {}
    """What all regularized conditions have in common."""
    conditions: dict[str, ConditionTable] = Field(min_length=1)
    """Each a part of a training spec, and optionally `grid`: lists by dotted key."""
    evaluations: dict[str, Table]
    """By name; `kind` is the name itself if absent."""
    profiles: dict[ProfileName, ProfileOverlay] = {}


def parse_suite(path: Path, profile: str) -> Suite:
    """The suite of a TOML file at a profile; a SpecError says which key of which file is wrong."""
    lookup(PROFILES, "profile", profile)
    written = _read(path)
    for overlay in written.profiles.values():
        _check_names(path.name, "condition", written.conditions, overlay.conditions)
        _check_names(path.name, "evaluation", written.evaluations, overlay.evaluations)
    _check_evaluations(path.name, written)
    overlay = written.profiles.get(profile, ProfileOverlay())  # type: ignore[call-overload]
    conditions = {
        expanded_name: _training_table(written, overlay, expanded)
        for name, table in laid_over(written.conditions, overlay.conditions).items()
        for expanded_name, expanded in _grid(name, table, path.name)
    }
    evaluations = {
        name: {"kind": name} | table for name, table in laid_over(written.evaluations, overlay.evaluations).items()
    }
    where = f"{path.name} (profile {profile})"
    return Suite(
        name=path.stem,
        profile=profile,
        title=written.title,
        figures=tuple(written.figures),
        seeds=written.seeds if overlay.seeds is None else overlay.seeds,
        conditions=all_validated(TrainingSpec, conditions, where, "conditions"),
        evaluations={
            name: validated(EVALUATION_SPECS[table["kind"]], table, where, f"evaluations.{name}")
            for name, table in evaluations.items()
        },
        source=path,
    )


def seeds_of(written: object) -> tuple[int, ...]:
    """Seeds from "0-6", "0,2,5-7" or a list of numbers; sorted, each once. Raises ValueError."""
    parts = written if isinstance(written, list | tuple) else str(written).split(",")
    found: set[int] = set()
    for part in parts:
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", str(part))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ValueError(f"seeds are written like 0-6 or 0,2,5-7, got {written!r}")
        found.update(range(first, last + 1))
    if not found:
        raise ValueError("at least one seed is needed")
    return tuple(sorted(found))


def laid_over(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> Table:
    """`base` with `overlay`'s values; tables are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _read(path: Path) -> SuiteFile:
    try:
        text: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name}: not valid TOML: {error}") from None
    written = validated(SuiteFile, text, path.name)
    for kind, names in (("condition", written.conditions), ("evaluation", written.evaluations)):
        for name in names:
            if not _NAME.fullmatch(name):
                raise SpecError(f"{path.name}: {kind} {name!r}: a name is made of letters, digits and _ . + -")
    return written


def _check_names(where: str, kind: str, known: Mapping[str, object], overlay: Mapping[str, object]) -> None:
    for name in overlay:
        if name not in known:
            raise SpecError(f"{where}: profiles change what there is: {UnknownName(kind, name, known)}")


def _check_evaluations(where: str, written: SuiteFile) -> None:
    """Checks each evaluation's keys where they are written; its kind may stand in another table."""
    places = {"": written.evaluations}
    places |= {f"profiles.{name}.": overlay.evaluations for name, overlay in written.profiles.items()}
    for prefix, tables in places.items():
        for name, table in tables.items():
            at = f"{prefix}evaluations.{name}"
            kind = str(table.get("kind") or written.evaluations[name].get("kind") or name)
            if kind not in EVALUATION_SPECS:
                hint = UnknownName("kind of evaluation", kind, EVALUATION_SPECS)
                raise SpecError(
                    f"{where}: {at}: {hint}" + ("" if "kind" in table else "; a name of your own needs `kind`")
                )
            validated(part_of(EVALUATION_SPECS[kind]), {"kind": kind} | table, where, at)


def _training_table(written: SuiteFile, overlay: ProfileOverlay, condition: Table) -> Table:
    table = laid_over(laid_over(written.train, overlay.train), condition)
    if "regularizer" in condition:
        shared = laid_over(written.regularizer, overlay.regularizer)
        table["regularizer"] = laid_over(shared, condition["regularizer"])
    return table


def _grid(name: str, table: Table, where: str) -> Iterator[tuple[str, Table]]:
    """The conditions that one entry stands for: itself, or each combination of its grid."""
    rest = {key: value for key, value in table.items() if key != "grid"}
    axes = table.get("grid", {})
    for key, values in axes.items():
        for value in values:
            validated(part_of(TrainingSpec), _nested(key, value), where, f"conditions.{name}.grid")
    for values in itertools.product(*axes.values()):
        point = rest
        for key, value in zip(axes, values, strict=True):
            point = laid_over(point, _nested(key, value))
        label = ",".join(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in zip(axes, values, strict=True))
        yield (f"{name}[{label}]" if axes else name), point


def _nested(dotted: str, value: object) -> Table:
    *outer, last = dotted.split(".")
    table: Table = {last: value}
    for part in reversed(outer):
        table = {part: table}
    return table
