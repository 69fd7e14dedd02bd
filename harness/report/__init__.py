"""Tables, figures and the page of a suite, from the database alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import HarnessError
from harness.names import lookup
from harness.report import summary, tables
from harness.report.claims import Findings, published_gammas, read_findings
from harness.report.claims.tables import claims_table, evidence_table
from harness.report.figures import drawings, pictures
from harness.report.formats import Table, csv, latex, markdown
from harness.report.page import page
from harness.report.results import Results, read_results, with_results
from harness.report.selection import BY, count_pairs, select
from harness.report.selection_tables import agreement_table, selection_table
from harness.store.engine import Database

__all__ = ["FORMATS", "Report", "render"]

FORMATS: dict[str, Callable[[Table], str] | None] = {
    "md": markdown,
    "tex": latex,
    "csv": lambda table: csv(table.data),
    "html": None,
}
"""What can be asked for; figures are always written as PNG and PDF, their numbers with `csv`."""

GRID = 3
"""So many (alpha, Th) make a grid, whose report says which to choose."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was written for one suite."""

    results: Results
    tables: tuple[Table, ...]
    folder: Path
    written: tuple[Path, ...]
    page: Path | None
    """The HTML page, where it was asked for."""


def render(
    db: Database,
    suites: Sequence[str],
    *,
    out: Path,
    profile: str | None = None,
    formats: Collection[str] = tuple(FORMATS),
    least_clean_ratio: float = 0.9,
) -> list[Report]:
    """Write each suite's report into a folder of its own in `out`; the same database gives the same bytes.

    suites: all that have results if empty. profile: if None, the largest that has results, per suite.
    least_clean_ratio: A0, the R0/U0 that is acceptable (paper section 5.2).

    Raises:
        UnknownName: no such suite, profile or format.
        HarnessError: there are no results.
    """
    for name in formats:
        lookup(FORMATS, "format", name)
    chosen = with_results(db, suites, profile)
    found = {scale: read_findings(db, scale) for scale in dict.fromkeys(scale for _, scale in chosen)}
    return [
        _render_one(read_results(db, suite, scale), found[scale].about(suite), out, formats, least_clean_ratio)
        for suite, scale in chosen
    ]


def _render_one(
    results: Results, findings: Findings, out: Path, formats: Collection[str], least_clean_ratio: float
) -> Report:
    folder = out / re.sub(r"[^\w-]", "_", f"{results.suite}-{results.profile}")
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)  # before the work, so that a wrong folder is told at once
    shown, drawn = _tables(results, findings, least_clean_ratio), drawings(results, least_clean_ratio)
    files: dict[str, str | bytes] = {}
    for name in FORMATS:
        writer = FORMATS[name]
        if name in formats and writer is not None:
            files |= {f"{table.name}.{name}": writer(table) for table in shown}
    vectors = {}
    for drawing in drawn:
        kinds = pictures(drawing, results, ("png", "pdf", *(("svg",) if "html" in formats else ())))
        files |= {f"figure-{drawing.name}.{kind}": kinds[kind] for kind in ("png", "pdf")}
        vectors[drawing.name] = kinds.get("svg", b"")
        if "csv" in formats:
            files[f"figure-{drawing.name}.csv"] = csv(drawing.data)
    if "html" in formats:
        files["report.html"] = page(results, shown, drawn, vectors)
    return Report(
        results=results,
        tables=shown,
        folder=folder,
        written=tuple(_write(folder, name, content) for name, content in files.items()),
        page=folder / "report.html" if "html" in formats else None,
    )


def _tables(results: Results, findings: Findings, least_clean_ratio: float) -> tuple[Table, ...]:
    """The tables that have rows, the claims first; the missing results always."""
    values = summary.scores(results.models, results.curves, results.boundary, results.corruptions)
    differences = summary.paired_differences(values, summary.baselines(results.conditions))
    gammas = summary.gamma_means(results.gammas, results.models)
    ratios = summary.acceptable(results.acceptable, least_clean_ratio)
    scope = results.scope
    overview = tables.summary_table(values, results.order, results.missing, scope)
    found = (
        claims_table(findings),
        evidence_table(findings),
        replace(overview, notes=(*overview.notes, results.remark)) if results.remark else overview,
        tables.difference_table(differences, scope),
        tables.gamma_table(gammas, results.order, scope, published_gammas(results.suite)),
        tables.acceptable_table(ratios, least_clean_ratio, scope),
    )
    chosen = _selection_tables(results, least_clean_ratio)
    return (*(table for table in (*found, *chosen) if table.rows), tables.missing_table(results.missing, scope))


def _selection_tables(results: Results, least_clean_ratio: float) -> tuple[Table, ...]:
    """The choice of (alpha, Th), where the suite has a grid of them and the attack that the paper chooses by."""
    if count_pairs(results.acceptable) < GRID or BY not in set(results.acceptable["evaluation"]):
        return ()
    selection = select(results, BY, least_clean_ratio)
    return selection_table(selection), agreement_table(selection)


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    with _writing(path):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HarnessError(f"{path} cannot be written: {error.strerror}") from error
