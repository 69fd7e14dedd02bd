from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.data.bundled import is_made
from harness.settings import Settings
from harness.suites.devices import Device
from harness.suites.executors import local
from harness.suites.executors.executor import Event, Failed, Finished, Lost, PrepareWork
from harness.suites.executors.local import LocalExecutor, kernel_kills
from harness.suites.executors.shares import Share, shares


@pytest.mark.parametrize(
    ("workers", "cores"),
    [(1, [(0, 1, 2, 3)]), (2, [(0, 1), (2, 3)]), (3, [(0,), (1,), (2,)]), (6, [(0,), (1,), (2,), (3,), (0,), (1,)])],
)
def test_cores_are_shared_out_whole_and_at_least_one_each(workers, cores):
    device = Device("cpu", "some processor", 4, False)
    assert shares(device, workers, range(4), []) == [Share("cpu", part, None) for part in cores]


def test_gpus_are_given_in_turn_as_the_environment_names_them():
    device = Device("cuda", "some GPU", 2, True)
    assert [share.gpu for share in shares(device, 3, range(6), ["4", "7"])] == ["4", "7", "4"]


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    found = LocalExecutor("cpu", 1, Settings())
    yield found
    found.close()


def test_a_worker_that_always_dies_fails_its_job_but_not_the_next(executor, tmp_path: Path):
    work = PrepareWork(name="digits", data_dir=tmp_path)
    executor.submit(work)
    assert executor.idle == 0
    causes = [event.reason for event in happened(executor, kill=True) if isinstance(event, Lost | Failed)]
    cause = "its process was killed (signal 9), possibly because memory ran out"
    assert causes == [*[cause] * (Settings().attempts - 1), f"{cause}, {Settings().attempts} times"]
    assert executor.idle == 1
    executor.submit(PrepareWork(name="digits", data_dir=tmp_path / "next"))
    assert isinstance(happened(executor)[-1], Finished)
    assert is_made(tmp_path / "next", "digits")


def test_a_worker_that_is_stopped_hangs_and_is_killed_and_its_job_has_failed(tmp_path: Path):
    executor = LocalExecutor("cpu", 1, Settings(attempts=1, hang_minutes=0.025))
    try:
        executor.submit(PrepareWork(name="digits", data_dir=tmp_path))
        worker = the_worker()
        worker.suspend()
        [event] = [event for event in happened(executor) if isinstance(event, Failed)]
        assert event.reason == (
            "it hung: no progress for 0.025 minutes (HARNESS_HANG_MINUTES), so its process was killed"
        )
        assert not worker.is_running()
        assert executor.idle == 1
    finally:
        executor.close()


def test_a_worker_with_an_unforeseen_error_gets_no_other_work(executor, tmp_path: Path):
    executor.submit(PrepareWork(name="digits", data_dir=str(tmp_path)))  # which only a mistake of this program does
    worker = the_worker()
    outcome = happened(executor)[-1]
    assert isinstance(outcome, Failed)
    assert outcome.cause == "unexpected"
    assert not worker.is_running()


def test_the_last_attempt_without_memory_is_made_when_nothing_runs_beside_it(tmp_path: Path, monkeypatch):
    kills = itertools.count()
    monkeypatch.setattr(local, "kernel_kills", lambda: next(kills))  # so whatever is killed had no memory
    executor = LocalExecutor("cpu", 2, Settings(attempts=2))
    try:
        large, other = (PrepareWork(name="digits", data_dir=tmp_path / name) for name in ("large", "other"))
        executor.submit(large)
        the_worker().kill()
        executor.submit(other)
        found: list[Event] = []
        while not any(isinstance(event, Finished) for event in found):
            found += executor.events(0.1)
            assert executor.idle == 0
        [lost] = [event for event in found if isinstance(event, Lost)]
        assert lost.key == large.key
        assert lost.reason.endswith("the kernel killed its process (signal 9); the other workers are waited for")
        assert [event.key for event in found if isinstance(event, Finished)] == [other.key]
        assert happened(executor)[-1].key == large.key
        assert executor.idle == 2
        assert is_made(tmp_path / "large", "digits")
    finally:
        executor.close()


def test_what_the_kernel_killed_for_want_of_memory_is_counted_where_it_says_so(tmp_path: Path):
    (tmp_path / "vmstat").write_text("nr_free_pages 5\noom_kill 12\noom_kill_elsewhere 7\n")
    assert kernel_kills(tmp_path / "vmstat") == 12
    assert kernel_kills(tmp_path / "absent") is None


def workers() -> list[psutil.Process]:
    """The worker processes of this one."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # dead already
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def the_worker() -> psutil.Process:
    """The one that was started just now, as soon as it shows."""
    while not (found := workers()):
        time.sleep(0.01)
    return found[0]


def happened(executor: LocalExecutor, kill: bool = False) -> list[Event]:
    """All events until the work is over; with `kill`, no worker lives long enough to do it."""
    found: list[Event] = []
    while not found or not isinstance(found[-1], Finished | Failed):
        for worker in workers() if kill else ():
            with contextlib.suppress(psutil.Error):
                worker.kill()
        found += executor.events(0.1)
    return found
