"""Where jobs run. One table; each entry makes an executor for a device and a number of workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.settings import Settings
from harness.suites.devices import Device
from harness.suites.executors.event import Executor
from harness.suites.executors.local import LocalExecutor
from harness.suites.executors.supervision import Limits


def limits(settings: Settings) -> Limits:
    """The limits that the user has set."""
    return Limits(attempts=settings.attempts, hang_seconds=60 * settings.hang_minutes)


def _local(device: Device, workers: int, settings: Settings) -> Executor:
    return LocalExecutor(device, workers, limits(settings))


EXECUTORS: Mapping[str, Callable[[Device, int, Settings], Executor]] = {"local": _local}
