"""What this process may use of the machine: cores and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def available_cores() -> list[int]:
    """Numbers of the CPU cores."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def available_memory() -> int:
    """Bytes: the machine's, or the container's or service's if it may have less."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_limits()])


def _limits() -> Iterator[int]:
    """What Linux's control groups allow: this process's group and all above it, in both versions' files."""
    try:
        own = [Path(line.split(":", 2)[2]) for line in _OWN_CGROUP.read_text().splitlines()]
    except (OSError, IndexError):
        own = []
    groups = {Path(), *(group for path in own for group in (path, *path.parents))}
    for group in groups:
        for file in ("memory.max", "memory.limit_in_bytes"):
            for root in (CGROUPS, CGROUPS / "memory"):
                try:
                    text = (root / str(group).lstrip("/") / file).read_text().strip()
                except OSError:
                    continue
                if text.isdigit():
                    yield int(text)
