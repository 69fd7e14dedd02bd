"""What is asked of a run, who watches it, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.measurement import Progress
from harness.spec import PlannedJob
from harness.suites.cost import Estimate
from harness.suites.devices import Wanted
from harness.suites.selection import Selection


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asks for."""

    selection: Selection
    device: Wanted = "auto"
    workers: int | None = None
    executor: str = "local"
    command: str
    """The command line, for provenance; it also continues the run."""


class Watch(Protocol):
    """Whoever shows a run to people."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def begin(self, todo: Sequence[PlannedJob], total: int, expected: Estimate) -> None:
        """These jobs, of so many that were asked for, will be done now."""

    def extend(self, more: Sequence[PlannedJob]) -> None:
        """These jobs will be done too."""

    def started(self, planned: PlannedJob) -> None:
        """A job begins."""

    def progressed(self, planned: PlannedJob, progress: Progress) -> None:
        """A job goes on."""

    def finished(self, planned: PlannedJob, seconds: float) -> None:
        """A job is recorded."""

    def failed(self, planned: PlannedJob, reason: str) -> None:
        """A job failed, or its training diverged; maybe in another run."""

    def elsewhere(self, planned: PlannedJob) -> None:
        """Another run has done a job that was to be done in this one."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How a run ended."""

    asked: int
    """Jobs that the command is about."""
    finished: int
    """Jobs done by this run."""
    done: int
    """Jobs done by this run and before."""
    failed: tuple[tuple[PlannedJob, str], ...]
    """Failed and diverged jobs with the reason, also diverged ones of earlier runs."""
    blocked: tuple[tuple[PlannedJob, str], ...]
    """Jobs that cannot run, and why."""
