"""The executor: which containers run, and what becomes of those that die."""

from __future__ import annotations

from collections.abc import Sequence
from queue import Empty, SimpleQueue

from harness.errors import ExecutorUnusable
from harness.machine import available_cores, available_memory
from harness.settings import Settings
from harness.suites.devices import Wanted, get_device
from harness.suites.executors.docker.container import Container, Ended, Sandbox
from harness.suites.executors.docker.engine import ENGINE_ERRORS, open_engine
from harness.suites.executors.executor import Event, Failed, Finished, Lost, Progressed, Started, Work
from harness.suites.executors.node import make_folders
from harness.suites.executors.shares import shares, visible_gpus
from harness.suites.executors.supervision import Supervision

USABLE_MEMORY = 0.9  # of the machine's; the rest is the system's and the runner's


class DockerExecutor:
    """Containers that are started for one job each, and removed after it."""

    def __init__(self, wanted: Wanted, workers: int | None, settings: Settings) -> None:
        """All jobs of a run use what the image's name means now.

        Raises:
            ExecutorUnusable: there is no engine, or no such image.
            DeviceError: the device is not on this machine.
        """
        self.device = get_device(wanted)
        workers = workers or self.device.workers
        self._engine, self._image = open_engine(settings.image)
        memory = available_memory()
        gpus = visible_gpus(self.device)
        self._free = [
            Sandbox(share=share, memory=int(memory * USABLE_MEMORY) // workers)
            for share in reversed(shares(self.device, workers, available_cores(), gpus))
        ]
        self._running: dict[str, Container] = {}
        self._supervision = Supervision(settings)
        self._hung: set[str] = set()
        """Keys of the works whose containers were ended because they hung."""
        self._told: list[Event] = []
        self._said: SimpleQueue[Progressed | Ended] = SimpleQueue()

    @property
    def idle(self) -> int:
        """How many works it can begin at once."""
        return len(self._free)

    def submit(self, work: Work) -> None:
        """Begin a work. Call only while `idle` is above 0. Raises ExecutorUnusable."""
        self._begin(self._free.pop(), make_folders(work))

    def events(self, timeout: float) -> Sequence[Event]:
        """What happened since the last call; waits for at most `timeout` seconds. Raises ExecutorUnusable."""
        found, self._told = self._told, []
        try:
            said = self._said.get_nowait() if found else self._said.get(timeout=timeout)
            while True:
                if isinstance(said, Progressed):
                    self._supervision.hear(said.key)
                found.append(self._settle(said) if isinstance(said, Ended) else said)
                said = self._said.get_nowait()
        except Empty:
            self._end_hanging()
            return found

    def close(self) -> None:
        """End all workers now, whatever they do."""
        for container in self._running.values():
            container.remove()
        self._running.clear()
        self._engine.close()

    def _begin(self, sandbox: Sandbox, work: Work) -> None:
        self._supervision.hear(work.key)
        self._told.append(Started(work.key))
        try:
            self._running[work.key] = Container(self._engine, self._image, sandbox, work, self._said)
        except ENGINE_ERRORS as error:
            raise ExecutorUnusable(f"the Docker engine starts no container: {error}") from error

    def _end_hanging(self) -> None:
        """Ends containers that are silent for too long; their last word comes as that of any other."""
        for key in self._supervision.find_hanging():
            self._hung.add(key)
            self._running[key].remove()

    def _settle(self, ended: Ended) -> Finished | Failed | Lost:
        """Remove a container; what is to be told of it. Its work may begin again in a new one."""
        container = self._running.pop(ended.key)
        event = self._supervision.heed(container.work, self._outcome(container, ended))
        container.remove()
        if isinstance(event, Lost):
            self._begin(container.sandbox, event.again)
        else:
            self._free.append(container.sandbox)
        return event

    def _outcome(self, container: Container, ended: Ended) -> Finished | Failed:
        """What a container has said, else why it said nothing more."""
        if ended.key in self._hung:
            self._hung.discard(ended.key)
            if not isinstance(ended.outcome, Finished):
                return Failed(ended.key, self._supervision.silence, "lost")
        return ended.outcome or container.cause_of_death()
