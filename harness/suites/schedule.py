"""Which of a plan's jobs can begin, run, are done or cannot be done: the runner's bookkeeping, without side effects."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from harness.spec import PlannedJob
from harness.suites.plan import Plan


class Schedule:
    """The jobs that a command asks for. A training's failure blocks what needs its model, and nothing else."""

    def __init__(self, plan: Plan, done: Collection[str], diverged: Mapping[str, str]) -> None:
        """Where earlier runs left the jobs.

        done: keys of finished jobs. diverged: the reasons of trainings that ended without a model, by key.
        """
        self.asked = plan.asked
        self.done = {planned.key for planned in self.asked if planned.key in done}
        self.failed: dict[str, str] = {}
        """Reasons by key; diverged trainings among them."""
        self.blocked = {planned.key: planned.blocked for planned in self.asked if planned.blocked}
        self.running: set[str] = set()
        self.todo = {
            planned.key: planned
            for planned in self.asked
            if planned.key not in self.done and planned.key not in self.blocked
        }
        """Jobs that wait, in the order in which they should begin."""
        for planned in self.asked:
            if planned.key in diverged:
                self.fail(planned.key, f"diverged: {diverged[planned.key]}")

    def begin_next(self) -> PlannedJob | None:
        """The first job whose models are there; it counts as running from now on. None if all must wait."""
        for key, planned in self.todo.items():
            if all(need.key in self.done for need in planned.needs):
                self.running.add(key)
                return self.todo.pop(key)
        return None

    def finish(self, key: str) -> None:
        """A running job is done."""
        self.running.discard(key)
        self.done.add(key)

    def fail(self, key: str, reason: str) -> None:
        """A job has no result, so what needs it is blocked."""
        self.running.discard(key)
        self.todo.pop(key, None)
        self.failed[key] = reason
        for waiting in list(self.todo.values()):
            if any(need.key == key for need in waiting.needs):
                del self.todo[waiting.key]
                self.blocked[waiting.key] = f"its training failed: {reason}"
