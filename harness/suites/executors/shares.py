"""How this machine's cores and GPUs are shared out among workers, whatever these are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from harness.suites.devices import Device


@dataclass(frozen=True)
class Share:
    """A worker's part of the machine."""

    device: str
    """"cpu" or "cuda"."""
    cores: tuple[int, ...]
    gpu: str | None
    """As CUDA_VISIBLE_DEVICES says it."""


def shares(device: Device, workers: int, cores: Sequence[int], gpus: Sequence[str]) -> list[Share]:
    """The machine in parts: whole cores, at least one each, and GPUs in turn."""
    threads = max(1, len(cores) // workers)
    return [
        Share(
            device.kind,
            tuple(cores[(first + i) % len(cores)] for i in range(threads)),
            gpus[number % len(gpus)] if gpus else None,
        )
        for number, first in enumerate(range(0, workers * threads, threads))
    ]


def visible_gpus(device: Device) -> list[str]:
    """The GPUs of this process, as CUDA_VISIBLE_DEVICES says them; none for a CPU."""
    if device.kind == "cpu":
        return []
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    if not any(visible):
        return [str(number) for number in range(device.count)]
    # CUDA shows one MIG instance to a process at most, but as many as are named to several
    return visible if visible[0].startswith("MIG-") else visible[: device.count]
