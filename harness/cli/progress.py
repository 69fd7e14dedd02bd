"""What people see of a run: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from harness.cli.quantities import DAY, duration, outlook
from harness.measurement import Progress
from harness.spec import PlannedJob, TrainJob
from harness.suites.cost import Estimate
from harness.suites.request import Watch

LINE_SECONDS = 30.0  # between two plain lines on jobs that go on
_SPEED_SECONDS = 120.0  # of the past that the remaining time is judged by


class _Console(Console):
    """Standard output that may go away: its reader leaves, its terminal is closed, its disk is full."""

    def _check_buffer(self) -> None:  # which every thread's output passes, also what redraws the bars
        try:
            super()._check_buffer()
        except OSError:
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Go on without a word; rich would end the program."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # what others write there, too
        os.close(nowhere)


@contextmanager
def shown() -> Iterator[Watch]:
    """The display that fits the standard output."""
    console = _Console(highlight=False)
    if not console.is_terminal:
        yield Lines(partial(console.print, soft_wrap=True, markup=False))
        return
    with Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[text]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=_SPEED_SECONDS,
    ) as bars:
        yield Live(bars)


def say(line: str) -> None:
    """Write a line that belongs to no display."""
    _Console(highlight=False, emoji=False).print(line, soft_wrap=True, markup=False)


def announcement(todo: Sequence[PlannedJob], total: int, expected: Estimate) -> str:
    """What a run is about to do."""
    text = f"{len(todo)} of {total} jobs to do, {outlook(expected)}"
    if expected.seconds > DAY:
        text += "\nThis takes more than a day: Ctrl-C stops it at any moment, and the same command continues."
    return text


class WorkDone:
    """How much of a run's work is done, weighted by its arithmetic."""

    def __init__(self, todo: Sequence[PlannedJob]) -> None:
        self.total = sum(planned.work for planned in todo) or 1.0
        self.jobs = len(todo)
        self.settled = 0
        """Jobs that are over."""
        self._settled_work = 0.0
        self._running: dict[str, float] = {}

    def extend(self, more: Sequence[PlannedJob]) -> None:
        """There is more to do."""
        self.total += sum(planned.work for planned in more)
        self.jobs += len(more)

    @property
    def done(self) -> float:
        """GFLOP, those of running jobs so far among them."""
        return self._settled_work + sum(self._running.values())

    def advance(self, planned: PlannedJob, progress: Progress) -> None:
        """A job goes on."""
        self._running[planned.key] = planned.work * progress.done / max(1, progress.total)

    def settle(self, planned: PlannedJob) -> None:
        """A job is over, one way or another."""
        self._running.pop(planned.key, None)
        self._settled_work += planned.work
        self.settled += 1


class Lines:
    """Lines with the time of day: when a training starts, when a job ends, and now and then between."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._work = WorkDone(())
        self._told: dict[str, float] = {}

    def note(self, text: str) -> None:
        """Something worth a line."""
        self._write(f"{datetime.now().astimezone():%H:%M:%S} {text}")

    def begin(self, todo: Sequence[PlannedJob], total: int, expected: Estimate) -> None:
        """What will be done."""
        self._work = WorkDone(todo)
        for line in announcement(todo, total, expected).splitlines():
            self.note(line)

    def extend(self, more: Sequence[PlannedJob]) -> None:
        """More will be done."""
        self._work.extend(more)

    def started(self, planned: PlannedJob) -> None:
        """A job begins."""
        self._told[planned.key] = time.monotonic()
        if isinstance(planned.job, TrainJob):
            self.note(f"{planned.title}: training")

    def progressed(self, planned: PlannedJob, progress: Progress) -> None:
        """A job goes on."""
        self._work.advance(planned, progress)
        if time.monotonic() - self._told[planned.key] >= LINE_SECONDS:
            self._told[planned.key] = time.monotonic()
            self.note(
                f"{planned.title}: {progress.done / max(1, progress.total):.0%} {said(progress)}; {self._overall}"
            )

    def finished(self, planned: PlannedJob, seconds: float) -> None:
        """A job is done."""
        self._work.settle(planned)
        self.note(f"{planned.title}: done in {duration(seconds)}; {self._overall}")

    def failed(self, planned: PlannedJob, reason: str) -> None:
        """A job failed."""
        self._work.settle(planned)
        self.note(f"{planned.title}: FAILED: {reason}")

    def elsewhere(self, planned: PlannedJob) -> None:
        """Another run has done a job."""
        self._work.settle(planned)

    @property
    def _overall(self) -> str:
        return f"{self._work.done / self._work.total:.0%} of the work"


class Live:
    """A bar for each running job, and one for all."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._work = WorkDone(())
        self._overall: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}

    def note(self, text: str) -> None:
        """Something worth a line, above the bars."""
        self._bars.console.print(text, markup=False)

    def begin(self, todo: Sequence[PlannedJob], total: int, expected: Estimate) -> None:
        """What will be done."""
        self._work = WorkDone(todo)
        self.note(announcement(todo, total, expected))
        self._overall = self._bars.add_task("all", total=self._work.total, text="")
        self._show_overall()

    def extend(self, more: Sequence[PlannedJob]) -> None:
        """More will be done."""
        self._work.extend(more)
        self._show_overall()

    def started(self, planned: PlannedJob) -> None:
        """A job begins, maybe once more."""
        if planned.key not in self._tasks:
            self._tasks[planned.key] = self._bars.add_task(planned.title, total=None, text="")

    def progressed(self, planned: PlannedJob, progress: Progress) -> None:
        """A job goes on."""
        self._work.advance(planned, progress)
        task = self._tasks[planned.key]
        self._bars.update(task, total=progress.total, completed=progress.done, text=said(progress))
        self._show_overall()

    def finished(self, planned: PlannedJob, seconds: float) -> None:
        """A job is done."""
        self._end(planned)
        self.note(f"{planned.title}: done in {duration(seconds)}")

    def failed(self, planned: PlannedJob, reason: str) -> None:
        """A job failed."""
        self._end(planned)
        self._bars.console.print(f"{planned.title}: {reason}", style="red", markup=False)

    def elsewhere(self, planned: PlannedJob) -> None:
        """Another run has done a job."""
        self._end(planned)

    def _end(self, planned: PlannedJob) -> None:
        self._work.settle(planned)
        task = self._tasks.pop(planned.key, None)
        if task is not None:  # another run's jobs have no bar here
            self._bars.remove_task(task)
        self._show_overall()

    def _show_overall(self) -> None:
        if self._overall is not None:
            text = f"{self._work.settled} of {self._work.jobs} jobs"
            self._bars.update(self._overall, total=self._work.total, completed=self._work.done, text=text)


def said(progress: Progress) -> str:
    """A job's own words on how it goes, and its speed."""
    rate = progress.images_per_second
    speed = f"{rate:,.0f} images/s" if rate else ""
    return ", ".join(filter(None, (progress.text, speed)))
