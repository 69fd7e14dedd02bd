"""Whether jobs can be done in containers here."""

from __future__ import annotations

from harness.errors import ExecutorUnusable
from harness.suites.executors.docker.engine import open_engine

IMAGE = "robustness-harness"


def why_not() -> str:
    """Why no container can be started here; empty if one can."""
    try:
        engine, _ = open_engine(IMAGE)
    except ExecutorUnusable as error:
        return str(error)
    engine.close()
    return ""
