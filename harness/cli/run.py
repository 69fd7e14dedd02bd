"""`harness run-suite`: the one command that does the work."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import DeviceName, ExecutorName, Only, Profile, Seeds, SuiteName, Workers, selected
from harness.cli.quantities import told_by_reason
from harness.cli.show import show
from harness.settings import settings

if TYPE_CHECKING:
    from harness.suites.request import Summary


def run_suite(
    suite: SuiteName,
    profile: Profile = "paper",
    seeds: Seeds = None,
    only: Only = None,
    device: DeviceName = "auto",
    workers: Workers = None,
    executor: ExecutorName = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the jobs and what they cost.")] = False,
) -> None:
    """Train and evaluate what a suite asks for and is not done yet. Stop it any time: the same command continues."""
    if dry_run:
        show(suite, profile, seeds, only, device, workers)
        return
    from harness.cli.progress import say, shown
    from harness.suites.request import Request
    from harness.suites.runner import run_suite
    from harness.suites.stopping import obey_signals

    obey_signals()
    request = Request(
        selection=selected(suite, profile, seeds, only),
        device=device,
        workers=workers,
        executor=executor,
        command=shlex.join(["harness", *sys.argv[1:]]),
    )
    with shown() as watch:
        summary = run_suite(request, settings(), watch)
    for line in _ending(summary, f"{suite} --profile {profile}"):
        say(line)
    if summary.failed:
        raise typer.Exit(1)


def _ending(summary: Summary, what: str) -> list[str]:
    """What became of the jobs, and what to do next."""
    lines = []
    for state, jobs in (("failed", summary.failed), ("blocked", summary.blocked)):
        told = told_by_reason(sorted((planned.title, reason) for planned, reason in jobs))
        lines += [f"{state}: {each}" for each in told]
    if summary.done == summary.asked and not summary.finished:
        lines.append(f"nothing to do: all {summary.asked} jobs are done")
    else:
        counts = f"{summary.done} of {summary.asked} jobs are done, {summary.finished} of them now"
        troubles = f", {len(summary.failed)} failed, {len(summary.blocked)} blocked"
        lines.append(counts + (troubles if summary.failed or summary.blocked else ""))
    if summary.done:
        lines.append(f"tables and figures: harness report {what}")
    return lines
