"""`harness report`: tables, figures and the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import LeastCleanRatio, ReportedProfile
from harness.cli.terminal import terminal_table, wide_console

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from harness.report import Report


def report(
    suites: Annotated[
        list[str] | None, typer.Argument(help="Suites to report; all with results if none is given.")
    ] = None,
    profile: ReportedProfile = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; default: report/ in the results folder.")
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="Any of md, tex, csv, html.")] = "md,tex,csv,html",
    least_clean_ratio: LeastCleanRatio = 0.9,
) -> None:
    """Write tables, figures and one self-contained page from the result database."""
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
    console = wide_console()
    for each in reports:
        for line in _lines(each):
            console.print(line, soft_wrap=isinstance(line, str), markup=False)


def _lines(written: Report) -> list[str | RichTable]:
    """The summary table, its notes, and what was written; few conditions stand side by side, which is narrower."""
    table = next(table for table in written.tables if table.name == "summary")
    figures = sum(path.suffix == ".png" for path in written.written)
    missing = len(written.results.missing)
    lines: list[str | RichTable] = [terminal_table(table, turned=len(table.rows) < len(table.columns)), *table.notes]
    if missing:
        lines.append(f"{missing} results are missing; the report says which and why.")
    lines.append(f"{len(written.tables)} tables and {figures} figures in {written.folder}")
    if written.page:
        lines.append(f"Page: {written.page}")
    return lines
