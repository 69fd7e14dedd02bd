"""The command line: one file per command group, and the single place where errors become messages and exit codes.

Command modules import what is heavy (torch, pandas, matplotlib) inside the commands that need it, so that
`harness list` starts in a fraction of a second.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from harness import __version__
from harness.cli.claims import claims
from harness.cli.data import data_app
from harness.cli.database import database_app
from harness.cli.doctor import doctor
from harness.cli.neural import neural_app
from harness.cli.report import report
from harness.cli.run import run_suite
from harness.cli.select import select
from harness.cli.show import show
from harness.cli.spec_schema import spec_schema
from harness.cli.sql import sql
from harness.cli.status import status
from harness.cli.suites import list_suites
from harness.errors import HarnessError, Interrupted

app = typer.Typer(
    help="Benchmarks of the robustness of image classifiers, with a result database.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("list")(list_suites)
app.command("show")(show)
app.command("run-suite")(run_suite)
app.command("status")(status)
app.command("report")(report)
app.command("select")(select)
app.command("claims")(claims)
app.command("sql")(sql)
app.add_typer(data_app, name="data")
app.add_typer(neural_app, name="neural")
app.add_typer(database_app, name="db")
app.command("spec-schema")(spec_schema)
app.command("doctor")(doctor)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """What comes before the command."""


def _open_what_is_closed() -> None:
    """Of the standard files (`>&-`), or the next file that is opened would be one: a worker's pipe, for instance."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number that is free


def main() -> None:
    """Run a command; a user's mistake becomes one message and an exit code, never a traceback."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a ± on a terminal that has none is no reason to stop
    try:
        app()
    except HarnessError as error:
        color = typer.colors.YELLOW if isinstance(error, Interrupted) else typer.colors.RED
        _tell(str(error), color)
        sys.exit(error.exit_code)
    except OSError as error:  # a file or folder that is not as it should be, and where nothing better is said
        where = f"{error.filename}: " if error.filename else ""
        _tell(f"{where}{error.strerror or error}", typer.colors.RED)
        sys.exit(1)


def _tell(message: str, color: str) -> None:
    """Write what went wrong; where nobody can be told, the exit code says it alone."""
    with suppress(OSError):
        typer.secho(f"error: {message}", err=True, fg=color)
