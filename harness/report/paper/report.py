"""The report of the whole paper: its figures and tables, its claims, and the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.measurement import LEAST_CLEAN_RATIO
from harness.report.choice import get_profile, require_profile
from harness.report.claims.findings import findings
from harness.report.claims.tables import claims_table, evidence_table
from harness.report.files import FORMATS, folder_of, require_formats, write_files
from harness.report.formats import Table
from harness.report.illustrations import Illustration
from harness.report.marks import Marks
from harness.report.notes import SEEDS_ONLY
from harness.report.page import download_uris, filled, picture_uri
from harness.report.paper.captions import caption
from harness.report.paper.contents import FIGURES
from harness.report.paper.shown import Shown, pictures, shown
from harness.report.paper.tables import gammas_tables, hyperparameters_table
from harness.report.published_table import published_table
from harness.report.results import Results, read_results
from harness.report.vocabulary import scale
from harness.store.engine import Database, schema_version
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


@dataclass(frozen=True, kw_only=True)
class _Study:
    """What a database has of the paper at one moment."""

    title: str
    profile: str
    results: Mapping[str, Results]
    """Of the suites that have any at the profile."""
    schema: str


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
    study = _read(db, title, suites, profile)
    own = [figure for figure in FIGURES if {*figure.suites} <= {*suites}]
    figures = tuple(shown(figure, study.results, study.profile, least_clean_ratio, arrays_dir) for figure in own)
    tables = _tables(study)
    stem = f"{title}-{study.profile}"
    illustrations = [
        Illustration(
            name=each.name,
            caption=" ".join([f"{each.figure.id} ({scale(study.profile)}).", caption(each), *each.notes]),
            data=each.data,
            pictures=partial(pictures, each),
            report=stem,
        )
        for each in figures
        if len(each.data)
    ]
    folder = folder_of(out, stem)
    return PaperReport(
        profile=study.profile,
        tables=tables,
        shown=figures,
        folder=folder,
        written=write_files(folder, tables, illustrations, formats, partial(_page, study, tables, figures)),
        page=folder / "report.html" if "html" in formats else None,
    )


def _read(db: Database, title: str, suites: Sequence[str], profile: str | None) -> _Study:
    require_profile(profile)
    with db.at_one_moment() as moment:
        there = begun(moment)
        chosen = get_profile(there, title, suites, profile)
        results = {suite: read_results(moment, suite, chosen) for suite in suites if (suite, chosen) in there}
        return _Study(title=title, profile=chosen, results=results, schema=schema_version(moment) or "")


def _tables(study: _Study) -> tuple[Table, ...]:
    """The tables that have rows, the claims first."""
    results, outcome = study.results, findings(study.results, study.profile)
    claims = claims_table(outcome)
    every = [replace(claims, notes=(*claims.notes, SEEDS_ONLY)), evidence_table(outcome)]
    every += [hyperparameters_table(results, study.profile), *gammas_tables(results, study.profile)]
    every += [published_table(results[EXTERNAL])] if EXTERNAL in results else []
    marks = Marks(report=study.title, profile=study.profile, results=results, remarks=outcome.remarks)
    return tuple(marks.table(table) for table in every if table.rows)


def _page(study: _Study, tables: Sequence[Table], figures: Sequence[Shown], svg: Mapping[str, bytes]) -> str:
    """The page; svg: pictures by the figures' names."""
    data = {table.name: table.data for table in tables} | {each.name: each.data for each in figures}
    remarks = {suite: results.remark for suite, results in study.results.items()}
    return filled(
        "paper.html.j2",
        title=study.title,
        profile=study.profile,
        scale=scale(study.profile),
        remarks=" ".join(f"{suite}: {remark}" for suite, remark in remarks.items() if remark),
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
        origins=together([results.origins for results in study.results.values()]),
        schema=study.schema,
        downloads=download_uris(data),
    )
