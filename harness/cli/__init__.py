"""The command line: one file per command group, and the single place where errors become messages and exit codes.

Command modules import what is heavy (torch, pandas, matplotlib) inside the commands that need it, so that
`harness list` starts in a fraction of a second.
"""

from __future__ import annotations

import sys

import typer

from harness.errors import HarnessError

app = typer.Typer(
    help="Benchmarks of the robustness of image classifiers, with a result database.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command; a user's mistake becomes one message and an exit code, never a traceback."""
    try:
        app()
    except HarnessError as error:
        typer.secho(f"error: {error}", err=True, fg=typer.colors.RED)
        sys.exit(error.exit_code)
