"""`harness db`: care for the result database."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.result_database import opened_database
from harness.errors import DatabaseUnusable
from harness.settings import settings

database_app = typer.Typer(help="Care for the result database.", no_args_is_help=True)


@database_app.command()
def upgrade() -> None:
    """Upgrade an older version's database; a copy of an SQLite one is kept. No run may be active."""
    from harness.store import upkeep
    from harness.suites.results_folder import lock_folder

    folder = settings().results_dir
    with nullcontext() if settings().on_server or not folder.is_dir() else lock_folder(folder):
        done = upkeep.upgrade(settings().database)
    if done.before == done.after:
        typer.echo(f"nothing to do: the schema is {done.after}, the newest")
        return
    typer.echo(f"upgraded from schema {done.before} to {done.after}")
    if done.backup is not None:
        typer.echo(f"the database as it was: {done.backup}")


@database_app.command()
def check() -> None:
    """Look for damage: every page, every reference, the seal of every result; and count what there is."""
    from harness.store import upkeep

    with opened_database() as database:
        health, title = upkeep.check(database), database.title
    typer.echo(f"{title}: schema {health.version}")
    width = max(map(len, health.rows))
    for table, rows in health.rows.items():
        typer.echo(f"  {table:<{width}}  {rows:>9,}")
    if health.problems:
        raise DatabaseUnusable("\n".join((f"{title} is damaged:", *health.problems)))
    typer.echo("sound")


@database_app.command()
def backup(
    path: Annotated[Path | None, typer.Argument(help="A new file; by default beside the database, dated.")] = None,
) -> None:
    """Copy the database, even while a suite runs, and check the copy."""
    from harness.store import upkeep

    with opened_database() as database:
        typer.echo(f"{upkeep.backup(database, path)}: checked, sound")


@database_app.command()
def restore(path: Annotated[Path, typer.Argument(help="What `harness db backup` made.")]) -> None:
    """Put a backup in the database's place; what was there is kept beside it. No run may be active."""
    from harness.store import upkeep
    from harness.suites.results_folder import lock_folder

    with lock_folder(settings().results_dir):
        aside = upkeep.restore(settings().database, path)
    typer.echo(f"restored: {path}, checked, sound")
    if aside is not None:
        typer.echo(f"what was there before: {aside}")


@database_app.command()
def copy(
    to: Annotated[str, typer.Option(help="URL of an empty database: sqlite:///FILE or postgresql://USER@HOST/NAME.")],
) -> None:
    """Copy everything to another database, SQLite or PostgreSQL, and compare; all or nothing."""
    from harness.store import copying

    with opened_database() as database:
        done, title = copying.copy(database, to), database.title
    width = max(map(len, done.tables))
    for table, content in done.tables.items():
        typer.echo(f"  {table:<{width}}  {content.rows:>9,}  {content.digest}")
    typer.echo(f"{title} is copied to {done.target}: compared, the same")
    typer.echo("weights and arrays stay in the results folder; to use the copy, set HARNESS_DATABASE_URL to its URL")


@database_app.command()
def merge(
    folder: Annotated[Path, typer.Argument(help="Another results folder, for instance of another machine.")],
) -> None:
    """Take over what another results folder has finished, with its weights and arrays. No run may be active here."""
    from harness.cli.bar import bar
    from harness.suites.merge import merge as merge_folder

    with bar(f"taking over results of {folder}") as on_progress:
        done = merge_folder(folder, settings(), on_progress, partial(typer.echo, err=True))
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(done.taken.items()))
    typer.echo(f"taken over: {sum(done.taken.values())} results{kinds and f' ({kinds})'}")
    for reason, count in (done.left | done.damaged).items():
        typer.echo(f"left there: {count} {reason}")
    if done.again:
        typer.echo(f"{done.again} evaluations wait again: they were done with weights that had been lost here")
    for suite in done.others:
        typer.echo(f"{suite} asks for something else there; only what is asked for here as well was taken of it")
    if done.taken:
        typer.echo("how far suites are: harness status; tables and figures: harness report")
    if done.damaged:
        raise typer.Exit(1)


@database_app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="Folder; by default `export` in the results folder.")] = None,
) -> None:
    """Write every view as a CSV file."""
    from harness.store import upkeep

    with opened_database() as database:
        for file in upkeep.export(database, out or settings().results_dir / "export"):
            typer.echo(str(file))
