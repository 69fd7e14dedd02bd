"""Names that users write, looked up in tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from harness.errors import UnknownName

T = TypeVar("T")


def lookup(table: Mapping[str, T], kind: str, name: str) -> T:
    """The table's entry of that name; raises UnknownName with the nearest known one."""
    if name not in table:
        raise UnknownName(kind, name, table)
    return table[name]
