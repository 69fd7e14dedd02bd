"""The runner: plans suites, and has what is missing done.

Of all that takes part in a run only the runner writes to the database. It never imports torch: that is for the
workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

from harness.data.bundled import is_made
from harness.data.sets import DATASETS
from harness.errors import DataMissing, Interrupted
from harness.files import is_whole
from harness.names import lookup
from harness.settings import Settings
from harness.spec import inputs_of
from harness.store.arrays import array_files
from harness.store.engine import open_database
from harness.store.jobs import begun, finished_in, job_states
from harness.store.mending import mend
from harness.store.origins import SplitOrigin
from harness.store.plan import write_plan
from harness.store.schema import FINAL
from harness.suites.executors import EXECUTORS
from harness.suites.executors.executor import Executor, Failed, Finished, PrepareWork
from harness.suites.inputs import Inputs
from harness.suites.past import plan_after
from harness.suites.peers import Peers
from harness.suites.plan import Plan
from harness.suites.request import Request, Summary, Watch
from harness.suites.results_folder import ResultsFolder, lock_folder
from harness.suites.run import LOOK_SECONDS, Run
from harness.suites.site import Site
from harness.suites.stopping import heed_signals

LOCK_SECONDS = 1.0
"""Between attempts to write while somebody else has the database's lock. SQLite heeds no Ctrl-C in between."""


def run_suite(request: Request, settings: Settings, watch: Watch) -> Summary:
    """Do all jobs of the suites that are asked for and not done yet; those that fail do not stop the others.

    Raises:
        Interrupted: Ctrl-C; running jobs wait for the next run, which continues them.
        ResultsBusy: another run works on the same results.
        DataMissing: not a single job can run, for want of data or of a device that can compute it.
        HarnessError: spec, data, device or database are not in order; nothing was started.
    """
    make_executor = lookup(EXECUTORS, "executor", request.executor)
    with lock_folder(settings.results_dir, alone=not settings.on_server) as folder:
        try:
            if request.executor != "local":
                watch.note(f"connecting to {request.executor}; the first jobs may take half a minute to begin")
            with closing(make_executor(request.device, request.workers, settings)) as executor:
                plan_now = partial(plan_after, request.selection, settings, executor.device)
                plan, inputs = plan_now(None)
                if _make_bundled_sets(plan, settings, executor, watch):  # only now their digests are known
                    plan, inputs = plan_now(None)
                with _open_site(settings, folder, executor, watch) as site:
                    if any(planned.blocked for planned in plan.jobs):  # unless it was done before
                        plan, inputs = plan_now(site.database)
                    _store_plan(plan, inputs, site)
                    states = job_states(site.database, plan.by_key)
                    return Run(plan, inputs, site, states, request.command).work()
        except KeyboardInterrupt:
            raise Interrupted(f"stopped; finished jobs are stored, and this continues: {request.command}") from None


@contextmanager
def _open_site(settings: Settings, folder: ResultsFolder, executor: Executor, watch: Watch) -> Iterator[Site]:
    """The site of a run, its database opened. Jobs that run when it is left, or that a killed run left, wait again."""
    with open_database(settings.database, timeout=LOCK_SECONDS, tell=watch.note) as opened:

        def meanwhile() -> None:
            heed_signals()
            peers.give_sign()

        database = replace(opened, meanwhile=meanwhile)
        peers = Peers(database, folder)
        peers.look()
        try:
            with closing(executor):  # before others may begin what it did
                yield Site(settings=settings, database=database, peers=peers, executor=executor, watch=watch)
        finally:
            peers.leave()


def _store_plan(plan: Plan, inputs: Inputs, site: Site) -> None:
    """Put a plan into the database. Jobs whose results, or whose arrays, are not as they were recorded wait again."""
    _require_any(plan, site)
    for key in mend(site.database, plan.by_key, _lost_arrays(plan, site)):
        site.watch.note(f"{plan.by_key[key].title}: its stored result was altered or lost; it is computed again")
    for suite in plan.suites:
        jobs = plan.jobs_of(suite)
        left = finished_in(site.database, suite.name, suite.profile) - {planned.key for planned in jobs}
        write_plan(site.database, jobs, suite.name, suite.profile, suite.title, _facts(inputs))
        if left:
            site.watch.note(
                f"{len(left)} finished jobs of {suite.name} are not what it asks for now (its file, own code, data, "
                "settings or seeds, the program or the machine are others): their results are kept, but not shown "
                "until it asks for them again"
            )


def _require_any(plan: Plan, site: Site) -> None:
    """Raises DataMissing if none of a plan can be done or is, and it would take the place of one that has results."""
    reasons = [planned.blocked for planned in plan.asked if planned.blocked]
    if len(reasons) < len(plan.asked):
        return
    if any(state.state in FINAL for state in job_states(site.database, plan.by_key).values()):
        return
    there = begun(site.database)
    for suite in plan.suites:
        if (suite.name, suite.profile) in there:
            raise DataMissing(
                "\n".join(dict.fromkeys(reasons))
                + f"\nThe results of {suite.name} (profile {suite.profile}) stay as they are: they are of other data "
                f"than those in {site.settings.data_dir} (HARNESS_DATA_DIR)"
            )


def _lost_arrays(plan: Plan, site: Site) -> set[str]:
    """Keys of the results of which an array is gone, truncated or altered, if it should be in this results folder."""
    return {
        key
        for key, file, sha256 in array_files(site.database)
        if key in plan.by_key and not is_whole(site.settings.arrays_dir / file, sha256) and site.peers.belongs_here(key)
    }


def _facts(inputs: Inputs) -> list[SplitOrigin]:
    """What is known of the data that is there, for the database."""
    return [
        SplitOrigin(
            name=each.name,
            split=each.part,
            sha256=state.digest,
            n=state.count,
            generated=state.generated,
            origin=state.origin,
        )
        for each, state in inputs.seen.items()
        if state.digest and not state.missing
    ]


def _make_bundled_sets(plan: Plan, settings: Settings, executor: Executor, watch: Watch) -> bool:
    """Have a worker make the sets of a plan that need no download and are not there; whether there were any.

    Raises:
        DataMissing: one of them could not be made.
    """
    names = {each.name for planned in plan.asked for each in inputs_of(planned.job)}
    absent = [
        dataset
        for name in sorted(names & DATASETS.keys())
        if (dataset := DATASETS[name]).bundled and not is_made(settings.data_dir, name)
    ]
    for dataset in absent:
        watch.note(f"making data set {dataset.name}: {dataset.title}")
        executor.submit(PrepareWork(name=dataset.name, data_dir=settings.data_dir))
        waiting = True
        while waiting:
            for event in executor.events(LOOK_SECONDS):
                if isinstance(event, Failed):
                    raise DataMissing(f"data set {dataset.name} could not be made: {event.reason}")
                waiting = waiting and not isinstance(event, Finished)
    return bool(absent)
