"""How this process's memory allocator treats large blocks."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
_KEPT = 2**31 - 1  # bytes that may lie free at the end of the heap
_IN_HEAP = 1 << 25  # bytes: blocks up to here come from the heap; older versions take no more


def keep_freed_memory() -> None:
    """From now on, memory that was freed stays with this process, for whoever asks next.

    glibc gives a layer's activations back to the system as soon as they are freed, and the next layer waits for the
    system to clear the same pages again: up to a third of a forward pass. Other libraries' allocators are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _IN_HEAP)
