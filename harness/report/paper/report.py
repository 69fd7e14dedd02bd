"""The report of the whole paper: its figures and tables, its claims, and the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.measurement import LEAST_CLEAN_RATIO
from harness.report.claims.findings import Findings, findings
from harness.report.claims.tables import claims_table, evidence_table
from harness.report.files import FORMATS, folder_of, require_formats, write_files
from harness.report.illustrations import Illustration
from harness.report.marks import Marks
from harness.report.notes import SEEDS_ONLY
from harness.report.page import download_uris, filled, picture_uri
from harness.report.paper.captions import caption
from harness.report.paper.contents import FIGURES
from harness.report.paper.shown import Shown, pictures, shown
from harness.report.paper.tables import gammas_tables, hyperparameters_table
from harness.report.published_table import published_table
from harness.report.reported_profile import get_profile, require_profile
from harness.report.results import Results, read_results
from harness.report.table import Table
from harness.report.vocabulary import scale
from harness.store.engine import Database
from harness.store.jobs import begun
from harness.store.origins import together

EXTERNAL = "robustbench"
"""The suite whose external models have published accuracies."""


@dataclass(frozen=True, kw_only=True)
class PaperReport:
    """What was written."""

    profile: str
    tables: tuple[Table, ...]
    shown: tuple[Shown, ...]
    folder: Path
    written: tuple[Path, ...]
    page: Path | None


def render_paper(
    db: Database,
    title: str,
    suites: Sequence[str],
    arrays_dir: Path,
    *,
    out: Path,
    profile: str | None = None,
    formats: Collection[str] = tuple(FORMATS),
    least_clean_ratio: float = LEAST_CLEAN_RATIO,
) -> PaperReport:
    """Write the figures and tables of the paper that these suites have the numbers of; one profile, never mixed.

    title: of the page and its folder. arrays_dir: where the arrays of results lie.
    profile: if None, the largest at which one of the suites has results.

    Raises:
        UnknownName: no such profile or format.
        HarnessError: none of the suites has results at the profile; an array is gone or altered.
    """
    require_formats(formats)
    chosen, results = _read(db, title, suites, profile)
    outcome = findings(results, chosen)
    marks = Marks(report=title, profile=chosen, results=results, remarks=outcome.remarks)
    own = [figure for figure in FIGURES if {*figure.suites} <= {*suites}]
    figures = tuple(shown(figure, results, chosen, least_clean_ratio, arrays_dir) for figure in own)
    tables = tuple(marks.table(table) for table in _tables(results, outcome) if table.rows)
    illustrations = [
        Illustration(
            name=each.name,
            caption=" ".join([f"{each.figure.id} ({scale(chosen)}).", caption(each), *each.notes]),
            data=each.data,
            pictures=partial(pictures, each),
            report=marks.stem,
        )
        for each in figures
        if len(each.data)
    ]
    folder = folder_of(out, marks.stem)
    return PaperReport(
        profile=chosen,
        tables=tables,
        shown=figures,
        folder=folder,
        written=write_files(folder, tables, illustrations, formats, partial(_page, marks, tables, figures)),
        page=folder / "report.html" if "html" in formats else None,
    )


def _read(db: Database, title: str, suites: Sequence[str], profile: str | None) -> tuple[str, dict[str, Results]]:
    """The profile that is reported, and the results of the suites that have any at it."""
    require_profile(profile)
    with db.at_one_moment() as moment:
        there = begun(moment)
        chosen = get_profile(there, title, suites, profile)
        return chosen, {suite: read_results(moment, suite, chosen) for suite in suites if (suite, chosen) in there}


def _tables(results: Mapping[str, Results], outcome: Findings) -> list[Table]:
    """The claims first."""
    claims = claims_table(outcome)
    return [
        replace(claims, notes=(*claims.notes, SEEDS_ONLY)),
        evidence_table(outcome),
        hyperparameters_table(results, outcome.profile),
        *gammas_tables(results, outcome.profile),
        *([published_table(results[EXTERNAL])] if EXTERNAL in results else []),
    ]


def _page(marks: Marks, tables: Sequence[Table], figures: Sequence[Shown], svg: Mapping[str, bytes]) -> str:
    """The page; svg: pictures by the figures' names."""
    data = {table.name: table.data for table in tables} | {each.name: each.data for each in figures}
    every = list(marks.results.values())
    return filled(
        "paper.html.j2",
        title=marks.report,
        profile=marks.profile,
        scale=scale(marks.profile),
        remarks=" ".join(f"{results.suite}: {results.remark}" for results in every if results.remark),
        tables=tables,
        figures=[
            {
                "id": each.figure.id,
                "name": each.name,
                "caption": caption(each),
                "notes": each.notes,
                "image": picture_uri(svg[each.name]) if each.name in svg else "",
            }
            for each in figures
        ],
        origins=together([results.origins for results in every]),
        schema=every[0].schema,
        downloads=download_uris(data),
    )
