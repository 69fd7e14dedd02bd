"""A table, and how it is written as Markdown and CSV. Text from the database is escaped; the output is byte-stable."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from harness.csv_text import csv_text


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table for readers, its cells plain text, and the numbers behind it."""

    name: str
    """Stem of its files."""
    title: str
    columns: tuple[str, ...]
    """Headings; they may have two lines."""
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    words: bool = False
    """Whether its cells are words, which stand on the left and wrap, rather than numbers."""
    corrupted: bool = True
    """Whether it may show something of corrupted images."""
    data: pd.DataFrame
    """Full precision, fractions: what the CSV holds."""
    report: str = ""
    """`Marks.stem` of its report, which tells its labels from those of other reports."""


def markdown(table: Table) -> str:
    """The table as GitHub-flavoured Markdown, title above and notes below."""
    lines = [f"**{markdown_text(table.title)}**", "", _markdown_row(table.columns)]
    side = " :-- " if table.words else " --: "
    lines.append("|" + "|".join([" :-- ", *[side] * (len(table.columns) - 1)]) + "|")
    lines += [_markdown_row(row) for row in table.rows]
    lines += [f"\n{markdown_text(note)}" for note in table.notes]
    return "\n".join(lines) + "\n"


def csv(data: pd.DataFrame) -> str:
    """The numbers as CSV (see `harness.csv_text`), empty cells where there is no number."""
    cells = data.astype(object).where(data.notna(), None)
    return csv_text(list(data.columns), cells.itertuples(index=False, name=None))


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no mark in it survives."""
    return re.sub(r"([\\`*_\[\]<>|$~#])", r"\\\1", one_line(text).replace("&", "&amp;"))


def one_line(text: str) -> str:
    """Without line breaks and other control characters."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text)


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(markdown_text(cell) for cell in cells) + " |"
