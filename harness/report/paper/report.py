"""The report of the whole paper: its figures and tables, its claims, and the page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from harness.measurement import LEAST_CLEAN_RATIO
from harness.report.arrays import Arrays
from harness.report.choice import get_profile, require_profile
from harness.report.claims.findings import findings
from harness.report.claims.tables import claims_table, evidence_table
from harness.report.figures.style import headed_pictures, styled
from harness.report.files import FORMATS, Illustration, folder_of, require_formats, write_files
from harness.report.formats import Table
from harness.report.missing import DATA
from harness.report.page import download_uris, filled, picture_uri
from harness.report.paper.contents import FIGURES, Panels, PaperFigure, Picture
from harness.report.paper.looks import paper_looks
from harness.report.paper.panels import draw_panels, panel_numbers
from harness.report.paper.pictures import OVER_SEEDS, PICTURES
from harness.report.paper.tables import gammas_tables, hyperparameters_table
from harness.report.published_table import published_table
from harness.report.results import Results, read_results
from harness.report.vocabulary import scale
from harness.store.engine import Database, state
from harness.store.origins import together
from harness.store.totals import begun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXTERNAL = "robustbench"
"""The suite whose external models have published accuracies."""
_WITHOUT_MATH = str.maketrans("^", "_", "${}")  # of a label: S_Th for $S^{Th}$


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One figure of the paper, as far as its results are there."""

    figure: PaperFigure
    data: pd.DataFrame
    """Its numbers; empty if there are none yet."""
    notes: tuple[str, ...]
    """What is missing of it, and why."""

    @property
    def name(self) -> str:
        """Stem of its files, "figure-05", so that they sort."""
        return f"figure-{self.figure.number:02}"


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
    with db.at_one_moment() as moment:
        chosen, found = _found(moment, title, suites, profile)
        schema = state(moment) or ""
    shown = [_shown(figure, found, chosen, least_clean_ratio) for figure in FIGURES if {*figure.suites} <= {*suites}]
    outcome = findings(found, chosen)
    numbers = [claims_table(outcome), evidence_table(outcome), hyperparameters_table(found), *gammas_tables(found)]
    numbers += [published_table(found[EXTERNAL])] if EXTERNAL in found else []
    tables = tuple(table for table in numbers if table.rows)
    illustrations = [
        Illustration(name=each.name, data=each.data, pictures=partial(_pictures, each, found, arrays_dir, chosen))
        for each in shown
        if len(each.data)
    ]
    folder = folder_of(out, f"{title}-{chosen}")
    written = write_files(
        folder,
        tables,
        illustrations,
        formats,
        partial(_page, title, chosen, found, tables, shown, schema),
    )
    return PaperReport(
        profile=chosen,
        tables=tables,
        shown=tuple(shown),
        folder=folder,
        written=written,
        page=folder / "report.html" if "html" in formats else None,
    )


def _found(db: Database, title: str, suites: Sequence[str], profile: str | None) -> tuple[str, dict[str, Results]]:
    """The profile, and the results of the suites that have some at it."""
    require_profile(profile)
    there = begun(db)
    chosen = get_profile(there, title, suites, profile)
    return chosen, {suite: read_results(db, suite, chosen) for suite in suites if (suite, chosen) in there}


def _shown(figure: PaperFigure, found: Mapping[str, Results], profile: str, least_clean_ratio: float) -> Shown:
    own = {suite: found[suite] for suite in figure.suites if suite in found}
    absent = [suite for suite in figure.suites if suite not in found]
    notes = [f"Not run yet: harness run-suite {suite} --profile {profile}." for suite in absent]
    content = figure.content
    if not own:
        return Shown(figure=figure, data=pd.DataFrame(), notes=tuple(notes))
    shares = [(results, content.conditions) for results in own.values()]
    if isinstance(content, Panels):
        shares = list(_shares(own.values(), content.conditions))
        data = pd.concat([panel_numbers(results, content.panels, labels) for results, labels in shares])
    else:
        data = PICTURES[content.kind].numbers(own, content.conditions, least_clean_ratio)
    notes += [note for share in shares for note in _missing(*share)]
    notes += [remark for results in own.values() if (remark := results.remark_on(corrupted=_is_corrupted(content)))]
    return Shown(figure=figure, data=data, notes=tuple(dict.fromkeys(notes)))


