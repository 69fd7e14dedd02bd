"""A suite: conditions x seeds x evaluations, written once and run at three scales.

The file's tables are laid over each other from the general to the special:

    [train]  <- [profiles.P.train]  <- [conditions.C] <- [profiles.P.conditions.C]

and `[regularizer]` is what all regularized conditions have in common. A condition's `grid` is a compact
sweep: each combination of its lists becomes a condition of its own.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.errors import SpecError
from harness.names import lookup
from harness.spec.evaluation import EvaluationSpec
from harness.spec.model import Spec, validated
from harness.spec.training import TrainingSpec

Table = dict[str, Any]
ProfileName = Literal["paper", "small", "smoke"]

PROFILES: dict[str, str] = {
    "paper": "the paper's scale",
    "small": "real signal in minutes to an hour on two CPU cores",
    "smoke": "seconds: shows that everything works, and nothing else",
}


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


class ProfileOverlay(Spec):
    """What a profile changes; the same tables as the suite's own."""

    seeds: str | list[int] | None = None
    train: Table = {}
    regularizer: Table = {}
    conditions: dict[str, Table] = {}
    evaluations: dict[str, Table] = {}


class SuiteFile(Spec):
    """A suite as it is written."""

    title: str
    """One line: what the suite asks."""
    figures: list[str] = []
    seeds: str | list[int]
    """For instance "0-6", or [0, 1, 2]."""
    train: Table
    """What all conditions have in common: a training spec without its regularizer."""
    regularizer: Table = {}
    """What all regularized conditions have in common."""
    conditions: dict[str, Table]
    """Each a part of a training spec, and optionally `grid`: lists by dotted key."""
    evaluations: dict[str, Table]
    """By name; `kind` is the name itself if absent."""
    profiles: dict[ProfileName, ProfileOverlay] = {}


def parse_suite(path: Path, profile: str) -> Suite:
    """The suite of a TOML file at a profile; a SpecError says which key of which file is wrong."""
    lookup(PROFILES, "profile", profile)
    try:
        text: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name}: not valid TOML: {error}") from None
    written = validated(SuiteFile, text, path.name)
    overlay = written.profiles.get(profile, ProfileOverlay())  # type: ignore[call-overload]
    conditions: Table = {}
    for name, table in laid_over(written.conditions, overlay.conditions).items():
        for expanded_name, expanded in _grid(name, table, path.name):
            conditions[expanded_name] = _training_table(written, overlay, expanded)
    evaluations = {
        name: {"kind": name} | table for name, table in laid_over(written.evaluations, overlay.evaluations).items()
    }
    return validated(
        Suite,
        {
            "name": path.stem,
            "profile": profile,
            "title": written.title,
            "figures": written.figures,
            "seeds": parse_seeds(written.seeds if overlay.seeds is None else overlay.seeds),
            "conditions": conditions,
            "evaluations": evaluations,
            "source": path,
        },
        f"{path.name} (profile {profile})",
    )


def parse_seeds(text: str | list[int]) -> tuple[int, ...]:
    """Seeds from "0-6", "0,2,5-7" or a list; sorted, each once."""
    if isinstance(text, list):
        return tuple(sorted(set(text)))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        try:
            found.update(range(int(first), int(last or first) + 1))
        except ValueError:
            raise SpecError(f"seeds are written like 0-6 or 0,2,5-7, got {text!r}") from None
    if not found:
        raise SpecError(f"seeds {text!r} name no seed")
    return tuple(sorted(found))


def laid_over(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> Table:
    """`base` with `overlay`'s values; tables are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _training_table(written: SuiteFile, overlay: ProfileOverlay, condition: Table) -> Table:
    table = laid_over(laid_over(written.train, overlay.train), condition)
    if "regularizer" in condition:
        shared = laid_over(written.regularizer, overlay.regularizer)
        table["regularizer"] = laid_over(shared, condition["regularizer"])
    return table


def _grid(name: str, table: Table, where: str) -> list[tuple[str, Table]]:
    """The conditions that one entry stands for: itself, or each combination of its grid."""
    if "grid" not in table:
        return [(name, table)]
    rest = {key: value for key, value in table.items() if key != "grid"}
    axes = table["grid"]
    if not isinstance(axes, dict) or not all(isinstance(values, list) and values for values in axes.values()):
        raise SpecError(
            f'{where}: conditions.{name}.grid must give a list for each dotted key, like {{"regularizer.alpha" = [1, 10]}}'
        )
    expanded = []
    for values in itertools.product(*axes.values()):
        point = rest
        for key, value in zip(axes, values, strict=True):
            point = laid_over(point, _nested(key, value))
        label = ",".join(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in zip(axes, values, strict=True))
        expanded.append((f"{name}[{label}]", point))
    return expanded


def _nested(dotted: str, value: object) -> Table:
    for part in reversed(dotted.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value
