"""`harness report`: tables, figures and the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import AnySuites, LeastCleanRatio, ReportedProfile
from harness.cli.quantities import and_more
from harness.cli.result_database import opened_database
from harness.cli.status import job_name
from harness.cli.terminal import print_table, wide_console
from harness.errors import HarnessError, SpecError
from harness.measurement import LEAST_CLEAN_RATIO
from harness.settings import settings
from harness.spec.seeds import seeds_text

if TYPE_CHECKING:
    from harness.report.paper.report import PaperReport
    from harness.report.suite_report import SuiteReport
    from harness.report.table import Table
    from harness.store.engine import Database


def report(
    suites: AnySuites = None,
    profile: ReportedProfile = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; default: report/ in the results folder.")
    ] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="Of md, tex, csv and html, for instance md,csv; all if absent.")
    ] = None,
    least_clean_ratio: LeastCleanRatio = LEAST_CLEAN_RATIO,
    against: Annotated[
        str | None,
        typer.Option(
            help="Condition that the table of differences compares all others with; default: each one's baseline."
        ),
    ] = None,
) -> None:
    """Write tables, figures and one self-contained page from the result database; for `paper`, those of the paper."""
    from harness.report.files import FORMATS
    from harness.report.paper.report import render_paper
    from harness.report.suite_report import render_suites
    from harness.suites.registry import members

    asked = [(name, members(name)) for name in suites or ()]
    collections = {name: found for name, found in asked if _is_of_the_paper(name, found)}
    single = [each for name, found in asked if name not in collections for each in found]
    options: dict[str, Any] = {
        "arrays_dir": settings().arrays_dir,
        "out": out or settings().results_dir / "report",
        "profile": profile,
        "formats": [name.strip() for each in formats or FORMATS for name in each.split(",") if name.strip()],
        "least_clean_ratio": least_clean_ratio,
    }
    if collections and against:
        raise SpecError(f"--against names a condition of a suite, but {next(iter(collections))} is a collection")
    console = wide_console()
    with opened_database() as database:
        papers = {name: render_paper(database, name, found, **options) for name, found in collections.items()}
        reports = render_suites(database, single, against=against, **options) if single or not collections else []
        for name, paper in papers.items():
            lines = *_paper_lines(paper), *_outdated_lines(database, name, paper.profile)
            print_table(console, _named("claims", paper.tables), *lines)
        for each in reports:
            table, suite, chosen = _named("summary", each.tables), each.results.suite, each.results.profile
            lines = *_suite_lines(each), *_outdated_lines(database, suite, chosen)
            print_table(console, table, *lines, turned=len(table.rows) < len(table.columns))  # which is narrower


def _is_of_the_paper(name: str, suites: Sequence[str]) -> bool:
    """Whether these are the suites of a collection that has all of a figure of the paper."""
    from harness.report.paper.contents import FIGURES

    return suites != (name,) and any({*figure.suites} <= {*suites} for figure in FIGURES)


def _named(name: str, tables: Iterable[Table]) -> Table:
    return next(table for table in tables if table.name == name)


def _paper_lines(written: PaperReport) -> Iterator[str]:
    """What of the paper is there, and what was written."""
    yield from (f"{each.figure.id}: {' '.join(each.notes)}" for each in written.shown if each.notes)
    drawn = sum(len(each.data) > 0 for each in written.shown)
    counts = f"{drawn} of {len(written.shown)} figures and {len(written.tables)} tables"
    yield f"{counts} at the {written.profile} profile in {written.folder}"
    if written.page:
        yield f"Page: {written.page}"


def _suite_lines(written: SuiteReport) -> Iterator[str]:
    """What is missing, and what was written."""
    if missing := len(written.results.missing):
        yield f"{missing} results are missing; the report says which and why."
    figures = sum(path.suffix == ".png" for path in written.written)
    yield f"{len(written.tables)} tables and {figures} figures in {written.folder}"
    if written.page:
        yield f"Page: {written.page}"


def _outdated_lines(database: Database, name: str, profile: str) -> Iterator[str]:
    """What is shown although the suite or collection, as it is now, asks for something else."""
    from harness.suites.outdated import outdated
    from harness.suites.registry import suite_files

    try:
        if name not in suite_files():
            return  # the database remembers it, which is enough for a report
        found = outdated(database, name, profile)
    except HarnessError as error:
        yield f"Whether {name} still asks for what is shown is not known: {error}"
        return
    if found.rows:
        first, *more = map(job_name, found.rows)
        seeds = f" --seeds {seeds_text(found.seeds)}" if found.seeds else ""
        yield (
            f"{len(found.rows)} of {found.finished} finished jobs are not what {name} asks for here and now "
            "(its file, own code, data, settings, the program or the machine are others): "
            f"{and_more(first, len(more))}. The next run replaces them or leaves them out: "
            f"harness run-suite {name} --profile {profile}{seeds}"
        )
