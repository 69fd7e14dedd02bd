"""The results folder: room in it, and who may use it."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from harness.errors import HarnessError, ResultsBusy
from harness.files import flush

LOOKS, LOOK_SECONDS = 5, 0.1  # at a lock that somebody has
ROOM = 200 << 20  # bytes: the database, and the checkpoints of one large network


@dataclass(frozen=True, kw_only=True)
class ResultsFolder:
    """The results folder of this run."""

    path: Path
    identity: str
    alone: bool
    """No other run uses it now."""


@contextmanager
def lock_folder(folder: Path, *, alone: bool = True) -> Iterator[ResultsFolder]:
    """Keep the results folder, made if need be, for this run. The system lets go of it with the process.

    alone: no other run may use it. Otherwise only those are refused that need it alone, or have it alone.

    Raises:
        ResultsBusy: another run works on it.
        HarnessError: the folder cannot be written, or the disk is almost full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        lock = (folder / "run.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"{folder} cannot be used for results: {error.strerror}; set HARNESS_RESULTS_DIR") from error
    with lock:
        _lock(lock, folder, alone=alone)
        if free < ROOM:
            raise HarnessError(
                f"only {free >> 20} MB are free in {folder}, {ROOM >> 20} are needed; nothing was changed"
            )
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")
        lock.flush()
        yield ResultsFolder(path=folder, identity=_identity(folder), alone=alone)


def _lock(lock: TextIO, folder: Path, *, alone: bool) -> None:
    """Lock the file for this process; whoever only looks whether it is locked is gone in a moment."""
    for patience in reversed(range(LOOKS)):
        try:
            fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            if patience:
                time.sleep(LOOK_SECONDS)
                continue
            lock.seek(0)
            raise ResultsBusy(
                f"another run works on {folder} ({lock.read().strip()}); wait for it, or stop it with Ctrl-C"
            ) from None
        except OSError as error:
            raise HarnessError(
                f"{folder} lies where files cannot be locked ({error.strerror}): two runs could spoil each other's "
                "results there; set HARNESS_RESULTS_DIR to another file system"
            ) from error
        return


def _identity(folder: Path) -> str:
    """32 hex digits that stay with a folder, whatever path it is found at; made at its first use."""
    with (folder / "folder.id").open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        found = file.read().strip()
        if not found:
            found = uuid.uuid4().hex
            file.write(f"{found}\n")
            file.flush()
            os.fsync(file.fileno())
            flush(folder)
        return found


def active_run(folder: Path) -> str | None:
    """The run that works on a results folder now, as it calls itself; None if there is none."""
    try:
        with (folder / "run.lock").open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return (folder / "run.lock").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return None
