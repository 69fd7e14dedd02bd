"""Which works hang, and which begin again after an outcome: the same for all executors, and without side effects."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from harness.settings import Settings
from harness.spec import EvaluateJob
from harness.suites.executors.executor import Failed, Finished, JobWork, Lost, Work

LONGEST_LOOK = 10.0  # seconds; a runner that was stopped for longer (Ctrl-Z) had stopped its workers too
FEWER = 4  # times; memory for the images of an evaluation shrinks as much
FEWEST = 8  # times; on CPUs logits were bit for bit the same down to an eighth of a chunk, and not below


class Supervision:
    """Counts attempts and silences, of which the user's settings say how many and how long are enough."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: in seconds."""
        self._settings = settings
        self._clock = clock
        self._looked = clock()
        self._silent: dict[str, float] = {}
        """Seconds since a work that runs was last heard of, by its key."""
        self._troubles: dict[str, list[str]] = {}

    @property
    def silence(self) -> str:
        """What is wrong with a worker that hangs."""
        return f"it hung: no progress for {self._settings.hang_minutes:.3g} minutes (HARNESS_HANG_MINUTES)"

    def hear(self, key: str) -> None:
        """A work begins or goes on."""
        self._silent[key] = 0.0

    def find_hanging(self) -> list[str]:
        """Keys of the works that were silent for too long, each told once. Late looks are not held against them."""
        now = self._clock()
        passed, self._looked = min(now - self._looked, LONGEST_LOOK), now
        for key in self._silent:
            self._silent[key] += passed
        hanging = [key for key, silent in self._silent.items() if silent >= 60 * self._settings.hang_minutes]
        for key in hanging:
            del self._silent[key]
        return hanging

    def has_one_attempt(self, key: str) -> bool:
        """Whether a work that begins again does so for the last time."""
        return len(self._troubles.get(key, ())) == self._settings.attempts - 1

    def heed(self, work: Work, outcome: Finished | Failed, *, alone: bool = False) -> Finished | Failed | Lost:
        """What to tell of an outcome: it is final, or the work shall begin again.

        alone: nothing ran beside it, so that it had all memory.
        """
        self._silent.pop(work.key, None)
        if isinstance(outcome, Finished) or outcome.cause not in {"memory", "lost"}:
            return outcome
        of_memory = outcome.cause == "memory"
        troubles = self._troubles.setdefault(work.key, [])
        troubles.append(outcome.reason)
        if len(troubles) < self._settings.attempts:
            again = with_fewer_images(work) if of_memory else work
            fewer = "" if again == work else "; fewer images will be classified at once"
            return Lost(work.key, outcome.reason + fewer, again)
        counted = Counter(self._troubles.pop(work.key))
        reason = "; ".join(text if times == 1 else f"{text}, {times} times" for text, times in counted.items())
        advice = "it needs more than there is" if alone else "use fewer --workers"
        return Failed(work.key, f"{reason}; {advice}" if of_memory else reason)


def with_fewer_images(work: Work) -> Work:
    """The work with fewer images classified at once, if that cannot change its result; else as it is.

    An image's noise and attack depend on the image alone, so only the rounding of its logits is left. In float32 it is
    the same down to FEWEST, or on a GPU as small as between two kinds of GPU, whose results count as the same. In
    bfloat16 it moves images from one class to another, and a training's batches are part of its spec.
    """
    if isinstance(work, JobWork) and isinstance(work.job, EvaluateJob) and work.job.evaluation.precision == "float32":
        return replace(work, fewer=min(work.fewer * FEWER, FEWEST))
    return work
