"""Two ways to do the same work: checked against each other, then timed in turns."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux only
_RESET_PEAK = "5"  # what `clear_refs` takes to forget the highest resident size so far


class Disagreement(AssertionError):
    """The two ways do not compute the same thing, so that a ratio of their times would mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to do a piece of work."""

    title: str
    """For instance "a DataLoader, three float32 passes"."""
    work: Callable[[], object]
    amount: int
    """Units of work (see `Contest.unit`) that one call does. The slower way may do fewer."""


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """What the machine would allow if nothing but this part of the work took time."""

    name: str
    """For instance "convolutions, bfloat16"."""
    rate: Callable[[], float]
    """Units of work per second."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """One line of the table."""

    title: str
    """For instance "training step, width 64, bfloat16"."""
    harness: Way
    reference: Way
    check: Callable[[], str]
    """Whether both compute the same; says in a few words by how much they differ. Raises Disagreement."""
    unit: str = "images"
    ceilings: tuple[Ceiling, ...] = ()
    """Of the harness's way."""


@dataclass(frozen=True, kw_only=True)
class Timed:
    """How one way did: medians over the rounds."""

    title: str
    rate: float
    """Units of work per second."""
    seconds: float
    """Of one call."""
    peak_mb: float | None
    """Of one call beyond what was in use before it, at its highest: the GPU's, else the process's; None if unknown."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a contest ended."""

    title: str
    unit: str
    agreement: str
    rounds: int
    harness: Timed
    reference: Timed
    ratio: float
    """How many times as fast the harness is: the median of the rounds' ratios."""
    lowest: float
    highest: float
    """The smallest and the largest of the rounds' ratios."""
    shares: dict[str, float]
    """Of each ceiling, by its name."""


def held(contest: Contest, rounds: int, device: torch.device) -> Outcome:
    """Checks, warms up, and times a contest.

    Raises:
        Disagreement: the two ways do not compute the same thing.
    """
    agreement = contest.check()
    ways = (contest.harness, contest.reference)
    for way in ways:  # caches, allocators and thread pools are filled before it counts
        way.work()
    peaks = [peak_mb(way.work, device) for way in ways]
    times = [[_seconds(way.work, device) for way in ways] for _ in range(rounds)]
    ratios = sorted(theirs / ways[1].amount * ways[0].amount / ours for ours, theirs in times)
    timed = []
    for way, seconds, peak in zip(ways, map(statistics.median, zip(*times, strict=True)), peaks, strict=True):
        timed.append(Timed(title=way.title, rate=way.amount / seconds, seconds=seconds, peak_mb=peak))
    return Outcome(
        title=contest.title,
        unit=contest.unit,
        agreement=agreement,
        rounds=rounds,
        harness=timed[0],
        reference=timed[1],
        ratio=statistics.median(ratios),
        lowest=ratios[0],
        highest=ratios[-1],
        shares={ceiling.name: timed[0].rate / ceiling.rate() for ceiling in contest.ceilings},
    )


def described(outcome: Outcome) -> str:
    """An outcome in a few lines, for the terminal."""
    ours, theirs = outcome.harness, outcome.reference
    lines = [
        f"{outcome.title}: {outcome.ratio:.2f} times as fast "
        f"({outcome.lowest:.2f} to {outcome.highest:.2f} in {outcome.rounds} rounds)",
        *(
            f"  {name}: {way.title}, {way.rate:,.0f} {outcome.unit}/s"
            + (f", peak memory {way.peak_mb:,.0f} MB" if way.peak_mb is not None else "")
            for name, way in (("harness", ours), ("plain way", theirs))
        ),
        f"  same results: {outcome.agreement}",
    ]
    if outcome.shares:
        lines.append(
            "  harness reaches " + ", ".join(f"{share:.0%} of {name}" for name, share in outcome.shares.items())
        )
    return "\n".join(lines)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def peak_mb(work: Callable[[], object], device: torch.device) -> float | None:
    """Memory of one call at its highest, beyond what was in use before."""
    _give_back()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        work()
        torch.cuda.synchronize(device)
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    try:
        _CLEAR.write_text(_RESET_PEAK)
        before_mb = _status_mb("VmRSS")
    except OSError:
        return None
    work()
    return max(0.0, _status_mb("VmHWM") - before_mb)


def _give_back() -> None:
    """Memory that was freed goes back to the system, where there is a call for it: else the next work reuses it."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _status_mb(field: str) -> float:
    [line] = [line for line in _STATUS.read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) / 1024
