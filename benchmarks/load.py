"""`python -m benchmarks.load`: what planning, recording and reporting cost with up to ten million measurements.

Suites of 1,000, 10,000 and 100,000 jobs (a million with `--most-jobs 1000000`) are planned, recorded and run through
the schedule without doing any work; then one suite is shown, asked for its status and reported out of a database in
which others have stored up to 10,000,000 measurements.

On SQLite, times are CPU seconds. `--database postgresql://USER@HOST/NAME` takes an empty database of a server
instead, which is full afterwards (`createdb load` before, `dropdb load` after); its times are wall seconds, since the
work is the server's. Memory is this process's peak, without the server.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy import text

from harness.data.bundled import prepare_bundled
from harness.measurement import DeviceFacts, EvaluationResult, Measurement, TrainingResult
from harness.provenance import provenance
from harness.report.reported_profile import suites_with_results
from harness.report.results import read_results
from harness.spec import TrainJob, parse_suite
from harness.spec.suite_file import MOST_CONDITIONS
from harness.store import relations, write
from harness.store.engine import Database, open_database
from harness.store.jobs import job_counts, job_states, rates
from harness.store.plan import write_plan
from harness.suites.devices import PLAIN_CPU
from harness.suites.inputs import Inputs
from harness.suites.plan import Plan, make_plan
from harness.suites.schedule import Schedule
from harness.suites.selection import Selection

T = TypeVar("T")
SEEDS, EVALUATIONS = 10, 4
JOBS_OF_A_CONDITION = SEEDS * (1 + EVALUATIONS)
JOBS = (1_000, 10_000, 100_000, 1_000_000)
MEASUREMENTS = (100_000, 1_000_000, 10_000_000)
PER_RESULT = 80
"""Measurements of one evaluation: about CIFAR-10-C's."""

SUITE = """
title = "Many ways to train"
seeds = "0-{last}"
[train]
classification = "digits"
[regularizer]
images = "digits"
n_images = 32
target = "pixel"
{conditions}
[evaluations]
clean = {{}}
gaussian = {{}}
uniform = {{}}
salt_pepper = {{}}
"""
WORKERS = 8
SWEEP = """
[conditions.swept-{number}]
grid = {{ "regularizer.alpha" = {alphas} }}
"""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--most-jobs", type=int, default=100_000)
    parser.add_argument("--most-measurements", type=int, default=MEASUREMENTS[-1])
    parser.add_argument("--database", metavar="URL", help="an empty PostgreSQL database instead of SQLite files")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        prepare_bundled(folder, "digits")
        print("| jobs | planned | recorded | recorded again | begun and finished | peak MB |")
        print("|---|---|---|---|---|---|")
        for jobs in (each for each in JOBS if each <= arguments.most_jobs):
            with open_database(arguments.database or f"sqlite:///{folder / f'plans-{jobs}.sqlite'}") as database:
                print(_planning(folder, database, jobs), flush=True)
        with open_database(arguments.database or f"sqlite:///{folder / 'results.sqlite'}") as database:
            for row in _reporting(folder, database, arguments.most_measurements):
                print(row, flush=True)


