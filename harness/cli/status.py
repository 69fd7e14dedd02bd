"""`harness status`: what is done, running or failed, as the database has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from harness.cli.options import AnySuite
from harness.cli.quantities import and_more
from harness.cli.result_database import opened_database
from harness.cli.terminal import folding, wide_console
from harness.settings import settings
from harness.spec import job_title

if TYPE_CHECKING:
    from harness.store.engine import Database

Row = Mapping[str, Any]
"""A line of the view `v_jobs`."""


def status(suite: AnySuite = None) -> None:
    """Show what is done, running or failed, and why, as the database has it."""
    from harness.store import relations
    from harness.store.jobs import job_counts
    from harness.suites.registry import get_file, members, suite_files

    suites = members(suite) if suite else ()
    only = {"suite": suites} if suites else {}
    with opened_database() as database:
        found = job_counts(database, suites)
        told = relations.rows(database, "v_jobs", state=["running", "failed", "diverged", "blocked"], **only)
        rows = told.records
        running = any("running" in states for states in found.values())
        runners = _runner_lines(database, {row["job"] for row in rows}) if running else []
    console = wide_console()
    if not found:
        if suite:
            get_file(suite_files(), suite)
        console.print(f"no jobs{f' of {suite}' if suite else ''} yet: harness run-suite {suite or 'SUITE'}")
        return
    console.print(_counts_table(found))
    for line in (*map(_jobs_line, _told_together(rows)), *runners):
        console.print(line, soft_wrap=True)


def _counts_table(found: Mapping[tuple[str, str], Mapping[str, int]]) -> Table:
    """How many jobs of each suite and profile are in each state."""
    table = Table(*folding("suite", "profile", "done", "running", "waiting", "failed", "diverged", "blocked"))
    for (name, profile), states in found.items():
        counts = (states.get(str(column.header)) for column in table.columns[2:])
        table.add_row(name, profile, *(str(count or "") for count in counts))
    return table


def _told_together(rows: Iterable[Row]) -> Iterable[Sequence[Row]]:
    """Each job that runs, and all of a suite together that do not for the same reason: they may be thousands."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in sorted(rows, key=_told_order):
        alone = row["job"] if row["state"] == "running" else None
        found.setdefault((row["suite"], row["profile"], row["state"], row["reason"], alone), []).append(row)
    return found.values()


def _told_order(row: Row) -> tuple[object, ...]:
    """As the table has the suites; then by condition, those without first."""
    seed = -1 if row["seed"] is None else row["seed"]
    return row["suite"], row["profile"], row["condition"] or "", seed, row["kind"], row["job"]


def _jobs_line(alike: Sequence[Row]) -> str:
    row, *more = alike
    why = f": {row['reason']}" if row["reason"] else ""
    return f"{row['state']}: {row['suite']} (profile {row['profile']}): {and_more(job_name(row), len(more))}{why}"


def job_name(row: Row) -> str:
    """A job as a suite knows it: "none, seed 0: gaussian"."""
    return job_title(row["condition"], row["seed"], row["evaluation"])


def _runner_lines(database: Database, asked: set[str]) -> list[str]:
    """Who does how many of the asked jobs that run, and when each showed last that it lives."""
    from harness.store import runners
    from harness.suites.results_folder import active_run

    if not settings().on_server and active_run(settings().results_dir) is None:
        return ["No run is active: what was running is continued by the next run-suite."]
    jobs = Counter(runner for key, runner in runners.running(database).items() if runner and key in asked)
    return [
        f"{runner.title}: {number} job{'s' if number > 1 else ''}; last sign of life {runner.seen_at:%F %T} UTC"
        for runner, number in jobs.items()
    ]
