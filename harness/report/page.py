"""One self-contained HTML page: provenance, tables, figures and their numbers; nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.report.figures import Drawing
from harness.report.formats import Table, csv
from harness.report.results import Results


def page(results: Results, tables: Sequence[Table], drawings: Sequence[Drawing], svg: Mapping[str, bytes]) -> str:
    """The page as text; whatever stands in the database is shown as text and never as HTML.

    svg: each drawing's picture by its name.
    """
    environment = Environment(
        loader=PackageLoader("harness.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["tied"] = tied
    data = {table.name: table.data for table in tables}
    data |= {f"figure-{drawing.name}": drawing.data for drawing in drawings}
    missing = results.missing
    return environment.get_template("page.html.j2").render(
        results=results,
        tables=tables,
        drawings=drawings,
        seeds=seeds(results),
        counts={"missing": len(missing), "diverged": int((missing["state"] == "diverged").sum())},
        images={name: _uri("image/svg+xml", content) for name, content in svg.items()},
        downloads={name: _uri("text/csv", csv(frame).encode()) for name, frame in data.items()},
    )


def seeds(results: Results) -> str:
    """How many models of each condition are finished, like "2" or "1 to 2 per condition"."""
    models = results.models[results.models["status"] == "ok"]
    counts = models.groupby("condition").size().reindex(results.order, fill_value=0)
    fewest, most = counts.min(), counts.max()
    return f"{most} per condition" if fewest == most else f"{fewest} to {most} per condition"


def tied(cell: str) -> str:
    """The cell with non-breaking spaces inside its numbers, so that lines break between them."""
    return re.sub(r" (?=±)|(?<=±) |(?<=,) (?=[+−]|[\d.]+\])|(?<==) | (?=\[\d+\])", "\u00a0", cell)


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
