"""How a suite is written: the tables of its TOML file, each checked by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from harness.errors import SpecError, UnknownName
from harness.names import MOST_LETTERS, NAME
from harness.spec.analysis import ANALYSIS_SPECS
from harness.spec.evaluation import EVALUATION_SPECS
from harness.spec.extends import extended
from harness.spec.external import CheckpointSpec, RobustBenchSpec
from harness.spec.problems import validated
from harness.spec.profile import ProfileName
from harness.spec.seeds import Seeds
from harness.spec.spec import Spec, Table, part_of
from harness.spec.training import RegularizerSpec, TrainingSpec

MOST_CONDITIONS = 10_000  # that one grid stands for
_OF_TRAININGS = ("train", "load", "training")  # as tables call them, beside evaluations


def _with_quotes(grid: object) -> object:
    """The grid as it is written; raises ValueError where TOML took what dots divide for tables within each other."""
    if isinstance(grid, dict) and any(isinstance(axis, dict) for axis in grid.values()):
        raise ValueError('a key with dots needs quotes, as in grid = { "regularizer.alpha" = [1, 4] }')
    return grid


class _ConditionTable(TrainingSpec):
    grid: Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], BeforeValidator(_with_quotes)] = {}
    """A sweep: lists of values by dotted key; each combination is a condition of its own."""
    external: RobustBenchSpec | None = None
    """A published model; it goes with no other key but `baseline` and `substitute`."""
    checkpoint: CheckpointSpec | None = None
    """A network of your own that was trained elsewhere; it goes with no other key but `baseline` and `substitute`."""
    baseline: str | None = None
    """The condition that a model trained elsewhere is compared with; one trained here has its own training without
    regularizer, penalty and perturbation."""
    substitute: str | None = None
    """The condition whose training without regularizer, penalty and perturbation makes transferred attacks on a model
    trained elsewhere; needed where the suite has several such trainings on the same images."""


class _Part:
    """Marks a table that says a part of a spec: checked key by key, and kept as it is written."""

    def __init__(self, spec: type[Spec], *without: str) -> None:
        self.model = part_of(spec, *without)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            lambda table, check: (check(table), table)[1], handler.generate_schema(self.model)
        )


TrainTable = Annotated[Table, _Part(TrainingSpec, "regularizer", "penalty", "perturbation")]
RegularizerTable = Annotated[Table, _Part(RegularizerSpec)]
ConditionTable = Annotated[Table, _Part(_ConditionTable)]


class ProfileOverlay(Spec):
    """What a profile changes; the same tables as the suite's own."""

    seeds: Seeds | None = None
    train: TrainTable = {}
    regularizer: RegularizerTable = {}
    conditions: dict[str, ConditionTable] = {}
    evaluations: dict[str, Table] = {}
    analyses: dict[str, Table] = {}


class SuiteFile(Spec):
    """A suite as it is written."""

    extends: str | None = None
    """Another suite, whose tables this one takes over."""
    title: str
    """One line: what the suite asks."""
    figures: list[str] = []
    """Figures and tables of the paper that it produces the data for."""
    seeds: Seeds
    """For instance "0-6", or [0, 1, 2]."""
    train: TrainTable
    """What all conditions have in common: a training spec without regularizers and perturbation."""
    regularizer: RegularizerTable = {}
    """What all regularized conditions have in common."""
    conditions: dict[str, ConditionTable] = Field(min_length=1)
    """Each a part of a training spec, and optionally `grid`: lists by dotted key."""
    evaluations: dict[str, Table]
    """By name; `kind` is the name itself if absent."""
    analyses: dict[str, Table] = {}
    """What is computed of data alone, by name; `kind` is the name itself if absent."""
    profiles: dict[ProfileName, ProfileOverlay] = {}


class CollectionFile(Spec):
    """A collection as it is written."""

    title: str
    """One line: what the suites ask together."""
    suites: list[str] = Field(min_length=1)
    """Names of suites, in the order of a report."""


KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "evaluation": ("evaluations", EVALUATION_SPECS),
    "analysis": ("analyses", ANALYSIS_SPECS),
}
"""What has a kind: its table in a suite's file, and the specs by kind."""


def read_suite_file(path: Path, others: Mapping[str, Path]) -> SuiteFile:
    """A suite's file, with what it takes over from the one that it extends; every table is checked by itself.

    others: all suites' files by name.

    Raises:
        SpecError: names the file, the table and the key that is wrong.
    """
    written = validated(SuiteFile, extended(path, others), path.name)
    tables = {"condition": written.conditions, "evaluation": written.evaluations, "analysis": written.analyses}
    for kind, names in tables.items():
        for name in names:
            if not NAME.fullmatch(name):
                raise SpecError(
                    f"{path.name}: {kind} {name!r:.120}: a name is made of letters, digits and _ . + -, at most "
                    f"{MOST_LETTERS}, and begins with a letter or digit"
                )
    for overlay in written.profiles.values():
        _check_names(path.name, "condition", written.conditions, overlay.conditions)
        for kind, (table, _) in KINDS.items():
            _check_names(path.name, kind, getattr(written, table), getattr(overlay, table))
    _check_kinds(path.name, written)
    _check_regularizer(path.name, written)
    return written


def _check_names(where: str, kind: str, known: Mapping[str, object], overlay: Mapping[str, object]) -> None:
    for name in overlay:
        if name not in known:
            raise SpecError(f"{where}: a profile can only change what the suite has: {UnknownName(kind, name, known)}")


def _check_regularizer(where: str, written: SuiteFile) -> None:
    """Raises SpecError where a suite's own `[regularizer]` would be without effect, which nothing else would show."""
    conditions = [*written.conditions.values()]
    conditions += [table for overlay in written.profiles.values() for table in overlay.conditions.values()]
    keys = {key.partition(".")[0] for table in conditions for key in (*table, *table.get("grid", {}))}
    if written.regularizer and not written.extends and "regularizer" not in keys:
        raise SpecError(
            f"{where}: no condition has a regularizer: [regularizer] is for those that have a table `regularizer` too, "
            "which may be empty: [conditions.NAME.regularizer]"
        )


def _check_kinds(where: str, written: SuiteFile) -> None:
    """Checks each evaluation's and analysis' keys where they are written; its kind may stand in another table."""
    for what, (table_name, specs) in KINDS.items():
        first = getattr(written, table_name)
        places = {"": first}
        places |= {f"profiles.{name}.": getattr(overlay, table_name) for name, overlay in written.profiles.items()}
        for prefix, tables in places.items():
            for name, table in tables.items():
                at = f"{prefix}{table_name}.{name}"
                kind = str(table.get("kind") or first[name].get("kind") or name)
                if kind not in specs:
                    hint = UnknownName(f"kind of {what}", kind, specs)
                    raise SpecError(
                        f"{where}: {at}: {hint}" + ("" if "kind" in table else "; a name of your own needs `kind`")
                    )
                if name != kind and name in (*specs, *_OF_TRAININGS):
                    raise SpecError(
                        f"{where}: {at} is of the kind {kind}, but in tables its name means something else; "
                        "give it another name"
                    )
                validated(part_of(specs[kind]), {"kind": kind} | table, where, at)
