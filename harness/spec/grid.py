"""The names of the conditions that a grid stands for, made and taken apart: "threshold[alpha=10,threshold=0.8]"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Named(NamedTuple):
    """A condition's name in its parts."""

    base: str
    values: Mapping[str, str]
    """By the setting's name; empty for a condition that is of no grid."""


def point_name(base: str, values: Mapping[str, object]) -> str:
    """The name of a point of a grid.

    base: the grid's own name. values: by dotted key, of which the name has the last part.
    """
    settings = (f"{key.rpartition('.')[2]}={value}" for key, value in values.items())
    return f"{base}[{','.join(settings)}]"


def is_point_of(condition: str, base: str) -> bool:
    """Whether a condition is a point of the grid of that name."""
    return condition.startswith(f"{base}[")


def named(condition: str) -> Named:
    """The parts of a condition's name; the whole name is the base where it has no grid's form."""
    found = re.fullmatch(r"(.+?)\[((?:\w+=[^,=\]]+,?)+)\]", condition)
    if found is None:
        return Named(condition, {})
    return Named(found[1], dict(part.split("=", 1) for part in found[2].split(",")))
