"""Which of a plan's jobs can begin, run, are done or cannot be done: the runner's bookkeeping, without side effects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from heapq import heappop, heappush

from harness.spec import PlannedJob
from harness.suites.backlog import Backlog
from harness.suites.plan import Plan

NEED_FAILED = "a model that it needs failed: "


class Schedule:
    """The jobs that a command asks for. A training's failure blocks what needs its model, and nothing else."""

    def __init__(self, plan: Plan, done: Collection[str], diverged: Mapping[str, str]) -> None:
        """Where earlier runs left the jobs.

        done: keys of finished jobs. diverged: the reasons of trainings that ended without a model, by key.
        """
        self.asked = plan.asked
        self._by_key = plan.by_key
        self.done = {planned.key for planned in self.asked if planned.key in done}
        self.failed: dict[str, str] = {}
        """Reasons by key; diverged trainings among them."""
        self.blocked: dict[str, str] = {}
        """Reasons by key."""
        for planned in self.asked:  # models come before what needs them
            if planned.key not in self.done and planned.key not in diverged and (reason := self._obstacle(planned)):
                self.blocked[planned.key] = reason
        self.running: set[str] = set()
        self.left: dict[str, PlannedJob] = {}
        """Jobs that another runner does, or that need weights which only another has."""
        self.absent: dict[str, str] = {}
        """Trained models whose weights are not here, and where they are, by key."""
        self.todo = {
            planned.key: planned
            for planned in self.asked
            if planned.key not in self.done and planned.key not in self.blocked
        }
        """Jobs that wait."""
        self._place = {planned.key: number for number, planned in enumerate(self.asked)}
        self._needed_by: dict[str, list[str]] = defaultdict(list)
        for planned in self.asked:
            for need in planned.needs:
                self._needed_by[need.key].append(planned.key)
        self._ready: list[tuple[int, str]] = []
        """A heap of jobs to look at next, by their place in the plan; each is there once it may begin."""
        self._backlog: Backlog | None = None
        """What waits, by its seconds, where workers share it out."""
        for key in self.todo:
            self._look_at(key)
        for planned in self.asked:
            if planned.key in diverged:
                self.fail(planned.key, f"diverged: {diverged[planned.key]}")

    def share_out(self, seconds: Mapping[str, float], workers: int) -> None:
        """Let no worker be idle at the end beside a long job that could have begun before.

        seconds: about how long each job takes that is asked for.
        """
        to_end = {
            key: own + max((seconds[after] for after in self._needed_by[key] if after in self.todo), default=0.0)
            for key, own in seconds.items()
        }
        self._backlog = Backlog(seconds, to_end, workers) if workers > 1 else None
        for key in self.todo:
            self._wait(key)

    def begin_next(self) -> PlannedJob | None:
        """The first job whose models are there, but in time the long ones; it counts as running from now on.

        None if all must wait.
        """
        while self._ready:
            _, key = heappop(self._ready)
            # it has been left to another runner since, begun before its turn, or blocked, or its model is made again
            if key not in self.todo or not self._may_begin(key):
                continue
            if self._absent_needs(key):
                self.leave(key)
                continue
            urgent = self._backlog and self._backlog.find_urgent()
            if urgent and urgent != key and self._may_begin(urgent):
                self._look_at(key)
                key = urgent
            begun = self._by_key[key]
            self._forget(key)
            self.running.add(key)
            return begun
        return None

    def finish(self, key: str) -> None:
        """A job is done, here or by another runner."""
        self._forget(key)
        self.done.add(key)
        for waiting in self._needed_by[key]:
            self._look_at(waiting)

    def leave(self, key: str) -> None:
        """A job is for another runner to do."""
        self._forget(key)
        self.left[key] = self._by_key[key]

    def take_back(self, key: str) -> None:
        """The other runner does not do it after all, so it waits here again if it can be done here."""
        if not self._absent_needs(key):
            self.todo[key] = self.left.pop(key)
            self._wait(key)

    def again(self, keys: Iterable[str]) -> list[PlannedJob]:
        """Jobs that were done, and are not any more, wait again if they are asked for here; those that do."""
        undone = sorted(self.done.intersection(keys), key=lambda key: self._place[key])
        self.done.difference_update(undone)
        for key in undone:
            planned = self._by_key[key]
            if reason := self._obstacle(planned):
                self.blocked[key] = reason
                self._block_what_needs(key, reason)
            else:
                self.todo[key] = planned
                self._wait(key)
        return [self.todo[key] for key in undone if key in self.todo]

    def miss(self, key: str, where: str) -> None:
        """Another runner has trained a model, whose weights are not here."""
        self.absent[key] = where
        self.finish(key)

    def give_up_left(self) -> None:
        """Nobody does what was left to others: what cannot be done here for want of weights is blocked."""
        for key in list(self.left):
            absent = self._absent_needs(key)
            if absent:
                self.blocked[key] = self.absent[absent[0]]
                del self.left[key]

    def fail(self, key: str, reason: str) -> None:
        """A job has no result, so what needs it is blocked."""
        self._forget(key)
        self.failed[key] = reason
        self._block_what_needs(key, NEED_FAILED + reason)

    def _obstacle(self, planned: PlannedJob) -> str | None:
        """Why a job cannot be done: for a reason of its own, or of a model that it needs."""
        failed = (NEED_FAILED + self.failed[need.key] for need in planned.needs if need.key in self.failed)
        blocked = (self.blocked[need.key] for need in planned.needs if need.key in self.blocked)
        return planned.blocked or next(failed, None) or next(blocked, None)

    def _block_what_needs(self, key: str, reason: str) -> None:
        for waiting in self._needed_by[key]:
            if waiting in self.todo:
                self._forget(waiting)
                self.blocked[waiting] = reason

    def _may_begin(self, key: str) -> bool:
        return all(need.key in self.done for need in self._by_key[key].needs)

    def _wait(self, key: str) -> None:
        """A job waits from now on."""
        if self._backlog:
            self._backlog.add(key)
        self._look_at(key)

    def _look_at(self, key: str) -> None:
        """A job may be ready now."""
        if key in self.todo and self._may_begin(key):
            heappush(self._ready, (self._place[key], key))
            if self._backlog and not self._absent_needs(key):
                self._backlog.offer(key, self._place[key])

    def _absent_needs(self, key: str) -> list[str]:
        return [need.key for need in self._by_key[key].needs if need.key in self.absent]

    def _forget(self, key: str) -> None:
        """A job is no longer where it was."""
        if self._backlog and key in self.todo:
            self._backlog.remove(key)
        self.running.discard(key)
        self.todo.pop(key, None)
        self.left.pop(key, None)
