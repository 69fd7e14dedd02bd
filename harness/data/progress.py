"""How far work on data is, and what it waits for, told to whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable

from harness.measurement import Progress

OnProgress = Callable[[int, int], None]
"""Told (done, total), in bytes, images or whatever the work says."""
OnJobProgress = Callable[[Progress], None]
"""Told how far a job is."""


def ignore_progress(*told: object) -> None:
    """For callers who do not want to know."""


Tell = Callable[[str], None]
"""Told a line for the user."""


def ignore_line(text: str) -> None:
    """For callers who do not want to know."""
