"""What was injected, how often it was survived, and what users saw of it: the table that `make faults` ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Fault:
    """One kind of fault."""

    name: str
    injected: int = 0
    survived: int = 0
    seen: str = ""
    """By the user, the last time."""

    def outlived(self, times: int = 1, seen: str = "") -> None:
        """So often it was injected and nothing was lost, nothing wrong was used."""
        self.survived += times
        self.seen = seen or self.seen


LEDGER: dict[str, Fault] = {}
NOTES: list[str] = []
"""Where exactly each process was killed."""


@contextmanager
def injected(name: str, times: int = 1) -> Iterator[Fault]:
    """Count a fault; it counts as survived only where the test says so."""
    fault = LEDGER.setdefault(name, Fault(name))
    fault.injected += times
    yield fault


def table() -> list[str]:
    """Lines of text."""
    lines = [f"{'fault':<58} {'injected':>8} {'survived':>8}  what the user sees"]
    return lines + [f"{each.name:<58} {each.injected:>8} {each.survived:>8}  {each.seen}" for each in LEDGER.values()]
