"""Where jobs run. One table; each entry makes an executor for a device and a number of workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.suites.devices import Device
from harness.suites.executors.event import Executor
from harness.suites.executors.local import LocalExecutor

EXECUTORS: Mapping[str, Callable[[Device, int], Executor]] = {"local": LocalExecutor}
