"""`harness sql`: questions to the result database."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.result_database import opened_database
from harness.cli.terminal import print_rows


def sql(
    query: Annotated[str, typer.Argument(help='An SQL query, or the name of a view: "SELECT * FROM v_models".')],
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values instead of a table.")] = False,
) -> None:
    """Answer an SQL question from the result database, which is only read."""
    from harness.csv_text import csv_text
    from harness.store import relations

    with opened_database() as database:
        name = query.strip()
        found = relations.named(database, name) if name.isidentifier() else relations.answer(database, query)
    if csv:
        typer.echo(csv_text(found.columns, found.rows), nl=False)
        return
    print_rows(found.columns, found.rows)
