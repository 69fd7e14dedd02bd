"""`harness claims`: what the results say of the paper's claims."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import ReportedProfile
from harness.cli.result_database import found_database
from harness.cli.terminal import print_table, wide_console


def claims(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="CLAIM", help="Show these and their comparisons; all if absent.")
    ] = None,
    profile: ReportedProfile = None,
    csv: Annotated[bool, typer.Option("--csv", help="All comparisons as comma-separated values.")] = False,
) -> None:
    """Test the paper's claims against the results: supported, contradicted, undecided or not run."""
    from harness.report.claims.findings import read_findings
    from harness.report.claims.tables import claims_table, evidence_frame, evidence_table
    from harness.report.table import csv as as_csv

    with found_database() as database:
        found = read_findings(database, profile)
    shown = found.named(names) if names else found
    if csv:
        typer.echo(as_csv(evidence_frame(shown)), nl=False)
        return
    console = wide_console()
    for table in (claims_table(shown), *([evidence_table(shown)] if names else [])):
        if table.rows:
            print_table(console, table)
    if not names:
        console.print("`harness claims CLAIM` shows the comparisons behind a verdict.", soft_wrap=True)