def _plan(folder: Path, name: str, jobs: int) -> Plan:
    """The plan of a suite with so many jobs."""
    file = folder / f"{name}.toml"
    alphas = [round(0.01 * (number + 1), 2) for number in range(jobs // JOBS_OF_A_CONDITION)]
    grids = [alphas[start : start + MOST_CONDITIONS] for start in range(0, len(alphas), MOST_CONDITIONS)]
    conditions = "".join(SWEEP.format(number=number, alphas=grid) for number, grid in enumerate(grids))
    file.write_text(SUITE.format(last=SEEDS - 1, conditions=conditions))
    return make_plan(Selection(suites=(parse_suite(file, "paper"),)), Inputs(folder, stand_ins=False), PLAIN_CPU)


def _planning(folder: Path, database: Database, jobs: int) -> str:
    plan, planned = _timed(database, lambda: _plan(folder, f"suite-{jobs}", jobs))
    _, recorded = _timed(database, lambda: _record(database, plan))
    _, again = _timed(database, lambda: _record(database, plan))
    _, begun = _timed(database, lambda: _run_through(plan))
    peak = _peak_mb()
    [suite] = plan.suites
    write_plan(database, [], suite.name, suite.profile, suite.title, [])  # nothing of it is left for what comes next
    seconds = " | ".join(f"{value:.2f} s" for value in (planned, recorded, again, begun))
    return f"| {len(plan.jobs):,} | {seconds} | {peak:,.0f} |"


def _record(database: Database, plan: Plan) -> None:
    [suite] = plan.suites
    write_plan(database, plan.jobs_of(suite), suite.name, suite.profile, suite.title, [])


def _run_through(plan: Plan) -> None:
    schedule, running = Schedule(plan, (), {}), deque[str]()
    schedule.share_out({planned.key: planned.work for planned in schedule.todo.values()}, WORKERS)
    while schedule.todo or running:
        while len(running) < WORKERS and (planned := schedule.begin_next()):
            running.append(planned.key)
        schedule.finish(running.popleft())


def _reporting(folder: Path, database: Database, most: int) -> Iterator[str]:
    """A suite of 1,000 jobs in a database that grows."""
    plan = _plan(folder, "asked", JOBS[0])
    _record(database, plan)
    stored, recorded = _timed(database, lambda: _finish(database, plan))
    print(f"\n{len(plan.jobs):,} finished jobs recorded in {recorded:.2f} s: {stored:,} measurements, sealed")
    print("\n| measurements | size | show | status | numbers of a report | a query on a view | peak MB |")
    print("|---|---|---|---|---|---|---|")
    [suite] = plan.suites
    works: tuple[Callable[[], object], ...] = (
        lambda: (job_states(database, plan.by_key), rates(database, "none")),
        lambda: job_counts(database, [suite.name]),
        lambda: [read_results(database, *each) for each in suites_with_results(database, [suite.name], suite.profile)],
        lambda: relations.rows(database, "v_curve_summary", suite=suite.name, profile=suite.profile),
    )
    for number, measurements in enumerate(each for each in MEASUREMENTS if each <= most):
        _fill(database, folder, number, measurements - stored)
        stored = measurements
        seconds = " | ".join(f"{_timed(database, work)[1]:.2f} s" for work in works)
        yield f"| {measurements:,} | {_size(database) / 1e6:,.0f} MB | {seconds} | {_peak_mb():,.0f} |"


def _fill(database: Database, folder: Path, number: int, measurements: int) -> None:
    """Another suite's results, so many measurements."""
    jobs = max(JOBS_OF_A_CONDITION, measurements // PER_RESULT * (1 + EVALUATIONS) // EVALUATIONS)
    _record(database, _plan(folder, f"other-{number}", jobs))
    _store_numbers(database)


def _finish(database: Database, plan: Plan) -> int:
    """Record results of all jobs of a plan, each in its transaction; how many measurements."""
    origin = provenance(DeviceFacts(device="none", driver=None, threads=1), "python -m benchmarks.load")
    trained = TrainingResult(
        status="ok",
        reason=None,
        epochs=(),
        best_epoch=None,
        weights="weights",
        weights_sha256="0" * 64,
        parameters=1,
    )
    numbers = tuple(
        Measurement(metric="accuracy", value=0.5, n=1000, epsilon=0.001 * index) for index in range(PER_RESULT)
    )
    for planned in plan.jobs:
        write.start(database, planned.key, "none")
        if isinstance(planned.job, TrainJob):
            write.finish_training(database, planned.key, trained, origin, 1.0)
        else:
            write.finish_evaluation(database, planned.key, EvaluationResult(measurements=numbers), origin, 1.0)
    return PER_RESULT * sum(not isinstance(planned.job, TrainJob) for planned in plan.jobs)


def _store_numbers(database: Database) -> None:
    """All jobs are done, with measurements, written as rows: nobody waits for ten million attacks."""
    with database.transaction() as session:
        session.execute(
            text(
                "WITH RECURSIVE step(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM step WHERE i < :most) "
                "INSERT INTO measurement (evaluation_id, metric, point, value, n, n_failed, epsilon) "
                "SELECT e.id, 'accuracy', 'epsilon=' || i, 0.5, 1000, 0, 0.001 * i FROM evaluation e, step "
                "WHERE NOT EXISTS (SELECT 1 FROM measurement m WHERE m.evaluation_id = e.id)"
            ),
            {"most": PER_RESULT - 1},
        )
        session.execute(
            text(
                "UPDATE job SET state = 'done', finished_at = planned_at, seconds = 1, device = 'none', "
                "environment_id = (SELECT min(id) FROM environment) WHERE state = 'waiting'"
            )
        )
        if database.path is None:
            session.execute(text("ANALYZE"))  # the server does it by itself, a minute later


def _timed(database: Database, work: Callable[[], T]) -> tuple[T, float]:
    """What it finds, and how long it takes: CPU seconds, with a server wall seconds."""
    clock = time.perf_counter if database.path is None else time.process_time
    gc.collect()
    began = clock()
    found = work()
    return found, clock() - began


def _size(database: Database) -> int:
    """Bytes on the disk."""
    if database.path is not None:
        name = database.path.name
        return sum(file.stat().st_size for file in database.path.parent.glob(f"{name}*"))  # the log of writes too
    with database.reading() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