def _shares(own: Iterable[Results], labels: Mapping[str, str]) -> Iterator[tuple[Results, dict[str, str]]]:
    """Each condition with the first results that have it."""
    left = dict(labels)
    for results in own:
        yield results, {name: left.pop(name) for name in results.order if name in left}


def _missing(results: Results, labels: Mapping[str, str]) -> list[str]:
    """What the figure's conditions lack, each reason once."""
    lacking = results.missing[results.missing["condition"].isin([*labels, DATA])]
    notes = []
    for reason, rows in lacking.groupby("reason", sort=False):
        names = dict.fromkeys(labels.get(name, name).translate(_WITHOUT_MATH) for name in rows["condition"])
        count = f"{len(rows)} result{'s' if len(rows) > 1 else ''}"
        notes.append(f"Missing of {results.suite}: {', '.join(names)} ({count}: {reason}).")
    return notes


def _pictures(
    shown: Shown, found: Mapping[str, Results], arrays_dir: Path, profile: str, kinds: tuple[str, ...]
) -> dict[str, bytes]:
    """The figure in each file format; its place in the paper and the profile stand above it."""
    own = [found[suite] for suite in shown.figure.suites if suite in found]
    with styled():
        figure = _drawn(shown, Arrays(pd.concat([results.arrays for results in own]), arrays_dir))
        return headed_pictures(figure, _above(shown, own, profile), kinds)


def _is_corrupted(content: Panels | Picture) -> bool:
    """Whether a figure shows anything of corrupted images."""
    if isinstance(content, Panels):
        return not {"severity", "corruptions"}.isdisjoint(content.panels)
    return PICTURES[content.kind].corrupted


def _caption(figure: PaperFigure) -> str:
    content = figure.content
    told = OVER_SEEDS if isinstance(content, Panels) else PICTURES[content.kind].told
    return " ".join(filter(None, (f"{figure.title.replace('$', '')}.", told)))


def _above(shown: Shown, own: Sequence[Results], profile: str) -> str:
    """What stands above a figure, also where its notes do not go with it."""
    remarks = " ".join(results.remark_on(corrupted=_is_corrupted(shown.figure.content)) for results in own).strip()
    marked = ""
    if "Stand-ins" in remarks:
        marked = " on stand-ins for the real data, named below"
    elif remarks:
        marked = " with other data than the official ones, named below"
    return f"{shown.figure.id} ({scale(profile)}){marked}"


def _drawn(shown: Shown, arrays: Arrays) -> Figure:
    content = shown.figure.content
    looks = paper_looks(content.conditions)
    if isinstance(content, Panels):
        return draw_panels(shown.data, looks, content.panels, content.conditions)
    return PICTURES[content.kind].draw(shown.data, looks, content.conditions, arrays)


def _page(
    title: str,
    profile: str,
    found: Mapping[str, Results],
    tables: Sequence[Table],
    shown: Sequence[Shown],
    schema: str,
    svg: Mapping[str, bytes],
) -> str:
    data = {table.name: table.data for table in tables} | {each.name: each.data for each in shown}
    return filled(
        "paper.html.j2",
        title=title,
        profile=profile,
        scale=scale(profile),
        remarks=" ".join(f"{suite}: {results.remark}" for suite, results in found.items() if results.remark),
        tables=tables,
        figures=[
            {
                "id": each.figure.id,
                "name": each.name,
                "caption": _caption(each.figure),
                "notes": each.notes,
                "image": picture_uri(svg[each.name]) if each.name in svg else "",
            }
            for each in shown
        ],
        origins=together([results.origins for results in found.values()]),
        schema=schema,
        downloads=download_uris(data),
    )
