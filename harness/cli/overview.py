"""`harness list`, `show`, `status` and `spec-schema`: what there is, what is done and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from harness.cli.options import DeviceName, Only, Profile, Seeds, SuiteName, Workers, parsed_seeds
from harness.cli.terminal import wide_console
from harness.errors import HarnessError
from harness.names import lookup
from harness.settings import settings

if TYPE_CHECKING:
    from harness.spec import Job, Place, PlannedJob
    from harness.store.claims import Holder
    from harness.store.read import JobState
    from harness.suites.cost import Estimate
    from harness.suites.plan import Plan


def list_suites() -> None:
    """Show the suites, the figures they make, and their size at the paper's scale; and what is wrong with others."""
    from harness.suites.inputs import Inputs
    from harness.suites.plan import make_plan
    from harness.suites.registry import catalogue

    found = catalogue("paper")
    inputs = Inputs(settings().data_dir, "paper", settings().experiments_dir)
    heads = {name: (suite.title, ", ".join(suite.figures)) for name, suite in found.suites.items()}
    jobs: dict[str, Mapping[str, PlannedJob]] = {}
    wrong: dict[str, HarnessError] = {**found.wrong}
    for name, suite in found.suites.items():
        try:
            jobs[name] = make_plan([suite], inputs, bfloat16=False).by_key
        except HarnessError as error:
            wrong[name] = error
    for name, collection in found.collections.items():
        heads[name] = collection.title, f"those of its {len(collection.suites)} suites"
        if broken := [suite for suite in collection.suites if suite in wrong]:
            wrong[name] = wrong[broken[0]]
        else:
            jobs[name] = {key: planned for suite in collection.suites for key, planned in jobs[suite].items()}
    table = Table("suite", "what it asks", "figures", "models", "jobs", "arithmetic")
    for name in sorted(jobs):
        planned = jobs[name].values()
        work = _flop(sum(each.work for each in planned))
        table.add_row(name, *heads[name], str(_trainings(planned)), str(len(planned)), work)
    wide_console().print(table)
    for name, problem in sorted(wrong.items()):
        first, *more = str(problem).splitlines()
        typer.secho(f"error: {name}: {first}{f' (and {len(more)} more)' if more else ''}", err=True, fg="red")
    if wrong:
        raise typer.Exit(max(problem.exit_code for problem in wrong.values()))


def show(
    suite: SuiteName,
    profile: Profile = "paper",
    seeds: Seeds = None,
    only: Only = None,
    device: DeviceName = "auto",
    workers: Workers = None,
) -> None:
    """Show the jobs of a suite or collection: done, to do or blocked, and what they cost on this machine."""
    from harness.cli.progress import outlook
    from harness.store.engine import find_database
    from harness.store.read import job_states, rates
    from harness.suites.cost import estimate
    from harness.suites.devices import find_device
    from harness.suites.inputs import Inputs
    from harness.suites.plan import make_plan
    from harness.suites.registry import get_suites

    found = find_device(device)
    plan = make_plan(
        get_suites(suite, profile),
        Inputs(settings().data_dir, profile, settings().experiments_dir),
        bfloat16=found.bfloat16,
        tf32=found.tf32,
        seeds=parsed_seeds(seeds),
        only=only or (),
    )
    database = find_database(settings().database)
    states = job_states(database, plan.by_key) if database else {}
    measured = rates(database, found.name) if database else {}
    processes = workers or found.workers

    def expected(jobs: Sequence[PlannedJob]) -> Estimate:
        return estimate(jobs, measured, found, processes)

    console = wide_console()
    console.print(_jobs_table(plan, states, expected))
    sorted_jobs = _by_state(plan.asked, states)
    for state in ("blocked", "failed", "diverged"):
        for reason in dict.fromkeys(_reason(planned, states) for planned in sorted_jobs.get(state, ())):
            console.print(f"{state}: {reason}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{len(jobs)} {state}" for state, jobs in sorted_jobs.items())
    trainings = f"{_trainings(plan.asked)} of them trainings"
    console.print(f"{len(plan.asked)} jobs of {suite} (profile {profile}), {trainings}: {counts}", soft_wrap=True)
    todo = [planned for state in ("to do", "failed") for planned in sorted_jobs.get(state, ())]
    if todo:
        where = f"{found.name} with {processes} worker{'s' if processes > 1 else ''}"
        console.print(f"To do: {outlook(expected(todo))} on {where}", soft_wrap=True)


def status(
    suite: Annotated[str | None, typer.Argument(metavar="[SUITE]", help="All suites if absent.")] = None,
) -> None:
    """Show what is done, running or failed, and why, as the database has it."""
    from harness.store import claims, read
    from harness.store.engine import open_database
    from harness.store.totals import job_counts
    from harness.suites.registry import suite_files
    from harness.suites.results_folder import holder

    database = open_database(settings().database, create=False)
    table = Table("suite", "profile", "done", "running", "waiting", "failed", "diverged", "blocked")
    found = job_counts(database, suite)
    if suite and not found:
        lookup(suite_files(), "suite", suite)
    for (name, profile), states in found.items():
        counts = (states.get(str(column.header)) for column in table.columns[2:])
        table.add_row(name, profile, *(str(count or "") for count in counts))
    console = wide_console()
    console.print(
        table if found else f"no jobs{f' of {suite}' if suite else ''} yet: harness run-suite {suite or 'SUITE'}"
    )
    told = read.answer(
        database,
        "v_jobs",
        state=["running", "failed", "diverged", "blocked"],
        **({"suite": suite} if suite else {}),
    )
    rows = [dict(zip(told.columns, row, strict=True)) for row in told.rows]
    for alike in _told_together(rows):
        console.print(_jobs_line(alike), markup=False, soft_wrap=True)
    if not any("running" in states for states in found.values()):
        return
    if not settings().on_server and holder(settings().results_dir) is None:
        console.print("No run is active: what was running is continued by the next run-suite.", soft_wrap=True)
        return
    asked = {row["job"] for row in rows}
    for line in _runner_lines(runner for key, runner in claims.running(database).items() if key in asked):
        console.print(line, markup=False, soft_wrap=True)


