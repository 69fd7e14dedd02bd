"""Runners on one database: who does which job, and whether whoever has claimed one still lives.

A runner that dies cannot say so. It is known to be dead when its process is gone, where its processes can be seen from
here; when this run has its results folder to itself; and otherwise when it has given no sign for `DEAD_SECONDS`, by
this runner's own clock, so that no two clocks need to agree. Silence does not count while somebody else's lock keeps
everyone from giving signs, or the server is away. Its jobs then wait again. Should it only have slept, then whoever is
done first is recorded, and the other's result is dropped.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime

from harness.errors import AlreadyRecorded, DatabaseAway, DatabaseLocked
from harness.machine import lives, process_space
from harness.store import runners
from harness.store.engine import Database
from harness.store.runners import Holder, RunnerFacts
from harness.suites.results_folder import ResultsFolder

SIGN_SECONDS = 10.0
"""Between signs of life of a runner that has claimed jobs."""
LOOK_SECONDS = 3.0
"""Between looks at what the others do."""
DEAD_SECONDS = 120.0
"""Without a sign of life a runner counts as dead."""


class Peers:
    """The others that work on a database, and what this runner tells them."""

    def __init__(self, database: Database, folder: ResultsFolder) -> None:
        self.folder = folder
        self._database = database
        self._me: int | None = None
        self._signed = self._looked = -float("inf")
        self._heard: dict[int, tuple[datetime, float]] = {}

    def claim(self, key: str, attempts: int) -> bool:
        """Take a job, to begin it now; False if another has it, or has tried it since it was started so often."""
        return runners.claim(self._database, key, self.enter(), attempts)

    def enter(self) -> int:
        """The number of this runner, which is introduced at its first need of one."""
        if self._me is None:
            process = os.getpid()
            self._me = runners.enter(
                self._database,
                RunnerFacts(
                    folder=self.folder.identity,
                    title=f"{socket.gethostname()}, process {process}, {self.folder.path.resolve()}",
                    machine=process_space(),
                    process=process,
                ),
            )
        return self._me

    @contextmanager
    def recording(self, key: str) -> Iterator[None]:
        """Record a result; one that is there already is this runner's own where only it has had the job.

        That is so where the database had recorded it, and the connection broke before it said so.
        """
        try:
            yield
        except AlreadyRecorded:
            holder = runners.holder(self._database, key)
            if holder is None or holder.id != self._me:
                raise

    def give_sign(self) -> None:
        """Show the others now and then that this runner lives; a lock, or a server that is away, only puts it off."""
        if self._me is not None and time.monotonic() >= self._signed + SIGN_SECONDS:
            with suppress(DatabaseLocked, DatabaseAway):
                runners.give_sign(self._database, self._me)
                self._signed = time.monotonic()

    def look(self) -> Mapping[str, Holder] | None:
        """Who does which job now, the dead left out, whose jobs wait again; None if the last look was just now."""
        if time.monotonic() < self._looked + LOOK_SECONDS:
            return None
        found = runners.running(self._database)
        if not self._would_hear():
            self._heard.clear()
        holders = {holder.id: holder for holder in found.values() if holder}
        dead: set[int | None] = {number for number, holder in holders.items() if self._is_dead(holder)}
        if None in found.values():  # of an older version of this program
            dead.add(None)
        for number in dead:
            runners.release(self._database, number)
        self._looked = time.monotonic()
        return {key: holder for key, holder in found.items() if holder and holder.id not in dead}

    def belongs_here(self, key: str) -> bool:
        """Whether this results folder should hold the job's files: it did the job, or no claim says who did.

        A database in the results folder has no other: where its identity is another, files of the folder were lost.
        """
        path = self._database.path
        if path is not None and self.folder.path.resolve() in path.resolve().parents:
            return True
        holder = runners.holder(self._database, key)
        return holder is None or holder.folder == self.folder.identity

    def title(self, key: str) -> str:
        """The runner that does a job or did it last."""
        holder = runners.holder(self._database, key)
        return holder.title if holder else "another runner"

    def leave(self) -> None:
        """What this runner has claimed and not done waits again.

        Whoever stops it does not want to wait for a lock or a server; then the jobs wait once it is seen to be gone.
        """
        if self._me is not None:
            with suppress(DatabaseLocked, DatabaseAway):
                runners.release(replace(self._database, tell=None), self._me)

    def _would_hear(self) -> bool:
        """Whether runners that live could give signs since the last look, and this one would have seen them."""
        now = time.monotonic()
        if now >= self._looked + DEAD_SECONDS / 2:
            return False
        silent = any(now >= since + DEAD_SECONDS / 2 for _, since in self._heard.values())
        try:
            if silent:
                runners.try_to_write(self._database)
        except (DatabaseLocked, DatabaseAway):
            return False
        return True

    def _is_dead(self, holder: Holder) -> bool:
        if holder.id == self._me:
            return False
        if self.folder.alone and holder.folder == self.folder.identity:
            return True
        if holder.machine == process_space() and (holder.process == os.getpid() or not lives(holder.process)):
            return True
        now = time.monotonic()
        sign, since = self._heard.get(holder.id, (None, now))
        if sign != holder.seen_at:
            since = now
        self._heard[holder.id] = holder.seen_at, since
        return now >= since + DEAD_SECONDS
