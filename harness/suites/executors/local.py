"""Worker processes on this machine, with its cores and GPUs shared out among them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path

from harness.errors import DeviceError, ExecutorUnusable
from harness.machine import allow_open_files, available_cores, memory_note
from harness.settings import Settings
from harness.suites.devices import Wanted, get_device
from harness.suites.executors.executor import Event, Failed, Finished, Lost, Progressed, Started, Work
from harness.suites.executors.shares import Share, shares, visible_gpus
from harness.suites.executors.supervision import Supervision

CLOSING_SECONDS = 5.0
FILES, FILES_PER_WORKER = 32, 3
"""Open files of a runner, and of each of its workers' pipes: 20 were enough for two workers."""
_KERNEL_COUNTS = Path("/proc/vmstat")


class LocalExecutor:
    """Processes that are started when there is work for them and replaced when they die, hang or cannot be trusted.

    The last attempt at a work whose memory ran out is made while nothing runs beside it: what fits at all is done.
    """

    def __init__(self, wanted: Wanted, workers: int | None, settings: Settings) -> None:
        """Raises DeviceError or ExecutorUnusable."""
        self.device = get_device(wanted)
        workers = workers or self.device.workers
        needed = FILES + FILES_PER_WORKER * workers
        if (allowed := allow_open_files(needed)) < needed:
            raise ExecutorUnusable(
                f"--workers {workers} needs {needed} open files, and only {allowed} are allowed here (ulimit -Hn);"
                " ask for fewer workers, or raise that limit"
            )
        parts = shares(self.device, workers, available_cores(), visible_gpus(self.device))
        self._unused = parts[::-1]
        self._idle: list[_Process] = []
        self._busy: dict[Connection, _Process] = {}
        self._supervision = Supervision(settings)
        self._told: list[Event] = []
        self._waiting: list[Work] = []
        """Until nothing runs beside them."""
        self._alone: str | None = None
        """Key of the work that nothing shall run beside."""

    @property
    def idle(self) -> int:
        """How many works it can begin at once."""
        return 0 if self._waiting or self._alone else len(self._idle) + len(self._unused)

    def submit(self, work: Work) -> None:
        """Begin a work. Call only while `idle` is above 0."""
        self._begin(self._idle.pop() if self._idle else _Process(self._unused.pop()), work)

    def events(self, timeout: float) -> Sequence[Event]:
        """What happened since the last call; waits for at most `timeout` seconds.

        Raises:
            DeviceError: torch cannot use the device.
        """
        found, self._told = self._told, []
        for connection in wait(list(self._busy), 0 if found else timeout):
            found += self._receive(self._busy[connection])  # type: ignore[index]
        hanging = self._supervision.find_hanging()
        for process in [process for process in self._busy.values() if process.work.key in hanging]:
            silence = f"{self._supervision.silence}, so its process was killed"
            found.append(self._settle(process, Failed(process.work.key, silence, "lost")))
        if self._waiting and not self._busy:
            self._begin_alone(self._waiting.pop(0))
        return found

    def close(self) -> None:
        """End all workers now, whatever they do."""
        for process in (*self._idle, *self._busy.values()):
            process.end()
        self._idle, self._busy = [], {}

    def _begin(self, process: _Process, work: Work) -> None:
        self._supervision.hear(work.key)
        self._busy[process.connection] = process
        process.begin(work)
        self._told.append(Started(work.key))

    def _begin_alone(self, work: Work) -> None:
        """Begin a work with all memory: processes that rest keep some, on a GPU too."""
        for process in self._idle:
            self._retire(process)
        self._idle = []
        self._alone = work.key
        self._begin(_Process(self._unused.pop()), work)

    def _receive(self, process: _Process) -> list[Event]:
        """Take what a process has said; one that ended without a result is replaced."""
        found: list[Event] = []
        try:
            while process.connection.poll():
                message = process.connection.recv()
                if isinstance(message, DeviceError):
                    raise message
                if not isinstance(message, Progressed):
                    found.append(self._settle(process, message))
                    break
                self._supervision.hear(message.key)
                found.append(message)
        except (EOFError, OSError):
            found.append(self._settle(process, process.cause_of_death()))
        return found

    def _settle(self, process: _Process, outcome: Finished | Failed) -> Event:
        """Let the process of an outcome rest, or replace it; what is to be told. The work may begin again."""
        del self._busy[process.connection]
        if process.work.key == self._alone:
            self._alone = None
        cause = outcome.cause if isinstance(outcome, Failed) else None
        if cause in {None, "refused"}:
            self._idle.append(process)
        else:
            self._retire(process)  # for instance, after a failure on a GPU nothing works there in that process
        alone = not self._busy
        event = self._supervision.heed(process.work, outcome, alone=alone)
        if not isinstance(event, Lost):
            return event
        if cause == "memory" and not alone and self._supervision.has_one_attempt(event.key):
            self._waiting.append(event.again)
            return replace(event, reason=f"{event.reason}; the other workers are waited for")
        self._begin(_Process(self._unused.pop()), event.again)
        return event

    def _retire(self, process: _Process) -> None:
        process.end()
        self._unused.append(process.share)


class _Process:
    """One worker process and what it does, or did last."""

    work: Work

    def __init__(self, share: Share) -> None:
        self.share = share
        self._kills = kernel_kills()
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, share), name="worker", daemon=True)
        # Ctrl-C is the runner's, and it ends its workers: one that still imports would end with a traceback
        resource_tracker.ensure_running()  # whose start would let signals through again
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()  # so that the pipe ends when the process does

    def begin(self, work: Work) -> None:
        self.work = work
        with contextlib.suppress(OSError):  # it is dead: whoever waits for its pipe will see
            self.connection.send(work)

    def cause_of_death(self) -> Failed:
        """Of a process that ended without an outcome."""
        self._process.join(CLOSING_SECONDS)
        code = self._process.exitcode
        if code != -signal.SIGKILL:
            way = f"signal {-code}" if code and code < 0 else f"exit code {code}"
            return Failed(self.work.key, f"its process died with {way}{memory_note()}", "lost")
        kills = kernel_kills()
        if kills is not None and self._kills is not None and kills > self._kills:
            no_memory = "this machine's memory ran out, so the kernel killed its process (signal 9)"
            return Failed(self.work.key, no_memory, "memory")
        return Failed(self.work.key, "its process was killed (signal 9), possibly because memory ran out", "lost")

    def end(self) -> None:
        self._process.kill()
        self._process.join(CLOSING_SECONDS)
        self.connection.close()


def kernel_kills(counts: Path = _KERNEL_COUNTS) -> int | None:
    """How many processes the kernel has killed for want of memory since it began; None where it does not say.

    It counts those of memory limits too, so a container's.
    """
    try:
        lines = counts.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def _run(connection: Connection, share: Share) -> None:
    """The life of a worker process; nothing of torch is imported before its environment is set."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.dup2(2, 1)  # what own code prints is no progress, and whoever reads that may leave
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(len(share.cores))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin take the cores from those who work
    os.environ["CUDA_VISIBLE_DEVICES"] = share.gpu or ""  # nor shall own code compute on a GPU in a worker without one
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share.cores)
    try:
        from harness.suites import worker
    except (ImportError, OSError, MemoryError) as error:  # torch is not whole, or more than this process may map
        [reason] = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        connection.send(DeviceError(f"no worker can start: {reason}{memory_note()}"))
        return
    worker.serve(connection, share.device, len(share.cores))


def _end_with_parent() -> None:
    """A runner that was killed cannot end its workers, and they must not write beside those of the next run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
