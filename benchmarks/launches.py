"""`python -m benchmarks.launches`: what a training step costs, counted on the CPU, and the time of it that a GPU needs.

Each operation that reads or writes numbers is a launch of a kernel, or of two. Their number, their floating-point
operations and the bytes of their operands do not depend on the device; how long it takes for them does. Where there is
a GPU, it is measured too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from harness.models.architecture import ClassifierShape
from harness.models.resnet import build
from harness.spec import NetworkSpec, RegularizerSpec, TrainingSpec
from harness.spec.training import TrainingPrecision
from harness.torch_settings import compute_exactly
from harness.training.batch import Batch, PairImages
from harness.training.learner import Learner
from harness.training.replay import WARM_UP

CPU = torch.device("cpu")
TWO_KERNELS = ("convolution_backward", "native_batch_norm", "native_batch_norm_backward")
NO_KERNEL = ("empty", "detach", "alias", "_reshape_alias", "_unsafe_view", "resize_")

# An H200, by its data sheet's rates and bandwidth as far as programs reach them; launches by common experience.
TFLOP_PER_SECOND: dict[TrainingPrecision, float] = {"bfloat16": 790.0, "tf32": 395.0, "float32": 54.0}
TB_PER_SECOND = 4.3
EAGER_LAUNCH_SECONDS, GRAPH_LAUNCH_SECONDS = 6.5e-6, 2.0e-6
STEPS = 50  # that are timed at once


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one step."""

    operations: int
    kernels: int
    gflop: float
    gigabytes: float
    """Of all operands, as if no cache held any."""


class _Operands(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations, kernels and the bytes that they read and write."""

    operations = kernels = bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if not func.is_view and name not in NO_KERNEL:
            self.operations += 1
            self.kernels += 2 if name in TWO_KERNELS else 1
            self.bytes += sum(_bytes(chain(tree_leaves(args), tree_leaves(kwargs), tree_leaves(found))))
        return found


def _bytes(values: Iterator[object]) -> Iterator[int]:
    return (value.numel() * value.element_size() for value in values if isinstance(value, Tensor))


def cost_of_step(pair_size: tuple[int, int], precision: TrainingPrecision) -> Cost:
    """A step of the paper's gray ResNet18, 64 images of 32 x 32 and 16 pairs of images of that size."""
    learner, batch = _begun(pair_size, precision, CPU)
    with FlopCounterMode(display=False) as flops:
        learner.step(batch, 0.1)
    with _Operands() as operands:  # type: ignore[no-untyped-call]
        learner.step(batch, 0.1)
    return Cost(
        operations=operands.operations,
        kernels=operands.kernels,
        gflop=flops.get_total_flops() / 1e9,
        gigabytes=operands.bytes / 1e9,
    )


def seconds_of_step(
    pair_size: tuple[int, int], precision: TrainingPrecision, device: torch.device, *, recorded: bool
) -> float:
    """How long one of many such steps takes; recorded: as trainings on a GPU take it, else operation by operation."""
    learner, batch = _begun(pair_size, precision, device)
    if not recorded:
        learner._graph = None
    for _ in range(WARM_UP):
        learner.step(batch, 0.1)
    began = _now(device)
    for _ in range(STEPS):
        learner.step(batch, 0.1)
    return (_now(device) - began) / STEPS


def _begun(pair_size: tuple[int, int], precision: TrainingPrecision, device: torch.device) -> tuple[Learner, Batch]:
    """A learner after its first step, and the batch of the next ones."""
    regularizer = RegularizerSpec(target="threshold", alpha=10, threshold=0.8, images="cifar10")
    spec = TrainingSpec(
        classification="cifar10",
        network=NetworkSpec(),
        regularizer=regularizer,
        precision=precision,
        channels_last=True,
    )
    learner = Learner(spec, build(spec.network, ClassifierShape(1, 10), seed=0), "centered", device)
    rows, columns = (torch.randint(256, (16, 1, *pair_size), dtype=torch.uint8, device=device) for _ in range(2))
    images = torch.randint(256, (64, 1, 32, 32), dtype=torch.uint8, device=device)
    labels = torch.randint(10, (64,), device=device)
    batch = Batch(images, labels, PairImages(rows, columns, torch.zeros(16, device=device)))
    learner.step(batch, 0.1)
    return learner, batch


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def main() -> None:
    """The command."""
    compute_exactly()
    for size, (precision, rate) in product(((32, 32), (36, 64)), TFLOP_PER_SECOND.items()):
        cost = cost_of_step(size, precision)
        arithmetic, memory = cost.gflop / rate, cost.gigabytes / TB_PER_SECOND  # in milliseconds
        eager, graph = (1e3 * cost.kernels * each for each in (EAGER_LAUNCH_SECONDS, GRAPH_LAUNCH_SECONDS))
        print(
            f"{precision}, pairs of {size[0]} x {size[1]}: {cost.operations} operations, {cost.kernels} kernels, "
            f"{cost.gflop:.0f} GFLOP, {cost.gigabytes:.1f} GB; on an H200 {arithmetic:.1f} ms of arithmetic, "
            f"{memory:.1f} ms of memory, launches {eager:.1f} ms one by one and {graph:.1f} ms in a graph",
            flush=True,
        )
        if torch.cuda.is_available():
            gpu = torch.device("cuda")
            eager, graph = (1e3 * seconds_of_step(size, precision, gpu, recorded=each) for each in (False, True))
            print(
                f"    measured on {torch.cuda.get_device_name()}: {eager:.2f} ms one by one, {graph:.2f} ms in a graph"
            )


if __name__ == "__main__":
    main()
