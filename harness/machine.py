"""The processor, what this process may use of the machine (cores, memory, open files), and which others it sees."""

from __future__ import annotations

import os
import platform
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

USUAL_FILES = 1024
"""Open files that Linux allows a process by default; a GPU's driver takes dozens."""
CGROUPS = Path("/sys/fs/cgroup")
AMPERE = 8
"""The first major compute capability of NVIDIA's GPUs with instructions for bfloat16."""
CPUINFO = Path("/proc/cpuinfo")
_OWN_CGROUP = Path("/proc/self/cgroup")


def available_cores() -> list[int]:
    """Numbers of the CPU cores."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def available_memory() -> int:
    """Bytes: the machine's, or the container's or service's if it may have less."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_limits()])


def cpu_name() -> str:
    """The processor's own name."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set((_cpuinfo("flags") or _cpuinfo("Features")).split()))


def memory_note() -> str:
    """What to add where memory may have run out: the limit of each process, far below the machine's maybe."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return (
        "" if limit == resource.RLIM_INFINITY else f" (a process may map only {limit >> 20} MB here: raise ulimit -v)"
    )


def allow_open_files(needed: int) -> int:
    """How many files this process, and each of its children, may have open: what is needed or usual, else what it can.

    A lower limit is raised as far as the system lets any process do that for itself.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(needed, USUAL_FILES)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


def process_space() -> str:
    """Names the boot and the process namespace: two processes with the same can see each other's numbers."""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return socket.gethostname()


def lives(process: int) -> bool:
    """Whether a process of this process space has not ended."""
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _cpuinfo(key: str) -> str:
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")


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
