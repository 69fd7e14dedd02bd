"""Tables on a terminal, or in what it is piped into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from harness.report import formats

PIPED_WIDTH = 140
"""Columns of a table that is not on a terminal."""


def wide_console() -> Console:
    """Standard output, wide enough for tables also where there is no screen."""
    found = Console(highlight=False, emoji=False)
    return found if found.is_terminal else Console(highlight=False, emoji=False, width=PIPED_WIDTH)


def terminal_table(table: formats.Table, *, turned: bool = False) -> Table:
    """A report's table for a terminal; turned: columns become rows."""
    lines = [table.columns, *table.rows]
    if turned:
        lines = [tuple(line) for line in zip(*lines, strict=True)]
    shown = Table(title=Text(table.title), title_justify="left")
    for index, head in enumerate(lines[0]):
        shown.add_column(Text(head), justify="left" if index == 0 or table.words else "right", overflow="fold")
    for line in lines[1:]:
        shown.add_row(*(Text(cell.replace("\n", " ")) for cell in line))
    return shown
