"""Which of the jobs that wait must begin now, lest the other workers be idle beside it at the end."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from heapq import heappop, heappush

ALIKE_SHARE = 0.7  # of the time to a job's end: one that takes so much of it is as hard to fit in between others


class Backlog:
    """The jobs that wait, by the time that they and the longest of those that need them take: their time to end.

    Asked at each begin of a job, of which there may be a hundred thousand, so nothing here looks at all of them.
    """

    def __init__(self, seconds: Mapping[str, float], to_end: Mapping[str, float], workers: int) -> None:
        """seconds, to_end: about how long each job takes, and to its end."""
        self._seconds = seconds
        self._to_end = to_end
        self._workers = workers
        self._waiting: set[str] = set()
        self._total = 0.0
        """Seconds of all that waits."""
        self._ends: list[float] = []
        """Their times to end, in order."""
        self._offered: list[tuple[float, int, str]] = []
        """A heap of jobs that may begin, the longest first; some have begun since."""

    def add(self, key: str) -> None:
        """A job waits from now on."""
        self._waiting.add(key)
        self._total += self._seconds[key]
        insort(self._ends, self._to_end[key])

    def remove(self, key: str) -> None:
        """A job waits no longer."""
        self._waiting.remove(key)
        self._total -= self._seconds[key]
        del self._ends[bisect_left(self._ends, self._to_end[key])]

    def offer(self, key: str, place: int) -> None:
        """A job that waits may begin; of equally long ones the first in the plan comes first."""
        heappush(self._offered, (-self._to_end[key], place, key))

    def find_urgent(self) -> str | None:
        """The job whose end is farthest, if all would wait for it and its like were they begun any later.

        Until then what the plan has first is begun first, so that a model's results do not wait for all trainings.
        """
        while self._offered and self._offered[0][2] not in self._waiting:
            heappop(self._offered)
        if not self._offered:
            return None
        longest = self._offered[0][2]
        to_end = self._to_end[longest]
        alike = len(self._ends) - bisect_left(self._ends, ALIKE_SHARE * to_end)
        rounds = -(-alike // self._workers)
        return longest if rounds * to_end >= self._total / self._workers else None
