"""What this machine computes on, found out without torch."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Literal

from harness.errors import DeviceError
from harness.machine import AMPERE, available_cores, available_memory, cpu_has_bfloat16, cpu_name

Wanted = Literal["auto", "cuda", "cpu"]

WORKER_MEMORY = 2 << 30  # bytes that one worker may need: torch, a data set, activations
MOST_CPU_WORKERS = 8
_CAPABILITY_MAJOR = 75  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR of the CUDA driver API


@dataclass(frozen=True)
class Device:
    """The device of a run."""

    kind: Literal["cuda", "cpu"]
    name: str
    """The hardware's own name."""
    count: int
    """GPUs, or cores that this process may use."""
    bfloat16: bool
    """It has instructions for bfloat16."""

    @property
    def tf32(self) -> bool:
        """Its convolutions can round what they read to TF32: GPUs do since Ampere, when bfloat16 came too."""
        return self.kind == "cuda" and self.bfloat16

    @property
    def precision(self) -> Literal["bfloat16", "float32"]:
        """What "auto" means on it."""
        return "bfloat16" if self.bfloat16 else "float32"

    @property
    def workers(self) -> int:
        """How many worker processes suit it: one per GPU; on a CPU one per core, as far as memory reaches.

        One-thread processes beat threads in one process: by a factor of 1.1 to 1.7 where it was measured.
        """
        if self.kind == "cuda":
            return self.count
        return max(1, min(self.count, MOST_CPU_WORKERS, available_memory() // WORKER_MEMORY))


PLAIN_CPU = Device("cpu", "any processor", 1, bfloat16=False)
"""For plans that are only looked at."""


def get_device(wanted: Wanted) -> Device:
    """The device of that kind; `auto` is a GPU where there is one. Raises DeviceError."""
    gpu = None if wanted == "cpu" else _find_gpu()
    if wanted == "cuda" and gpu is None:
        raise DeviceError("--device cuda: this machine has no NVIDIA GPU that the driver shows; use --device cpu")
    return gpu or Device("cpu", cpu_name(), len(available_cores()), cpu_has_bfloat16())


def _find_gpu() -> Device | None:
    """The GPUs that CUDA's driver shows this process, which are those that torch will see; bfloat16: all have it."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    names, majors = [], []
    for number in range(count.value):
        handle, major, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)
        driver.cuDeviceGet(ctypes.byref(handle), number)
        driver.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, handle)
        driver.cuDeviceGetName(name, len(name), handle)
        names.append(name.value.decode())
        majors.append(major.value)
    return Device("cuda", " and ".join(dict.fromkeys(names)), count.value, min(majors) >= AMPERE)
