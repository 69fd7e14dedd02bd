"""How a suite is written: the tables of its TOML file, each checked by itself.

A file may extend another suite's: it takes over all tables but title, figures, conditions and analyses, and its own are
laid over them; an evaluation that is `false` is left out.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from harness.errors import SpecError, UnknownName
from harness.names import lookup
from harness.spec.analysis import ANALYSIS_SPECS
from harness.spec.evaluation import EVALUATION_SPECS
from harness.spec.external import CheckpointSpec, RobustBenchSpec
from harness.spec.problems import validated
from harness.spec.spec import Spec, Table, part_of
from harness.spec.training import RegularizerSpec, TrainingSpec

ProfileName = Literal["paper", "small", "smoke"]

PROFILES: dict[str, str] = {
    "paper": "the paper's scale",
    "small": "real signal in minutes to an hour or two on two CPU cores",
    "smoke": "seconds: shows that everything works, and nothing else",
}


def takes_stand_ins(profile: str) -> bool:
    """Whether jobs at a profile read stand-ins, which are for trying the mechanics; at others these are not there."""
    return profile == "smoke"


MOST_BYTES = 1 << 20  # of a suite's file; the longest of ours has a few thousand
MOST_LEVELS = 12
MOST_SEEDS = 10_000
MOST_CONDITIONS = 10_000  # that one grid stands for

NOT_INHERITED = ("title", "figures", "conditions", "analyses")
_OF_TRAININGS = ("train", "load", "training")  # as tables call them, beside evaluations
MOST_LETTERS = 100  # of a name, which stands in legends and heads of columns
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.+-]{{0,{MOST_LETTERS - 1}}}")


class _ConditionTable(TrainingSpec):
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    """A sweep: lists of values by dotted key; each combination is a condition of its own."""
    external: RobustBenchSpec | None = None
    """A published model; it goes with no other key."""
    checkpoint: CheckpointSpec | None = None
    """A network of your own that was trained elsewhere; it goes with no other key."""


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
TrainTable = Annotated[Table, _Part(TrainingSpec, "regularizer", "penalty")]
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
    """What all conditions have in common: a training spec without its regularizer."""
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
    written = validated(SuiteFile, _extended(path, others), path.name)
    tables = {"condition": written.conditions, "evaluation": written.evaluations, "analysis": written.analyses}
    for kind, names in tables.items():
        for name in names:
            if not _NAME.fullmatch(name):
                raise SpecError(
                    f"{path.name}: {kind} {name!r:.120}: a name is made of letters, digits and _ . + -, at most "
                    f"{MOST_LETTERS}, and begins with a letter or digit"
                )
    for overlay in written.profiles.values():
        _check_names(path.name, "condition", written.conditions, overlay.conditions)
        for kind, (table, _) in KINDS.items():
            _check_names(path.name, kind, getattr(written, table), getattr(overlay, table))
    _check_kinds(path.name, written)
    return written


def read_toml(path: Path) -> Table:
    """A file's tables; raises SpecError, also for a name that commands cannot be given as it is."""
    if not _NAME.fullmatch(path.stem):
        raise SpecError(
            f"{path.name}: a suite's name is made of ASCII letters, digits and _ . + -, at most {MOST_LETTERS}, the "
            "first a letter or digit; rename the file"
        )
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise SpecError(f"{path.name}: no suite has more than {MOST_BYTES >> 20} MB")
        table = tomllib.loads(content.decode("utf-8-sig"))  # some editors begin with a mark
        if _is_deeper(table, MOST_LEVELS):
            raise RecursionError
        return table
    except RecursionError:
        raise SpecError(f"{path.name}: no suite has tables and arrays more than {MOST_LEVELS} levels deep") from None
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name}: not valid TOML: {error}") from None


def _is_deeper(table: Table, levels: int) -> bool:
    """Whether there is something below so many levels; without recursion, which has a limit of its own."""
    level: list[Any] = [table]
    for _ in range(levels):
        below = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = list(itertools.chain.from_iterable(below))
    return bool(level)


def _extended(path: Path, others: Mapping[str, Path], below: tuple[str, ...] = ()) -> Table:
    """The file's tables, laid over those of the file that it extends."""
    table = read_toml(path)
    name = table.pop("extends", None)
    if name is None and not below:
        return table
    _require_tables(path.name, table)
    if name is None:
        return table
    if path.stem in below:
        raise SpecError(f"{path.name}: it extends itself, by way of {', '.join(below)}")
    base = _extended(lookup(others, f"suite (that {path.name} extends)", str(name)), others, (*below, path.stem))
    for profile in (base, *base.get("profiles", {}).values()):
        for key in NOT_INHERITED:
            profile.pop(key, None)
    whole, taken_over = laid_over(base, table), base.get("evaluations", {})
    for left_out in [each for each, value in whole.get("evaluations", {}).items() if value is False]:
        if left_out not in taken_over:
            raise SpecError(f"{path.name}: {UnknownName(f'evaluation of {name}', left_out, taken_over)}")
        for profile in (whole, *whole.get("profiles", {}).values()):
            profile.get("evaluations", {}).pop(left_out, None)
    return whole


def _require_tables(where: str, written: Table) -> None:
    """Refuse anything else where tables are laid over each other; raises SpecError."""
    profiles = written.get("profiles", {})
    places = {"": written, "profiles": profiles}
    places |= {f"profiles.{name}": table for name, table in profiles.items()} if isinstance(profiles, dict) else {}
    for at, table in places.items():
        parts = {kind: table.get(kind, {}) for kind, _ in KINDS.values()} if isinstance(table, dict) else {}
        for name, part in {"": table, **parts}.items():
            if not isinstance(part, dict):
                raise SpecError(f"{where}: {'.'.join(filter(None, (at, name)))} should be a table, got {part!r:.80}")


def seeds_of(written: object) -> tuple[int, ...]:
    """Seeds from "0-6", "0,2,5-7" or a list of numbers; sorted, each once. Raises ValueError."""
    parts = written if isinstance(written, list | tuple) else str(written).split(",")
    found: set[int] = set()
    for part in parts:
        match = re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", str(part))
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ValueError(f"seeds are written like 0-6 or 0,2,5-7, got {written!r:.80}")
        if last - first >= MOST_SEEDS:
            raise ValueError(f"at most {MOST_SEEDS} seeds are possible, got {written!r:.80}")
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


def _check_names(where: str, kind: str, known: Mapping[str, object], overlay: Mapping[str, object]) -> None:
    for name in overlay:
        if name not in known:
            raise SpecError(f"{where}: a profile can only change what the suite has: {UnknownName(kind, name, known)}")


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
