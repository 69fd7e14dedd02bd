"""`harness list`: the suites that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from harness.cli.quantities import flop, number_of_trainings
from harness.cli.terminal import listing, wide_console
from harness.errors import HarnessError
from harness.settings import settings

if TYPE_CHECKING:
    from harness.spec import PlannedJob
    from harness.suites.registry import Catalogue


def list_suites() -> None:
    """Show the suites, the figures they make, and their size at the paper's scale; and what is wrong with others."""
    from harness.suites.registry import catalogue

    found = catalogue("paper")
    heads = {name: (suite.title, ", ".join(suite.figures)) for name, suite in found.suites.items()}
    for name, collection in found.collections.items():
        heads[name] = collection.title, f"those of its {len(collection.suites)} suites"
    jobs, wrong = _jobs(found)
    table = Table(*listing("suite", "what it asks", "figures", "models", "jobs", "arithmetic"))
    for name in sorted(jobs):
        planned = jobs[name].values()
        work = flop(sum(each.work for each in planned))
        table.add_row(name, *heads[name], str(number_of_trainings(planned)), str(len(planned)), work)
    wide_console().print(table)
    for name, problem in sorted(wrong.items()):
        first, *more = str(problem).splitlines()
        typer.secho(f"error: {name}: {first}{f' (and {len(more)} more)' if more else ''}", err=True, fg="red")
    if wrong:
        raise typer.Exit(max(problem.exit_code for problem in wrong.values()))


def _jobs(found: Catalogue) -> tuple[dict[str, Mapping[str, PlannedJob]], dict[str, HarnessError]]:
    """The jobs of each suite and collection by their key, once however many suites share them; and what has none."""
    from harness.suites.devices import PLAIN_CPU
    from harness.suites.inputs import Inputs
    from harness.suites.plan import make_plan
    from harness.suites.selection import Selection

    inputs = Inputs(settings().data_dir, settings().experiments_dir, stand_ins=False)
    jobs: dict[str, Mapping[str, PlannedJob]] = {}
    wrong: dict[str, HarnessError] = {**found.wrong}
    for name, suite in found.suites.items():
        try:
            jobs[name] = make_plan(Selection(suites=(suite,)), inputs, PLAIN_CPU).by_key
        except HarnessError as error:
            wrong[name] = error
    for name, collection in found.collections.items():
        if broken := [suite for suite in collection.suites if suite in wrong]:
            wrong[name] = wrong[broken[0]]
        else:
            jobs[name] = {key: planned for suite in collection.suites for key, planned in jobs[suite].items()}
    return jobs, wrong
