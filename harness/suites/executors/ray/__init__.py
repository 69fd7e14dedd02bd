"""Jobs on a Ray cluster: the one at RAY_ADDRESS, or one of this machine alone. Only this package imports Ray.

Each worker is an actor: it keeps its share of a node and the models that it loaded for the whole run. Jobs go to it as
tasks, their values come back, and the runner alone writes. Checkpoints lie in the results folder, which all nodes see.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import ray
from ray.exceptions import OutOfMemoryError, RayError
from ray.util.queue import Queue

from harness.errors import ExecutorUnusable, HarnessError
from harness.settings import Settings
from harness.suites.devices import Wanted
from harness.suites.executors.executor import Event, Failed, Finished, Lost, Progressed, Started, Work
from harness.suites.executors.node import (
    installation,
    make_folders,
    require_folders,
    require_same,
    require_weights_here,
)
from harness.suites.executors.ray.cluster import CORES, Cluster, NodeShare, at_node, first_line
from harness.suites.executors.supervision import Supervision

if TYPE_CHECKING:
    from harness.suites.worker import Worker


class RayExecutor:
    """Workers wherever the cluster has room; those that are lost are replaced, also by ones on nodes that join."""

    def __init__(self, wanted: Wanted, workers: int | None, settings: Settings) -> None:
        """workers: the most at once; as many as find room if None.

        Raises:
            ExecutorUnusable: the cluster does not answer, or has no room for a worker.
            DeviceError: no node has the device.
        """
        self._cluster = Cluster()
        self._idle: list[Any] = []
        self._busy: dict[Any, _Busy] = {}
        """By the reference to the value that is to come."""
        self._waiting: deque[Work] = deque()
        self._supervision = Supervision(settings)
        self._told: list[Event] = []
        self._most = workers
        try:
            on_gpu = wanted == "cuda" or (wanted == "auto" and self._cluster.has_gpus)
            self._share = NodeShare(settings.gpu_share if on_gpu else None)
            self.device = self._cluster.device(self._share)
            self._limit = self._room()
            # on the runner's own node: whatever else is lost, what lies there is not
            here = at_node(ray.get_runtime_context().get_node_id())
            self._progress = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        except RayError as error:
            self.close()
            raise ExecutorUnusable(f"the Ray cluster cannot run this program: {first_line(error)}") from error
        except BaseException:
            self.close()
            raise

    @property
    def idle(self) -> int:
        """How many works it can begin at once."""
        return max(0, self._limit - len(self._busy) - len(self._waiting))

    def submit(self, work: Work) -> None:
        """Begin a work. Call only while `idle` is above 0."""
        self._begin(make_folders(work))

    def events(self, timeout: float) -> Sequence[Event]:
        """What happened since the last call; waits for at most `timeout` seconds.

        Raises:
            DeviceError: torch cannot use a node's device.
            ExecutorUnusable: a node has another installation, or does not see the folders.
        """
        found = self._take_told()
        busy = list(self._busy)
        if busy:
            ray.wait(busy, num_returns=1, timeout=0 if found else timeout)
            ended, _ = ray.wait(busy, num_returns=len(busy), timeout=0)
        else:
            time.sleep(0 if found else timeout)  # until a node joins
            ended = []
        found += self._receive_progress()
        found += [self._settle(reference) for reference in ended]
        found += self._end_hanging()
        self._limit = self._room()
        self._hand_out()
        return found + self._take_told()

    def close(self) -> None:
        """End all workers now, whatever they do."""
        with contextlib.suppress(RayError):
            for process in (*self._idle, *(busy.process for busy in self._busy.values())):
                ray.kill(process)
        self._idle, self._busy = [], {}
        self._cluster.close()

    def _begin(self, work: Work) -> None:
        self._told.append(Started(work.key))
        self._waiting.append(work)
        self._hand_out()

    def _take_told(self) -> list[Event]:
        """Take the events that nobody was told of yet."""
        found, self._told = self._told, []
        return found

    def _hand_out(self) -> None:
        """Give works to workers, of which there are never more than find room: one too many would wait for good."""
        while self._idle and len(self._idle) + len(self._busy) > self._limit:
            ray.kill(self._idle.pop())
        while self._waiting and (self._idle or len(self._busy) < self._limit):
            work = self._waiting.popleft()
            process = self._idle.pop() if self._idle else self._new_process()
            self._supervision.hear(work.key)
            self._busy[process.do.remote(work)] = _Busy(process, work)

    def _new_process(self) -> Any:
        remote = ray.remote(_Process).options(**self._share.options, max_restarts=0)
        return remote.remote(self._share.kind, installation(), self._progress)

    def _room(self) -> int:
        room = self._cluster.room(self._share)
        return room if self._most is None else min(room, self._most)

    def _receive_progress(self) -> list[Event]:
        """Take what the workers said of works that still go on."""
        said: list[Progressed] = self._progress.get_nowait_batch(self._progress.qsize())
        going_on = {busy.work.key for busy in self._busy.values()}
        for event in said:
            if event.key in going_on:
                self._supervision.hear(event.key)
        return [event for event in said if event.key in going_on]

    def _settle(self, reference: Any) -> Event:
        """Take a work's outcome, or learn that its worker was lost."""
        process, work = self._busy.pop(reference)
        try:
            outcome: Finished | Failed = ray.get(reference)
        except HarnessError as error:  # Ray raises a mixture of its own error and the worker's
            raise getattr(error, "cause", error) from None
        except RayError as error:
            for resting in self._idle:  # some may have been on the same node
                ray.kill(resting)
            self._idle.clear()
            return self._heed(work, cause_of_loss(work.key, error))
        if isinstance(outcome, Failed) and outcome.cause != "refused":  # what went wrong may have spoiled the process
            ray.kill(process)
        else:
            self._idle.append(process)
        require_weights_here(work, outcome)
        return self._heed(work, outcome)

    def _end_hanging(self) -> list[Event]:
        """Ends workers that are silent for too long."""
        hanging = self._supervision.find_hanging()
        silent = [reference for reference, busy in self._busy.items() if busy.work.key in hanging]
        found: list[Event] = []
        for reference in silent:
            process, work = self._busy.pop(reference)
            ray.kill(process)
            found.append(self._heed(work, Failed(work.key, self._supervision.silence, "lost")))
        return found

    def _heed(self, work: Work, outcome: Finished | Failed) -> Event:
        """What is to be told of an outcome; the work may begin again."""
        event = self._supervision.heed(work, outcome)
        if isinstance(event, Lost):
            self._begin(event.again)
        return event


class _Busy(NamedTuple):
    """A worker and what it does."""

    process: Any
    work: Work


class _Process:
    """A worker, in a process of Ray's."""

    def __init__(self, device: str, installation: Mapping[str, object], progress: Queue) -> None:
        self._device = device
        self._installation = installation
        self._progress = progress
        self._worker: Worker | None = None

    def do(self, work: Work) -> Finished | Failed:
        """Do a work; its value. Raises HarnessError where this node cannot do any."""
        require_folders(work)
        if self._worker is None:
            require_same(self._installation)
            from harness.suites.worker import make_worker

            self._worker = make_worker(self._device, CORES, self._tell)
        return self._worker.do(work)

    def _tell(self, progressed: Progressed) -> None:
        with contextlib.suppress(RayError):  # nobody listens any more: the work matters, not the display
            self._progress.put_nowait(progressed)


def cause_of_loss(key: str, error: RayError) -> Failed:
    """Of a worker that is gone. Ray's text about any that died names memory and nodes, as what it may have been."""
    if isinstance(error, OutOfMemoryError):
        return Failed(key, "its process was ended because the node's memory ran out", "memory")
    if "because its node has died" in str(error):
        return Failed(key, "its node was lost", "lost")
    return Failed(key, "its process died", "lost")
