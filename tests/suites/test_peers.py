"""Several runners on one database, each a process of its own: every job is done once, also when a runner dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from databases import Cable, database_on
from obedient import JOBS, Listener, Obedient, name
from plans import plan_of
from sqlalchemy import create_engine, text

from harness.errors import ResultsBusy
from harness.settings import Settings
from harness.spec import Suite
from harness.store import relations, write
from harness.store.engine import open_database
from harness.store.engine.postgresql import _WRITER
from harness.store.plan import write_plan
from harness.suites import peers
from harness.suites.executors import EXECUTORS
from harness.suites.executors.executor import Event, JobWork
from harness.suites.inputs import Inputs
from harness.suites.request import Request
from harness.suites.results_folder import ResultsFolder, lock_folder
from harness.suites.runner import run_suite
from harness.suites.selection import Selection

FORK = multiprocessing.get_context("fork")


@dataclass
class Slow(Obedient):
    """An executor that takes a moment for each work, and never finishes those that are named in `stuck`."""

    stuck: tuple[str, ...] = ()
    seconds: float = 0.02

    def submit(self, work: JobWork) -> None:
        if name(work.job) in self.stuck:
            self.done.append(name(work.job))
        else:
            super().submit(work)

    def events(self, timeout: float) -> Sequence[Event]:
        time.sleep(self.seconds)
        return super().events(timeout)


class Machine:
    """A runner in a process of its own, as if on a machine of its own."""

    def __init__(self, title: str, suite: Suite, folders: Settings, *, patience: float = 600, **more: Any) -> None:
        """patience: seconds without a sign after which another is dead to it; a busy processor may delay signs."""
        self._patience = patience
        self._said = FORK.SimpleQueue()
        self.done: list[str] = []
        self.process = FORK.Process(target=self._run, args=(title, suite, folders, more))
        self.process.start()

    def _run(self, title: str, suite: Suite, folders: Settings, more: dict[str, Any]) -> None:
        peers.process_space = lambda: title  # type: ignore[assignment]
        peers.SIGN_SECONDS, peers.LOOK_SECONDS, peers.DEAD_SECONDS = 0.05, 0.1, self._patience
        executor = Slow({}, **more)
        EXECUTORS["local"] = lambda *_: executor  # type: ignore[index]
        request = Request(selection=Selection(suites=(suite,)), device="cpu", command="harness run-suite tiny")
        summary = run_suite(request, folders, Listener())
        self._said.put((executor.done, summary.done, summary.finished, [reason for _, reason in summary.blocked]))

    def ended(self) -> tuple[int, int, list[str]]:
        """How many jobs are done, and by this runner; and why the others are not."""
        self.done, done, finished, blocked = self._said.get()
        self.process.join()
        return done, finished, blocked


def query(folders: Settings, sql: str) -> list[tuple[Any, ...]]:
    with open_database(folders.database) as database:
        return list(relations.answer(database, sql).rows)


def wait_until(folders: Settings, sql: str) -> None:
    """Until a query has an answer."""
    while not query(folders, sql):
        time.sleep(0.05)


@pytest.fixture
def two(tmp_path: Path, folders: Settings, database_url: str) -> tuple[Settings, Settings]:
    """One database, two results folders."""
    first = replace(folders, results_dir=tmp_path / "first", database_url=database_url)
    open_database(database_url).close()
    return first, replace(first, results_dir=tmp_path / "second")


@pytest.fixture
def shared(folders: Settings, server) -> Any:
    """One database on a server, one results folder."""
    with database_on(server, "template") as url:
        yield replace(folders, database_url=url)


def done_once(folders: Settings) -> None:
    """Every job is done, was begun once, and has left one result."""
    assert {row[:2] for row in query(folders, "SELECT state, attempts FROM job")} == {("done", 1)}
    assert query(folders, "SELECT evaluation_id FROM measurement GROUP BY evaluation_id HAVING count(*) <> 1") == []


def test_two_machines_with_folders_of_their_own_share_the_jobs(two, parse):
    suite = parse(("fgsm_transfer = { n_images = 32, sizes = 2 }", ""))
    machines = [Machine(f"machine {number}", suite, folders) for number, folders in enumerate(two)]
    ends = [machine.ended() for machine in machines]
    assert [done for done, _, _ in ends] == [12, 12]
    assert sum(finished for _, finished, _ in ends) == 12
    assert set(Counter(machines[0].done + machines[1].done).values()) == {1}
    done_once(two[0])


@pytest.mark.postgres
def test_two_machines_with_a_folder_in_common_share_the_jobs(shared, parse):
    machines = [Machine(f"machine {number}", parse(), shared) for number in range(2)]
    ends = [machine.ended() for machine in machines]
    assert [(done, blocked) for done, _, blocked in ends] == [(JOBS, []), (JOBS, [])]
    assert sum(finished for _, finished, _ in ends) == JOBS
    done_once(shared)
    with lock_folder(shared.results_dir), pytest.raises(ResultsBusy), lock_folder(shared.results_dir, alone=False):
        pass


@pytest.mark.postgres
def test_the_jobs_of_a_runner_that_died_elsewhere_are_taken_over(shared, parse):
    dies = Machine("far away", parse(), shared, stuck=("threshold 0 train",))
    wait_until(shared, "SELECT 1 FROM job j JOIN claim c ON c.job_key = j.key WHERE j.state = 'done'")
    wait_until(shared, "SELECT 1 FROM job WHERE state = 'running'")
    dies.process.kill()
    dies.process.join()
    done, _, blocked = Machine("here", parse(), shared, patience=1.5).ended()
    assert (done, blocked) == (JOBS, [])
    assert query(shared, "SELECT DISTINCT state FROM job") == [("done",)]
    assert query(shared, "SELECT count(*) FROM v_models") == [(4,)]


@pytest.mark.postgres
def test_a_runner_that_gives_signs_keeps_its_job_however_long_it_takes(shared, parse):
    slow = Machine("far away", parse(), shared, stuck=("none 0 train",))
    wait_until(shared, "SELECT 1 FROM job WHERE state = 'running'")
    other = Machine("here", parse(), shared, patience=2.5)
    wait_until(shared, f"SELECT 1 FROM job WHERE state = 'done' HAVING count(*) = {JOBS - 4}")
    time.sleep(4)  # longer than silence is borne
    assert other.process.is_alive()
    assert query(shared, "SELECT count(*) FROM job WHERE state = 'running'") == [(1,)]
    slow.process.kill()
    done, _, blocked = other.ended()
    assert (done, blocked) == (JOBS, [])


@pytest.mark.postgres
def test_a_result_whose_recording_is_not_confirmed_is_this_runners_own(shared, parse):
    with contextlib.closing(Cable(shared.database)) as cable:
        cable.lost = set(range(2, 1000, 3))
        machine = Machine("machine", parse(), replace(shared, database_url=cable.url))
        assert machine.ended() == (JOBS, JOBS, [])
    assert cable.commits > 3 * JOBS
    done_once(shared)


def test_weights_that_lie_in_another_folder_are_named_and_not_trained_again(two, parse):
    first, second = two
    trainings = Machine("far away", parse(), first, stuck=("none 0 clean",))
    wait_until(first, "SELECT 1 FROM job WHERE kind = 'clean' AND state = 'running'")
    trainings.process.kill()
    trainings.process.join()
    before = query(first, "SELECT key, finished_at FROM job WHERE kind = 'train' AND state = 'done' ORDER BY key")
    assert before
    _, _, blocked = Machine("here", parse(), second, patience=1.5).ended()
    assert any(f"{first.results_dir}: run the same command there, share the results folder" in why for why in blocked)
    after = query(first, "SELECT key, finished_at FROM job WHERE kind = 'train' AND state = 'done' ORDER BY key")
    assert set(before) <= set(after)
    assert query(first, "SELECT 1 FROM job WHERE state = 'running'") == []


LOCKS = {
    "rows": "UPDATE job SET work = work",  # what an analyst's forgotten transaction holds
    "writers": f"SELECT pg_advisory_xact_lock({_WRITER})",  # what keeps every writer out
}


@pytest.mark.postgres
@pytest.mark.parametrize("lock", LOCKS)
def test_a_runner_that_waits_for_a_lock_is_not_taken_for_dead(lock, shared, parse, digits_dir, monkeypatch):
    monkeypatch.setattr(peers, "SIGN_SECONDS", 0.1)
    monkeypatch.setattr(peers, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(peers, "DEAD_SECONDS", 1.0)
    plan = plan_of(Inputs(digits_dir, stand_ins=False), parse())
    broken, running = [planned.key for planned in plan.jobs if not planned.needs][:2]
    folder = ResultsFolder(path=shared.results_dir, identity="one for both", alone=False)
    seen = []
    with (
        open_database(shared.database, timeout=0.2, tell=seen.append) as waiting,
        open_database(shared.database, timeout=0.2, tell=seen.append) as looking,
    ):
        write_plan(waiting, plan.jobs, "tiny", "paper", "Two ways")
        far = peers.Peers(replace(waiting, meanwhile=lambda: far.give_sign()), folder)
        monkeypatch.setattr(peers, "process_space", lambda: "far away")
        assert far.claim(broken, 0)
        assert far.claim(running, 0)
        monkeypatch.setattr(peers, "process_space", lambda: "here")
        here = peers.Peers(looking, folder)
        assert here.look().keys() == {broken, running}

        def fail_and_go_on() -> None:
            write.fail(far._database, broken, "it broke")
            while not ended.is_set():
                far.give_sign()
                time.sleep(0.02)

        ended, going_on = threading.Event(), threading.Thread(target=fail_and_go_on)
        elsewhere = create_engine(shared.database)
        with elsewhere.connect() as analyst:
            analyst.execute(text(LOCKS[lock]))
            going_on.start()
            held = [here.look() for _ in range(100) if not time.sleep(0.03)]  # three times as long as silence is borne
            analyst.rollback()
        elsewhere.dispose()
        after = [here.look() for _ in range(50) if not time.sleep(0.03)]
        ended.set()
        going_on.join()
    assert all(running in looked for looked in (*held, *after) if looked is not None)
    assert all(broken in looked for looked in held if looked is not None)
    assert broken not in [looked for looked in after if looked is not None][-1]
    assert any("is locked by another process" in line for line in seen)


def test_a_run_that_has_its_folder_alone_does_not_take_runners_of_other_folders_for_dead(
    parse, two, monkeypatch, tmp_path
):
    settings, _ = two
    plan = plan_of(Inputs(settings.data_dir, stand_ins=False), parse())
    theirs, ours = (planned.key for planned in plan.jobs[:2])
    with open_database(settings.database) as database:
        write_plan(database, plan.jobs, "tiny", "paper", "Two ways")
        monkeypatch.setattr(peers, "process_space", lambda: "far away")
        for identity, key in (("second", theirs), ("first", ours)):
            assert peers.Peers(database, ResultsFolder(path=tmp_path, identity=identity, alone=False)).claim(key, 0)
        monkeypatch.setattr(peers, "process_space", lambda: "here")
        here = peers.Peers(database, ResultsFolder(path=tmp_path, identity="first", alone=True))
        assert here.look().keys() == {theirs}
