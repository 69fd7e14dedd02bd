"""The report of one suite: tables, figures and the page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from harness.measurement import LEAST_CLEAN_RATIO
from harness.report import summary, tables
from harness.report.acceptable_table import acceptable_table
from harness.report.arrays import Arrays
from harness.report.autoattack_table import autoattack_table
from harness.report.claims.findings import Findings, read_findings
from harness.report.claims.tables import claims_table, evidence_table
from harness.report.figures.drawings import drawings, pictures
from harness.report.figures.heat_maps import heat_maps
from harness.report.files import FORMATS, folder_of, require_formats, write_files
from harness.report.illustrations import Illustration
from harness.report.marks import Marks
from harness.report.notes import (
    absent_note,
    attacks_note,
    baselines_note,
    distance_note,
    fourier_note,
    images_note,
    score_note,
    zero_note,
)
from harness.report.page import page
from harness.report.published_gammas import published_gammas
from harness.report.published_table import published_table
from harness.report.ratios import Ratios, judged
from harness.report.reported_profile import suites_with_results
from harness.report.results import Results, read_results
from harness.report.selection import BY, count_pairs, rankable, select, with_pairs
from harness.report.selection_tables import agreement_table, selection_table
from harness.report.settings_tables import evaluations_table, trainings_table
from harness.report.table import Table
from harness.store.engine import Database

GRID = 3
"""So many (alpha, Th) make a grid, whose report says which to choose."""


@dataclass(frozen=True, kw_only=True)
class SuiteReport:
    """What was written for one suite."""

    results: Results
    tables: tuple[Table, ...]
    folder: Path
    written: tuple[Path, ...]
    page: Path | None
    """The HTML page, where it was asked for."""


def render_suites(
    db: Database,
    suites: Sequence[str],
    *,
    arrays_dir: Path,
    out: Path,
    profile: str | None = None,
    formats: Collection[str] = tuple(FORMATS),
    least_clean_ratio: float = LEAST_CLEAN_RATIO,
    against: str | None = None,
) -> list[SuiteReport]:
    """Write each suite's report into a folder of its own in `out`; the same database gives the same bytes.

    suites: all that have results if empty. arrays_dir: where the arrays of results lie. profile: if None, the largest
    that has results, per suite. least_clean_ratio: A0, the R0/U0 that is acceptable (paper section 5.2). against: the
    condition that differences are to; each one's baseline if None.

    Raises:
        UnknownName: no such suite, profile, format or condition.
        HarnessError: there are no results; an array is altered.
    """
    require_formats(formats)
    read = cache(read_results)  # claims are about the reported suites too
    with db.at_one_moment() as moment:
        chosen = suites_with_results(moment, suites, profile)
        findings = {
            each: read_findings(moment, each, [suite for suite, at in chosen if at == each], read)
            for each in dict.fromkeys(at for _, at in chosen)
        }
        reported = [read(moment, *each) for each in chosen]
    return [
        _render(
            results,
            findings[results.profile].about(results.suite),
            Arrays(results.arrays, arrays_dir),
            out=out,
            formats=formats,
            least_clean_ratio=least_clean_ratio,
            against=against,
        )
        for results in reported
    ]


def _render(
    results: Results,
    findings: Findings,
    arrays: Arrays,
    *,
    out: Path,
    formats: Collection[str],
    least_clean_ratio: float,
    against: str | None,
) -> SuiteReport:
    compared = summary.compared(results.conditions, against)
    ratios = judged(results, least_clean_ratio)
    made = suite_tables(results, findings, ratios, compared, against=against, told=absent_note(arrays))
    marks = Marks(
        report=results.suite,
        profile=results.profile,
        results={results.suite: results},
        remarks=findings.remarks,
    )
    folder = folder_of(out, marks.stem)
    shown = tuple(map(marks.table, made))
    drawn = [
        each._replace(data=marks.data(each.data, corrupted=each.corrupted))
        for each in (*drawings(results, ratios), *heat_maps(results, arrays, compared))
    ]
    illustrations = [
        Illustration(
            name=f"figure-{each.name}",
            caption=f"{results.scope}. {each.caption} {each.remark(results)}".strip(),
            data=each.data,
            pictures=partial(pictures, each, results),
            report=marks.stem,
        )
        for each in drawn
    ]
    written = write_files(folder, shown, illustrations, formats, partial(page, results, shown, drawn))
    return SuiteReport(
        results=results,
        tables=shown,
        folder=folder,
        written=written,
        page=folder / "report.html" if "html" in formats else None,
    )


def suite_tables(
    results: Results,
    findings: Findings,
    ratios: Ratios,
    compared: Mapping[str, str],
    *,
    against: str | None = None,
    told: Iterable[str] = (),
) -> tuple[Table, ...]:
    """The tables that have rows, the claims first; always the missing results, and what was asked for.

    compared: what each condition is compared with; against: the one that all are, if it is one. told: what is said of
    results that are there in part.
    """
    scope, values, failures = results.scope, summary.scores(results), summary.failures(results)
    differences = summary.paired_differences(values, compared)
    images = tuple(images_note(results.images))
    attacks = tuple(attacks_note(results, values["evaluation"]))
    named = tuple(baselines_note(results.conditions))
    measured = (
        *images,
        *attacks,
        *score_note(results.boundary, beside=True),
        *distance_note(failures),
        *fourier_note(results.specs),
    )
    found = (
        claims_table(findings),
        evidence_table(findings),
        tables.summary_table(values, failures, results),
        tables.difference_table(differences, scope, measured, against),
        tables.gamma_table(summary.gamma_means(results), results.order, scope, published_gammas(results.suite)),
        acceptable_table(ratios, scope, (*named, *images, *zero_note(results.images, results.curves), *attacks)),
        autoattack_table(results, images),
        published_table(results),
    )
    chosen = _selection_tables(results, ratios)
    asked = trainings_table(results.specs, scope), evaluations_table(results.specs, scope)
    return (
        *(table for table in (*found, *chosen) if table.rows),
        tables.missing_table(results.missing, scope, told),
        *asked,
    )


def _selection_tables(results: Results, ratios: Ratios) -> tuple[Table, ...]:
    """The choice of (alpha, Th), where the suite has a grid of them and the attack that the paper chooses by."""
    known = with_pairs(ratios.rows)
    if count_pairs(known) < GRID or BY not in rankable(known):
        return ()
    selection = select(results, ratios, BY)
    return selection_table(selection), agreement_table(selection)