def spec_schema() -> None:
    """Print the JSON Schema of a suite's file, from which editors complete its keys."""
    import json

    from harness.spec.schema import suite_schema

    typer.echo(json.dumps(suite_schema(), indent=2))


def _told_together(rows: Iterable[Mapping[str, Any]]) -> Iterable[Sequence[Mapping[str, Any]]]:
    """Each job for itself, but all of a suite together that are blocked for the same reason: they may be thousands."""
    found: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=_told_order):
        alone = None if row["state"] == "blocked" else row["job"]
        found.setdefault((row["suite"], row["profile"], row["reason"], alone), []).append(row)
    return found.values()


def _told_order(row: Mapping[str, Any]) -> tuple[object, ...]:
    """As the table has the suites; then by condition, those without first."""
    seed = -1 if row["seed"] is None else row["seed"]
    return row["suite"], row["profile"], row["condition"] or "", seed, row["kind"], row["job"]


def _jobs_line(alike: Sequence[Mapping[str, object]]) -> str:
    row, more = alike[0], len(alike) - 1
    who = f"{row['condition'] or 'substitute'}, seed {row['seed']}: {row['kind']}"
    if row["seed"] is None:
        who = f"analysis {row['kind']}"
    others = f" and {more} more" if more else ""
    why = f": {row['reason']}" if row["reason"] else ""
    return f"{row['state']}: {row['suite']} (profile {row['profile']}): {who}{others}{why}"


def _runner_lines(running: Iterable[Holder | None]) -> list[str]:
    """Who does how many of the jobs that run, and when each showed last that it lives."""
    jobs = Counter(filter(None, running))
    return [
        f"{runner.title}: {number} job{'s' if number > 1 else ''}; last sign of life {runner.seen_at:%F %T} UTC"
        for runner, number in jobs.items()
    ]


def _jobs_table(
    plan: Plan, states: Mapping[str, JobState], expected: Callable[[Sequence[PlannedJob]], Estimate]
) -> Table:
    """One row for each condition and evaluation, with its seeds sorted by state.

    Of a collection: one row for each suite and evaluation, with how many jobs; those that suites share are in each.
    """
    from harness.cli.progress import duration

    substitutes = [planned for planned in plan.asked if not planned.places]
    rows = {("(substitute)", "train"): substitutes} if substitutes else {}
    several = len(plan.suites) > 1
    for planned in plan.asked:
        for place in planned.places:
            condition = place.suite if several else place.condition or "(data)"
            rows.setdefault((condition, _job_name(planned.job, place)), []).append(planned)
    heads = ("suite", "job", "jobs done") if several else ("condition", "job", "seeds done")
    table = Table(*heads, "to do", "failed", "blocked", "arithmetic", "time to do")
    before = None
    for (condition, job), jobs in rows.items():
        by_state = _by_state(jobs, states)
        failed = [*by_state.get("failed", ()), *by_state.get("diverged", ())]
        todo = by_state.get("to do")
        groups = (by_state.get("done"), todo, failed, by_state.get("blocked"))
        table.add_row(
            "" if condition == before else condition,
            job,
            *((str(len(group)) if group else "") if several else _seeds(group) for group in groups),
            _flop(sum(planned.work for planned in jobs)),
            duration(expected(todo).seconds) if todo else "",
        )
        before = condition
    return table


def _job_name(job: Job, place: Place) -> str:
    """What a job is at a place, with the precision of an evaluation where it is not the reference."""
    from harness.spec import EvaluateJob, kind_of

    name = place.evaluation or kind_of(job)
    if isinstance(job, EvaluateJob) and job.evaluation.precision != "float32":
        return f"{name}, {job.evaluation.precision}"
    return name


def _by_state(jobs: Iterable[PlannedJob], states: Mapping[str, JobState]) -> dict[str, list[PlannedJob]]:
    found: dict[str, list[PlannedJob]] = {}
    for planned in jobs:
        state = states[planned.key].state if planned.key in states else "waiting"
        if planned.blocked and state not in {"done", "diverged"}:
            state = "blocked"
        found.setdefault("to do" if state in {"waiting", "running"} else state, []).append(planned)
    return found


def _reason(planned: PlannedJob, states: Mapping[str, JobState]) -> str:
    return planned.blocked or states[planned.key].reason or ""


def _trainings(jobs: Iterable[PlannedJob]) -> int:
    """How many models are trained, each once however many suites ask for it."""
    from harness.spec import TrainJob

    return sum(isinstance(planned.job, TrainJob) for planned in jobs)


def _seeds(jobs: Iterable[PlannedJob] | None) -> str:
    """Their seeds as users write them: "0-6"; of an analysis, which has none, that it is there."""
    from harness.spec import model_of

    models = [model_of(planned.job) for planned in jobs or ()]
    text: list[list[int]] = []
    for seed in sorted({model.seed for model in models if model}):
        if text and seed == text[-1][-1] + 1:
            text[-1] = [text[-1][0], seed]
        else:
            text.append([seed])
    return ",".join("-".join(map(str, part)) for part in text) or ("yes" if models else "")


def _flop(gflop: float) -> str:
    """Floating point operations in a readable unit."""
    for unit, size in (("EFLOP", 1e9), ("PFLOP", 1e6), ("TFLOP", 1e3)):
        if gflop >= size:
            return f"{gflop / size:.1f} {unit}"
    return f"{gflop:.1f} GFLOP"
