"""`harness select`: which (alpha, Th) to take."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import LeastCleanRatio, ReportedProfile, SuiteName
from harness.cli.result_database import opened_database
from harness.cli.terminal import print_table, wide_console
from harness.errors import SpecError
from harness.measurement import LEAST_CLEAN_RATIO


def select(
    suite: SuiteName,
    profile: ReportedProfile = None,
    by: Annotated[str, typer.Option(help="The attack to choose with; the paper's is Gaussian noise.")] = "gaussian",
    least_clean_ratio: LeastCleanRatio = LEAST_CLEAN_RATIO,
) -> None:
    """Recommend a pair (alpha, Th) of a suite's grid, and say how far the attacks agree (paper, section 5.2)."""
    from harness.report import selection
    from harness.report.ratios import judged
    from harness.report.reported_profile import suites_with_results
    from harness.report.results import read_results
    from harness.report.selection_tables import agreement_table, selection_table
    from harness.suites.registry import members

    if members(suite) != (suite,):
        raise SpecError(f"{suite} is a collection; select in one of its suites: {', '.join(members(suite))}")
    with opened_database() as database, database.at_one_moment() as moment:
        [chosen] = suites_with_results(moment, [suite], profile)
        results = read_results(moment, *chosen)
    found = selection.select(results, judged(results, least_clean_ratio), by)
    console = wide_console()
    for table in (selection_table(found), agreement_table(found)):
        if table.rows:
            print_table(console, table, *filter(None, [results.remark]))
