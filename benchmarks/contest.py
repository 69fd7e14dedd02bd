"""Two ways to do the same work, timed in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Contest:
    """One benchmark."""

    title: str
    images: int
    """Images that one call of either goes through."""
    harness: Callable[[], object]
    plain: Callable[[], object]
    plain_way: str
    """What `plain` does, in a few words."""

    def report(self, rounds: int) -> str:
        """Medians over the rounds, and the median, smallest and largest of the rounds' ratios."""
        self.harness(), self.plain()  # caches, allocators and thread pools are filled before it counts
        pairs = [(_seconds(self.harness), _seconds(self.plain)) for _ in range(rounds)]
        ours, theirs = (self.images / statistics.median(seconds) for seconds in zip(*pairs, strict=True))
        ratios = sorted(plain / harness for harness, plain in pairs)
        return (
            f"{self.title}: harness {ours:,.0f} images/s, {self.plain_way} {theirs:,.0f} images/s, "
            f"{statistics.median(ratios):.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f} in {rounds} rounds)"
        )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
