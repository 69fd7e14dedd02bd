"""`harness show`: the jobs of a suite and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.table import Table

from harness.cli.options import DeviceName, Only, Profile, Seeds, SuiteName, Workers, selected
from harness.cli.quantities import duration, flop, number_of_trainings, outlook, told_by_reason
from harness.cli.result_database import found_database
from harness.cli.terminal import folding, wide_console
from harness.settings import settings
from harness.spec import EvaluateJob, kind_of, model_of
from harness.spec.job import DATA, SUBSTITUTE
from harness.spec.seeds import seeds_text
from harness.suites.devices import get_device

if TYPE_CHECKING:
    from harness.spec import Job, Place, PlannedJob
    from harness.store.jobs import JobState
    from harness.suites.cost import Estimate
    from harness.suites.plan import Plan


def show(
    suite: SuiteName,
    profile: Profile = "paper",
    seeds: Seeds = None,
    only: Only = None,
    device: DeviceName = "auto",
    workers: Workers = None,
) -> None:
    """Show the jobs of a suite or collection: done, to do or blocked, and what they cost on this machine."""
    from harness.store.jobs import job_states, rates
    from harness.suites.cost import estimate
    from harness.suites.past import plan_after

    found = get_device(device)
    selection = selected(suite, profile, seeds, only)
    with found_database() as database:
        plan, _ = plan_after(selection, settings(), found, database)
        states = job_states(database, plan.by_key) if database else {}
        measured = rates(database, found.name) if database else {}
    processes = workers or found.workers
    expected = partial(estimate, rates=measured, device=found, workers=processes)
    console = wide_console()
    console.print(_jobs_table(plan, states, expected))
    by_state = _by_state(plan.asked, states)
    for line in _troubles(by_state, states):
        console.print(line, soft_wrap=True)
    counts = ", ".join(f"{len(jobs)} {state}" for state, jobs in by_state.items())
    models = f"{number_of_trainings(plan.asked)} of them trainings"
    console.print(f"{len(plan.asked)} jobs of {suite} (profile {profile}), {models}: {counts}", soft_wrap=True)
    todo = [planned for state in ("to do", "failed") for planned in by_state.get(state, ())]
    if todo:
        where = f"{found.name} with {processes} worker{'s' if processes > 1 else ''}"
        console.print(f"To do: {outlook(expected(todo))} on {where}", soft_wrap=True)


def _jobs_table(
    plan: Plan, states: Mapping[str, JobState], expected: Callable[[Sequence[PlannedJob]], Estimate]
) -> Table:
    """One row for each condition and evaluation, with its seeds sorted by state.

    Of a collection: one row for each suite and evaluation, with how many jobs; those that suites share are in each.
    """
    several = len(plan.suites) > 1
    named, *heads = ("suite", "job", "jobs done") if several else ("condition", "job", "seeds done")
    table = Table(*folding(named, *heads, "to do", "failed", "blocked", "arithmetic", "time to do"))
    before = None
    for (condition, job), jobs in _rows(plan).items():
        by_state = _by_state(jobs, states)
        failed = [*by_state.get("failed", ()), *by_state.get("diverged", ())]
        todo = by_state.get("to do")
        groups = (by_state.get("done"), todo, failed, by_state.get("blocked"))
        table.add_row(
            "" if condition == before else condition,
            job,
            *((str(len(group)) if group else "") if several else _seeds(group) for group in groups),
            flop(sum(planned.work for planned in jobs)),
            duration(expected(todo).seconds) if todo else "",
        )
        before = condition
    return table


def _rows(plan: Plan) -> dict[tuple[str, str], list[PlannedJob]]:
    """The jobs of each condition, of a collection each suite, and of each training or evaluation there."""
    rows: dict[tuple[str, str], list[PlannedJob]] = {}
    for planned in plan.asked:
        if not planned.places:
            job = f"train like {planned.alike}" if planned.alike else "train"
            rows.setdefault((SUBSTITUTE, job), []).append(planned)
    for planned in plan.asked:
        for place in planned.places:
            condition = place.suite if len(plan.suites) > 1 else place.condition or DATA
            rows.setdefault((condition, _job_name(planned.job, place)), []).append(planned)
    return rows


def _job_name(job: Job, place: Place) -> str:
    """What a job is at a place, with the precision of an evaluation where it is not the reference."""
    name = place.evaluation or kind_of(job)
    if isinstance(job, EvaluateJob) and job.evaluation.precision != "float32":
        return f"{name}, {job.evaluation.precision}"
    return name


def _by_state(jobs: Iterable[PlannedJob], states: Mapping[str, JobState]) -> dict[str, list[PlannedJob]]:
    """Jobs sorted by what the database and the plan say of them; one that waits or runs is `to do`."""
    found: dict[str, list[PlannedJob]] = {}
    for planned in jobs:
        state = states[planned.key].state if planned.key in states else "waiting"
        if planned.blocked and state not in {"done", "diverged"}:
            state = "blocked"
        found.setdefault("to do" if state in {"waiting", "running"} else state, []).append(planned)
    return found


def _troubles(by_state: Mapping[str, Sequence[PlannedJob]], states: Mapping[str, JobState]) -> Iterator[str]:
    """Why jobs are blocked or failed, each reason once."""
    for state in ("blocked", "failed", "diverged"):
        jobs = by_state.get(state, ())
        told = told_by_reason((each.title, each.blocked or states[each.key].reason or "") for each in jobs)
        yield from (f"{state}: {each}" for each in told)


def _seeds(jobs: Iterable[PlannedJob] | None) -> str:
    """Their seeds as users write them: "0-6"; of an analysis, which has none, that it is there."""
    models = [model_of(planned.job) for planned in jobs or ()]
    return seeds_text(model.seed for model in models if model) or ("yes" if models else "")
