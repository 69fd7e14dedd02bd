"""The machine that a benchmark ran on, as its results name it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psutil
import torch

from harness.machine import cpu_name


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What results can only be compared on."""

    name: str
    """The GPU's or CPU's own name."""
    device: str
    """"cpu" or "cuda"."""
    threads: int
    """That torch uses."""
    memory_gb: int
    instructions: str
    """The widest that torch finds, for instance "AMX" or "AVX512"; of a GPU its compute capability."""
    torch: str

    @property
    def slug(self) -> str:
        """Its name as the name of a file."""
        words = f"{self.name} {self.threads} threads" if self.device == "cpu" else self.name
        return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def this_machine(device: torch.device) -> Machine:
    """The machine that this process runs on."""
    cuda = device.type == "cuda"
    capability = ".".join(map(str, torch.cuda.get_device_capability(device))) if cuda else ""
    return Machine(
        name=torch.cuda.get_device_name(device) if cuda else cpu_name(),
        device=device.type,
        threads=torch.get_num_threads(),
        memory_gb=round(psutil.virtual_memory().total / 2**30),
        instructions=f"compute capability {capability}" if cuda else _cpu_instructions(),
        torch=torch.__version__,
    )


def _cpu_instructions() -> str:
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{capability}, bfloat16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else capability
