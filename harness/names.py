"""Names that users write, and tables of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from harness.errors import UnknownName

T = TypeVar("T")

MOST_LETTERS = 100
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.+-]{{0,{MOST_LETTERS - 1}}}")
"""What a suite or a part of it may be called: names stand in files, legends and heads of columns."""


def lookup(table: Mapping[str, T], kind: str, name: str, remedy: str = "") -> T:
    """The table's entry of that name; raises UnknownName with the nearest known one, and how a name becomes known."""
    if name not in table:
        raise UnknownName(kind, name, table, remedy)
    return table[name]
