"""Worker processes on this machine, with its cores and GPUs shared out among them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from harness.errors import DeviceError
from harness.suites.devices import Device, available_cores
from harness.suites.executors.event import Event, Failed, Lost, Progressed, Started, Work

ATTEMPTS = 3  # per work: a process may die of something that passes, like other programs' use of memory
CLOSING_SECONDS = 5.0


@dataclass(frozen=True)
class Share:
    """A worker's part of the machine."""

    device: str
    """"cpu" or "cuda"."""
    cores: tuple[int, ...]
    gpu: str | None
    """As CUDA_VISIBLE_DEVICES says it."""


def shares(device: Device, workers: int, cores: Sequence[int], gpus: Sequence[str]) -> list[Share]:
    """The machine in parts: whole cores, at least one each, and GPUs in turn."""
    threads = max(1, len(cores) // workers)
    return [
        Share(
            device.kind,
            tuple(cores[(first + i) % len(cores)] for i in range(threads)),
            gpus[number % len(gpus)] if gpus else None,
        )
        for number, first in enumerate(range(0, workers * threads, threads))
    ]


class LocalExecutor:
    """Processes that are started when there is work for them and replaced when they die."""

    def __init__(self, device: Device, workers: int) -> None:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        gpus = visible.split(",") if visible else [str(number) for number in range(device.count)]
        parts = shares(device, workers, available_cores(), gpus if device.kind == "cuda" else [])
        self._unused = parts[::-1]
        self._idle: list[_Process] = []
        self._busy: dict[Connection, _Process] = {}
        self._attempts: dict[str, int] = {}
        self._started: list[Event] = []

    @property
    def idle(self) -> int:
        """How many works it can begin at once."""
        return len(self._idle) + len(self._unused)

    def submit(self, work: Work) -> None:
        """Begin a work; only while some worker is idle."""
        self._begin(self._idle.pop() if self._idle else _Process(self._unused.pop()), work)

    def events(self, timeout: float) -> Sequence[Event]:
        """What happened since the last call; waits for at most `timeout` seconds.

        Raises:
            DeviceError: torch cannot use the device.
        """
        found, self._started = self._started, []
        for connection in wait(list(self._busy), 0 if found else timeout):
            found += self._heard(self._busy[connection])  # type: ignore[index]
        return found

    def close(self) -> None:
        """End all workers now, whatever they do."""
        for process in (*self._idle, *self._busy.values()):
            process.end()

    def _begin(self, process: _Process, work: Work) -> None:
        self._attempts[work.key] = self._attempts.get(work.key, 0) + 1
        self._busy[process.connection] = process
        process.begin(work)
        self._started.append(Started(work.key))

    def _heard(self, process: _Process) -> list[Event]:
        """What a process has said; one that ended without a result is replaced."""
        found: list[Event] = []
        try:
            while process.connection.poll():
                message = process.connection.recv()
                if isinstance(message, DeviceError):
                    raise message
                found.append(message)
                if not isinstance(message, Progressed):
                    self._idle.append(self._busy.pop(process.connection))
                    break
        except (EOFError, OSError):
            found.append(self._after_death(process))
        return found

    def _after_death(self, process: _Process) -> Event:
        del self._busy[process.connection]
        work, reason = process.work, process.cause_of_death()
        process.end()
        if self._attempts[work.key] >= ATTEMPTS:
            self._unused.append(process.share)
            return Failed(work.key, f"{reason}, {ATTEMPTS} times")
        self._begin(_Process(process.share), work)
        return Lost(work.key, reason)


class _Process:
    """One worker process and what it does, or did last."""

    work: Work

    def __init__(self, share: Share) -> None:
        self.share = share
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, share), name="worker", daemon=True)
        self._process.start()
        theirs.close()  # so that the pipe ends when the process does

    def begin(self, work: Work) -> None:
        self.work = work
        with contextlib.suppress(OSError):  # it is dead: whoever waits for its pipe will see
            self.connection.send(work)

    def cause_of_death(self) -> str:
        self._process.join(CLOSING_SECONDS)
        code = self._process.exitcode
        if code == -signal.SIGKILL:
            return "its process was killed (signal 9), possibly because memory ran out"
        return f"its process died with {f'signal {-code}' if code and code < 0 else f'exit code {code}'}"

    def end(self) -> None:
        self._process.kill()
        self._process.join(CLOSING_SECONDS)
        self.connection.close()


def _run(connection: Connection, share: Share) -> None:
    """The life of a worker process; nothing of torch is imported before its environment is set."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the runner, who ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(len(share.cores))
    if share.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = share.gpu
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share.cores)
    from harness.suites import worker

    worker.serve(connection, share.device, len(share.cores))


def _end_with_parent() -> None:
    """A runner that was killed cannot end its workers, and they must not write beside those of the next run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
