"""Faults inside the program's own processes. Python imports this first where it is on the path.

It counts what happens in runner and workers (files opened, flushed, renamed, removed; commits; training steps; batches
classified; jobs ended) and strikes at the one event that FAULTS_STRIKE names, once. FAULTS_CLOCK makes the clock jump.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import io
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_HERE = os.environ.get("FAULTS_DIR", "")
_STRIKE = json.loads(os.environ.get("FAULTS_STRIKE", "null"))
_COMMAND = " ".join(sys.orig_argv)
_ROLE = "worker" if "spawn_main" in _COMMAND else "runner" if "-m harness" in _COMMAND else ""
_open = io.open


def _happens(kind: str, detail: str = "") -> None:
    """Count an event over all processes of this role, write it down, and strike if it is the one."""
    handle = os.open(f"{_HERE}/{_ROLE}-{kind}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, b".")
    number = os.lseek(handle, 0, os.SEEK_CUR)
    os.close(handle)
    handle = os.open(f"{_HERE}/events", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, json.dumps([_ROLE, kind, number, detail]).encode() + b"\n")
    os.close(handle)
    if _STRIKE and _STRIKE["role"] == _ROLE and _STRIKE["kind"] == kind:
        wanted = detail.startswith(_STRIKE["detail"]) if "detail" in _STRIKE else number == _STRIKE["number"]
        if wanted:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(f"{_HERE}/struck", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
                _strike()


def _strike() -> None:
    match _STRIKE["victim"]:
        case "disk":
            with contextlib.suppress(OSError), _open(f"{_STRIKE['folder']}/ballast", "wb", buffering=0) as file:
                for size in (1 << 20, 1 << 12, 1):
                    with contextlib.suppress(OSError):
                        while file.write(bytes(size)) == size:
                            pass
        case "both":
            os.killpg(os.getpgrp(), signal.SIGKILL)
        case _:
            os.kill(os.getpid(), signal.SIGKILL)


def _before(module: Any, name: str, kind: str, after: str = "") -> None:
    """Count calls of a function that takes a path first; `after` counts them once more when they are done."""
    plain = getattr(module, name)

    def counted(path: Any, *arguments: Any, **options: Any) -> Any:
        detail = Path(path).name if isinstance(path, str | os.PathLike) else ""
        _happens(kind, detail)
        result = plain(path, *arguments, **options)
        if after:
            _happens(after, detail)
        return result

    setattr(module, name, counted)


def _opened(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
    if set(mode) & set("wxa+") and isinstance(path, str | os.PathLike):
        _happens("open", Path(path).name)
    return _open(path, mode, *arguments, **options)


class _Connection(sqlite3.Connection):
    def commit(self) -> None:
        if self.in_transaction:
            _happens("commit")
        super().commit()
        _happens("committed")


_METHODS = {
    "harness.training.learner": ("Learner", "step", "step"),
    "harness.evaluations.classifier": ("Classifier", "logits", "batch"),
    "harness.suites.worker": ("Worker", "do", "outcome"),
}


class _Jumping(datetime):
    """A clock that is set forward, back by two days, and right, in turns."""

    _calls = 0

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        cls._calls += 1
        return datetime.now(tz) + timedelta(days=(1, -1, 0)[cls._calls % 3])


class _Loader(importlib.abc.Loader):
    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def create_module(self, spec: Any) -> Any:
        return self._plain.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self._plain.exec_module(module)
        if module.__name__ in _METHODS:
            _counted_method(module, *_METHODS[module.__name__])
        elif os.environ.get("FAULTS_CLOCK"):
            module.datetime = _Jumping


def _counted_method(module: Any, owner: str, name: str, kind: str) -> None:
    plain: Callable[..., Any] = getattr(getattr(module, owner), name)

    def counted(*arguments: Any, **options: Any) -> Any:
        result = plain(*arguments, **options)
        _happens(kind)
        return result

    setattr(getattr(module, owner), name, counted)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        clocked = os.environ.get("FAULTS_CLOCK") and name in {"harness.store.write", "harness.store.plan"}
        if name not in _METHODS and not clocked:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        spec.loader = _Loader(spec.loader)
        return spec


if _HERE and _ROLE:
    _before(os, "fsync", "flush")
    _before(os, "replace", "rename", after="renamed")
    _before(os, "unlink", "remove")
    io.open = _opened  # type: ignore[assignment]
    _connect = sqlite3.dbapi2.connect
    sqlite3.dbapi2.connect = lambda *arguments, **options: _connect(  # type: ignore[assignment]
        *arguments, **{"factory": _Connection} | options
    )
    sys.meta_path.insert(0, _Finder())
