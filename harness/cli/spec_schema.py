"""`harness spec-schema`: what a suite's file may say, for editors."""

from __future__ import annotations

import typer


def spec_schema() -> None:
    """Print the JSON Schema of a suite's file, from which editors complete its keys."""
    import json

    from harness.spec.schema import suite_schema

    typer.echo(json.dumps(suite_schema(), indent=2))
