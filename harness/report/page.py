"""One self-contained HTML page: provenance, tables, figures and their numbers; nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from harness import __version__
from harness.report.cells import span, tied
from harness.report.figures.drawings import Drawing
from harness.report.results import Results
from harness.report.table import Table, csv

PAPER = "A Brain-Inspired Regularizer for Adversarial Robustness (Attias, Pehlevan, Obeid, 2024; arXiv:2410.03952)"
CITED = f"Robustness harness {__version__} (CITATION.cff), and the paper whose experiments it reproduces: {PAPER}"


def page(results: Results, tables: Sequence[Table], drawings: Sequence[Drawing], svg: Mapping[str, bytes]) -> str:
    """The page of one suite; whatever stands in the database is shown as text and never as HTML.

    svg: each drawing's picture by the stem of its files.
    """
    data = {table.name: table.data for table in tables}
    data |= {f"figure-{drawing.name}": drawing.data for drawing in drawings}
    missing = results.missing
    return filled(
        "page.html.j2",
        results=results,
        tables=tables,
        drawings=drawings,
        seeds=seeds(results),
        counts={"missing": len(missing), "diverged": int((missing["state"] == "diverged").sum())},
        images={name: picture_uri(content) for name, content in svg.items()},
        downloads=download_uris(data),
    )


def filled(template: str, **content: Any) -> str:
    """A template of the folder `templates` with its content, all of it escaped."""
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["tied"] = tied
    environment.globals["cited"] = CITED
    return environment.get_template(template).render(**content)


def picture_uri(svg: bytes) -> str:
    """A picture as part of the page."""
    return _uri("image/svg+xml", svg)


def download_uris(data: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Frames as CSV files inside the page."""
    return {name: _uri("text/csv", csv(frame).encode()) for name, frame in data.items()}


def seeds(results: Results) -> str:
    """How many models of each condition are finished, like "2" or "1 to 2 per condition"."""
    models = results.models[results.models["status"] == "ok"]
    return f"{span(models.groupby('condition').size().reindex(results.order, fill_value=0))} per condition"


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
