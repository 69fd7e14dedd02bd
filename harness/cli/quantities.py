"""Amounts as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.spec import PlannedJob, TrainJob

if TYPE_CHECKING:
    from harness.suites.cost import Estimate

DAY = 24 * 3600.0  # seconds


def duration(seconds: float) -> str:
    """A time as people say it, in its two largest units: "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{seconds / DAY:.1f} days"


def outlook(expected: Estimate) -> str:
    """An estimate, and how far to trust it."""
    trust = "from rates measured here" if expected.measured else "a guess: not all of it was measured here before"
    return f"about {duration(expected.seconds)} ({trust})"


def flop(gflop: float) -> str:
    """Floating point operations in a readable unit."""
    for unit, size in (("EFLOP", 1e9), ("PFLOP", 1e6), ("TFLOP", 1e3)):
        if gflop >= size:
            return f"{gflop / size:.1f} {unit}"
    return f"{gflop:.1f} GFLOP"


def megabytes(size: int) -> str:
    """A number of bytes in MB."""
    return f"{size / 1e6:.0f} MB"


def few(parts: Sequence[str]) -> str:
    """A list for one line: of many parts only the first, and how many there are more."""
    return ", ".join(parts if len(parts) < 4 else [parts[0], f"and {len(parts) - 1} more like it"])


def number_of_trainings(jobs: Iterable[PlannedJob]) -> int:
    """How many models are trained."""
    return sum(isinstance(planned.job, TrainJob) for planned in jobs)


def and_more(first: str, more: int) -> str:
    """The first of some that are alike, and how many there are more: "none, seed 0 and 5 more"."""
    return f"{first} and {more} more" if more else first


def told_by_reason(jobs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What is to be said of jobs, each a title and a reason, each reason once: "none, seed 0 and 5 more: no disk"."""
    titles: dict[str, list[str]] = {}
    for title, reason in jobs:
        titles.setdefault(reason, []).append(title)
    for reason, (first, *more) in titles.items():
        yield f"{and_more(first, len(more))}: {reason}"
