"""`harness report`: tables, figures and the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from harness.report import Report
    from harness.report.formats import Table


def report(
    suites: Annotated[
        list[str] | None, typer.Argument(help="Suites to report; all with results if none is given.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="paper, small or smoke; default: the largest that has results.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; default: report/ in the results folder.")
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="Any of md, tex, csv, html.")] = "md,tex,csv,html",
    least_clean_ratio: Annotated[
        float, typer.Option("--A0", min=0, help="Share of the clean accuracy that an acceptable model keeps.")
    ] = 0.9,
) -> None:
    """Write tables, figures and one self-contained page from the result database."""
    from rich.console import Console

    from harness.report import render
    from harness.settings import settings
    from harness.store.engine import open_database

    database = open_database(settings().database, create=False)
    try:
        reports = render(
            database,
            suites or (),
            out=out or settings().results_dir / "report",
            profile=profile,
            formats=[name.strip() for name in formats.split(",") if name.strip()],
            least_clean_ratio=least_clean_ratio,
        )
    finally:
        database.close()
    console = Console()
    for each in reports:
        for line in _lines(each):
            console.print(line, soft_wrap=isinstance(line, str), markup=False, highlight=False)


def _lines(written: Report) -> list[str | RichTable]:
    """The summary table, its notes, and what was written."""
    table = written.tables[0]
    figures = sum(path.suffix == ".png" for path in written.written)
    missing = len(written.results.missing)
    lines: list[str | RichTable] = [_terminal_table(table), *table.notes]
    if missing:
        lines.append(f"{missing} results are missing; the report says which and why.")
    lines.append(f"{len(written.tables)} tables and {figures} figures in {written.folder}")
    if written.page:
        lines.append(f"Page: {written.page}")
    return lines


def _terminal_table(table: Table) -> RichTable:
    from rich.table import Table as RichTable
    from rich.text import Text

    """The table for a terminal, conditions side by side where they are few: that is narrower."""
    lines = [table.columns, *table.rows]
    if len(table.rows) < len(table.columns):
        lines = [tuple(line) for line in zip(*lines, strict=True)]
    shown = RichTable(title=Text(table.title), title_justify="left")
    for index, head in enumerate(lines[0]):
        shown.add_column(Text(head), justify="left" if index == 0 else "right", overflow="fold")
    for line in lines[1:]:
        shown.add_row(*(Text(cell.replace("\n", " ")) for cell in line))
    return shown
