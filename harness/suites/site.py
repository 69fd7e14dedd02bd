"""What a run works with."""

from __future__ import annotations

from dataclasses import dataclass

from harness.settings import Settings
from harness.store.engine import Database
from harness.suites.executors.executor import Executor
from harness.suites.peers import Peers
from harness.suites.request import Watch


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a run works: its folders, its database and who else is there, its workers, and who looks on."""

    settings: Settings
    database: Database
    peers: Peers
    executor: Executor
    watch: Watch
