"""One container, which does one job."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from queue import SimpleQueue
from typing import Any

from docker.types import DeviceRequest, Mount
from docker.utils.socket import STDERR, SocketError, frames_iter

from harness.data.sets import DATASETS
from harness.spec import LoadJob, TrainJob
from harness.suites.executors.docker.engine import ENGINE_ERRORS
from harness.suites.executors.docker.message import FORM, MOST_BYTES, Refused, event_of, work_message
from harness.suites.executors.executor import Failed, Finished, PrepareWork, Progressed, Work
from harness.suites.executors.shares import Share
from harness.suites.model_weights import model_folder

PROGRAM = ["python", "-m", "harness.suites.executors.docker.inside"]
DATA, MODELS = PurePosixPath("/app/data"), PurePosixPath("/app/results/models")
USER = 1000  # the image's; for a runner that is root
MOST_PROCESSES = 512  # threads among them
SCRATCH = "rw,noexec,nosuid,nodev,size=256m"
ENDING_SECONDS = 10
KEPT_OF_ERRORS = 4096  # bytes


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """What a container may use."""

    share: Share
    memory: int
    """Bytes."""

    @property
    def options(self) -> dict[str, Any]:
        """All of it in Docker's words."""
        share = self.share
        gpus = [DeviceRequest(device_ids=[share.gpu], capabilities=[["gpu"]])] if share.gpu is not None else []
        threads = str(len(share.cores))
        user, group = _user()
        return {
            "network_mode": "none",
            "read_only": True,
            "tmpfs": {"/tmp": SCRATCH},
            "user": f"{user}:{group}",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "mem_limit": self.memory,
            "memswap_limit": self.memory,
            "pids_limit": MOST_PROCESSES,
            "cpuset_cpus": ",".join(map(str, share.cores)),
            "device_requests": gpus,
            "environment": {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
            "init": True,
        }


@dataclass(frozen=True)
class Ended:
    """A container has said its last word: the job's outcome, or None if it died before."""

    key: str
    outcome: Finished | Failed | None


class Container:
    """A container from its start on; what it says goes into a queue."""

    def __init__(
        self, engine: Any, image: str, sandbox: Sandbox, work: Work, said: SimpleQueue[Progressed | Ended]
    ) -> None:
        """Raises ENGINE_ERRORS."""
        self.sandbox = sandbox
        self.work = work
        self._image = image
        self._said = said
        self._errors = b""
        share = sandbox.share
        self._container = engine.containers.create(
            image,
            entrypoint=[*PROGRAM, FORM, work.key, share.device, str(len(share.cores))],
            command=[],
            mounts=_make_mounts(work),
            stdin_open=True,  # which the engine closes when the runner is gone
            labels={"robustness-harness": work.key},
            **sandbox.options,
        )
        with ExitStack() as undo:
            undo.callback(self.remove)
            streams = dict.fromkeys(("stdin", "stdout", "stderr", "stream"), 1)
            self._socket = self._container.attach_socket(params=streams)
            self._connection = self._socket._sock
            undo.callback(self._hang_up)
            self._container.start()
            undo.pop_all()
        threading.Thread(target=self._listen, daemon=True).start()

    def cause_of_death(self) -> Failed:
        """Of a container that ended without an outcome."""
        try:
            code = self._container.wait(timeout=ENDING_SECONDS)["StatusCode"]
            self._container.reload()
            if self._container.attrs["State"]["OOMKilled"]:
                needs = f"its container needs more than its {self.sandbox.memory >> 20} MB of memory"
                return Failed(self.work.key, needs, "memory")
        except ENGINE_ERRORS:  # it was removed, or the engine does not answer
            return Failed(self.work.key, "its container was removed", "lost")
        lines = [line for line in self._errors.decode(errors="replace").splitlines() if line.strip()]
        last = "".join(filter(str.isprintable, f": {lines[-1]}")) if lines else ""
        return Failed(self.work.key, f"its container died with exit code {code}{last}", "lost")

    def remove(self) -> None:
        """End it now, whatever it does."""
        with contextlib.suppress(*ENGINE_ERRORS):
            self._container.remove(force=True)

    def _listen(self) -> None:
        """Put what the container says into the queue; whatever it is, the last thing put there is an Ended."""
        outcome: Finished | Failed | None = None
        try:
            self._connection.sendall(f"{work_message(_inside(self.work))}\n".encode())
            for line in self._lines():
                event = event_of(line, self.work.key, self._image)
                if not isinstance(event, Progressed):
                    outcome = event
                    break
                self._said.put(event)
        except Refused as error:
            outcome = Failed(self.work.key, f"its container said what no job says: {error}")
        except (OSError, SocketError):  # it was removed, or the engine is gone
            pass
        finally:
            self._said.put(Ended(self.work.key, outcome))
        self._hang_up()

    def _hang_up(self) -> None:
        self._connection.close()  # which waits for the file around it
        self._socket.close()

    def _lines(self) -> Iterator[bytes]:
        """The lines of the standard output; raises Refused for one that does not end."""
        line = bytearray()
        for stream, said in frames_iter(self._socket, tty=False):
            if stream == STDERR:
                self._errors = (self._errors + said)[-KEPT_OF_ERRORS:]
                continue
            line += said
            if len(line) > MOST_BYTES:
                raise Refused("a message without end")
            if b"\n" in said:
                *whole, rest = line.split(b"\n")
                yield from map(bytes, whole)
                line = bytearray(rest)


def _inside(work: Work) -> Work:
    """The work with the folders as the container has them."""
    if isinstance(work, PrepareWork):
        return replace(work, data_dir=Path(DATA))
    return replace(work, data_dir=Path(DATA), models_dir=Path(MODELS))


def _make_mounts(work: Work) -> list[Mount]:
    """Data and needed models to read, and the one folder to write, made if need be."""
    if isinstance(work, PrepareWork):  # the program's own work on its own images: no code of others runs
        names = {work.name, DATASETS[work.name].clean}
        return [_mount(DATA / name, _make_writable(work.data_dir / name), read_only=False) for name in sorted(names)]
    mounts = [_mount(DATA, work.data_dir)]
    taken_in = [work.key] if isinstance(work.job, LoadJob) else []
    for key in (*work.weights, *taken_in):
        folder = model_folder(work.models_dir, key)
        if folder.is_dir():  # published weights lie among the data
            mounts.append(_mount(model_folder(MODELS, key), folder))
    if isinstance(work.job, TrainJob):
        folder = _make_writable(model_folder(work.models_dir, work.key))
        mounts.append(_mount(model_folder(MODELS, work.key), folder, read_only=False))
    return mounts


def _mount(target: PurePosixPath, source: Path, *, read_only: bool = True) -> Mount:
    return Mount(str(target), str(source), type="bind", read_only=read_only)


def _user() -> tuple[int, int]:
    """Who a container runs as: the runner's user, but never root."""
    return (os.getuid(), os.getgid()) if os.getuid() else (USER, USER)


def _make_writable(folder: Path) -> Path:
    """The folder, made if need be, with all in it the container's to write."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, *_user(), follow_symlinks=False)
    return folder
