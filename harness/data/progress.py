"""How far work on data is, told to whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[int, int], None]
"""Told (done, total), in bytes, images or whatever the work says."""


def ignore_progress(done: int, total: int) -> None:
    """For callers who do not want to know."""
