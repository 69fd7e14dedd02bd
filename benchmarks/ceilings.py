"""What this machine would allow: a network's convolutions alone, and a matrix product alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.architecture import ClassifierShape
from harness.models.resnet import ConvNorm, build
from harness.spec import NetworkSpec

ROUNDS, SECONDS = 5, 0.05
"""Of each layer; its median counts."""
SHAPE = ClassifierShape(channels=1, classes=10)
"""Of what the networks see: gray digits."""
MATRIX = 2048
"""Rows and columns of the matrices whose product is timed."""


def images_per_second(
    spec: NetworkSpec, batch: int, dtype: torch.dtype, device: torch.device, *, backward: bool
) -> float:
    """What the convolutions allow on gray images, each timed alone, channels last, on batches in the cache already.

    backward: with the gradients of weights and, but for the stem, of inputs.
    """
    seconds = 0.0
    for conv, inputs in _layers(spec, batch, device):
        first = inputs.shape[1] == SHAPE.channels
        ready = inputs.to(dtype, memory_format=torch.channels_last).requires_grad_(backward and not first)
        weight = conv.weight.detach().to(dtype, memory_format=torch.channels_last).requires_grad_(backward)
        seconds += _seconds(partial(_convolve, ready, weight, conv, backward), device)
    return batch / seconds


def matrix_gflops(dtype: torch.dtype, device: torch.device) -> float:
    """GFLOP per second of a product of two square matrices."""
    left, right = (torch.randn(MATRIX, MATRIX, device=device).to(dtype) for _ in range(2))
    return 2e-9 * MATRIX**3 / _seconds(lambda: torch.mm(left, right), device)


def _layers(spec: NetworkSpec, batch: int, device: torch.device) -> Iterator[tuple[nn.Conv2d, Tensor]]:
    """Each convolution of a ResNet with an input of the size that it sees."""
    network = build(spec, SHAPE, seed=0).to(device).eval()
    seen: list[tuple[nn.Conv2d, Tensor]] = []
    for module in network.modules():
        if isinstance(module, ConvNorm):
            module.conv.register_forward_pre_hook(lambda conv, inputs: seen.append((conv, inputs[0])))
    with torch.no_grad():
        network(torch.randn(batch, SHAPE.channels, 32, 32, device=device))
    return iter(seen)


def _convolve(inputs: Tensor, weight: Tensor, conv: nn.Conv2d, backward: bool) -> None:
    outputs = F.conv2d(inputs, weight, stride=conv.stride, padding=conv.padding)
    if backward:
        wanted = [each for each in (inputs, weight) if each.requires_grad]
        torch.autograd.grad(outputs, wanted, torch.ones_like(outputs))


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Median time of one call."""
    work()
    found = []
    for _ in range(ROUNDS):
        began, calls = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            work()
            calls += 1
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.append((time.perf_counter() - began) / calls)
    return statistics.median(found)
