"""Tables on a terminal, or in what it is piped into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from harness.report.table import Table as ReportTable

PIPED_WIDTH = 160
"""Columns of a table that is not on a terminal."""
_ANY_WIDTH = 1_000_000


def wide_console() -> Console:
    """Standard output for plain text and for tables, wide enough for these also where there is no screen."""
    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def folding(*heads: str) -> list[Column]:
    """Columns of which nothing is cut where a screen has little room."""
    return [Column(head, overflow="fold") for head in heads]


def listing(named: str, *heads: str) -> list[Column]:
    """The same beside names, which somebody types: they are in one piece as long as there is room for anything else."""
    return [Column(named, no_wrap=True), *folding(*heads)]


def _terminal_table(table: ReportTable, *, turned: bool) -> Table:
    lines = [table.columns, *table.rows]
    if turned:
        lines = [tuple(line) for line in zip(*lines, strict=True)]
    shown = Table(title=Text(table.title), title_justify="left")
    for index, head in enumerate(lines[0]):
        shown.add_column(Text(head), justify="left" if index == 0 or table.words else "right", overflow="fold")
    for line in lines[1:]:
        shown.add_row(*(Text(cell.replace("\n", " ")) for cell in line))
    return shown


def print_table(console: Console, table: ReportTable, *more: str, turned: bool = False) -> None:
    """A report's table, its notes, and more of them; turned: columns become rows."""
    console.print(_terminal_table(table, turned=turned))
    for note in (*table.notes, *more):
        console.print(note, soft_wrap=True)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A query's answer, nothing of it cut: where lines are too long for a terminal, values stand below each other."""
    table = Table(*map(escape, columns), box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(_shown(value), justify=_side(value)) for value in row))
    screen = Console(highlight=False)
    if not screen.is_terminal:
        Console(width=_ANY_WIDTH).print(table)
    elif screen.measure(table, options=screen.options.update(width=_ANY_WIDTH)).maximum <= screen.width:
        screen.print(table)
    else:
        longest = max(map(len, columns))
        for number, row in enumerate(rows, start=1):
            screen.print(f"row {number}")
            for column, value in zip(columns, row, strict=True):
                screen.print(Text(f"  {column:{longest}}  {_shown(value)}"), soft_wrap=True)
    screen.print(f"{len(rows)} row{'' if len(rows) == 1 else 's'}")


def _shown(value: object) -> str:
    """A value in a table: numbers short, NULL empty."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _side(value: object) -> Literal["left", "right"]:
    return "right" if isinstance(value, (int, float)) else "left"
