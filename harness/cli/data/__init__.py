"""`harness data`: bring, make, list and verify the images, and the weights of published models."""

from __future__ import annotations

import typer

from harness.cli.data.imports import import_data
from harness.cli.data.inventory import list_data, verify
from harness.cli.data.preparation import corrupt, prepare, stand_in

data_app = typer.Typer(help="Bring, make, list and verify images and published weights.", no_args_is_help=True)
data_app.command("list")(list_data)
data_app.command("prepare")(prepare)
data_app.command("import")(import_data)
data_app.command("corrupt")(corrupt)
data_app.command("stand-in")(stand_in)
data_app.command("verify")(verify)
