from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.data.arrays import split_digest
from harness.suites.devices import Device, find_device
from harness.suites.executors.event import Event, Failed, Finished, Lost, PrepareWork
from harness.suites.executors.local import ATTEMPTS, LocalExecutor, Share, shares


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
    found = LocalExecutor(find_device("cpu"), 1)
    yield found
    found.close()


def test_a_worker_that_always_dies_fails_its_job_but_not_the_next(executor, tmp_path: Path):
    work = PrepareWork(name="digits", data_dir=tmp_path)
    executor.submit(work)
    assert executor.idle == 0
    causes = [event.reason for event in happened(executor, kill=True) if isinstance(event, Lost | Failed)]
    cause = "its process was killed (signal 9), possibly because memory ran out"
    assert causes == [*[cause] * (ATTEMPTS - 1), f"{cause}, {ATTEMPTS} times"]
    assert executor.idle == 1
    executor.submit(PrepareWork(name="digits", data_dir=tmp_path / "next"))
    assert isinstance(happened(executor)[-1], Finished)
    assert split_digest(tmp_path / "next", "digits", "train")


def happened(executor: LocalExecutor, kill: bool = False) -> list[Event]:
    """All events until the work is over; with `kill`, no worker lives long enough to do it."""
    found: list[Event] = []
    while not found or not isinstance(found[-1], Finished | Failed):
        if kill:
            for child in psutil.Process().children():
                with contextlib.suppress(psutil.Error):  # dead already
                    if "spawn_main" in " ".join(child.cmdline()):
                        child.kill()
        found += executor.events(0.1)
    return found
