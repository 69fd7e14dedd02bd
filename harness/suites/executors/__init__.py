"""Where jobs run. One table; each entry makes an executor for a kind of device and a number of workers.

What an engine of others needs is imported only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from harness.errors import ExecutorUnusable
from harness.settings import Settings
from harness.suites.devices import Wanted
from harness.suites.executors.executor import Executor
from harness.suites.executors.local import LocalExecutor


def _on_ray(wanted: Wanted, workers: int | None, settings: Settings) -> Executor:
    with _extra("ray"):
        from harness.suites.executors.ray import RayExecutor
    return RayExecutor(wanted, workers, settings)


def _in_docker(wanted: Wanted, workers: int | None, settings: Settings) -> Executor:
    with _extra("docker"):
        from harness.suites.executors.docker.executor import DockerExecutor
    return DockerExecutor(wanted, workers, settings)


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Says what to install where an optional package is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name:
            raise
        raise ExecutorUnusable(
            f"--executor {name}: the package {name} is not installed; pip install 'robustness-harness[{name}]'"
        ) from error


EXECUTORS: Mapping[str, Callable[[Wanted, int | None, Settings], Executor]] = {
    "local": LocalExecutor,
    "ray": _on_ray,
    "docker": _in_docker,
}
