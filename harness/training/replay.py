"""A gradient step as one CUDA graph: one launch in place of a thousand, which would take longer than their work.

Source: PyTorch's notes on CUDA graphs (whole-network capture).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from harness.training.batch import Batch, Step

WARM_UP = 3  # steps, after which cuDNN has chosen its algorithms and the optimizer has made its buffers


class StepGraph:
    """A step that is recorded once its first batches are learned; each batch is learned exactly once.

    The step waits for nothing, and finds all that it reads but the batch at the same addresses each time. Batches of
    another shape than the first, which are the last of an epoch, take the step as it is.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._graph: torch.cuda.CUDAGraph | None = None
        self._shapes: list[torch.Size] = []
        self._warm = 0

    def __call__(self, step: Callable[[Batch], Step], batch: Batch) -> Step:
        """The step's result for a batch."""
        shapes = [tensor.shape for tensor in batch.tensors]
        self._shapes = self._shapes or shapes
        if shapes != self._shapes:
            return step(batch)
        if self._warm < WARM_UP:
            self._warm += 1
            return self._aside(step, batch)
        if self._graph is None:
            self._graph = self._recorded(step, batch)
        for place, tensor in zip(self._read.tensors, batch.tensors, strict=True):
            place.copy_(tensor)
        self._graph.replay()
        return Step(*map(_copied, self._written))

    def _aside(self, step: Callable[[Batch], Step], batch: Batch) -> Step:
        """The step as it is, on the stream that it will be recorded on."""
        stream, current = _stream(self._device), torch.cuda.current_stream(self._device)
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            found = step(batch)
        current.wait_stream(stream)
        return found

    def _recorded(self, step: Callable[[Batch], Step], batch: Batch) -> torch.cuda.CUDAGraph:
        """The graph, which has run nothing yet; and the places that it reads from and writes to."""
        self._read = Batch(*map(_copied, batch))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=_stream(self._device)):
            self._written = step(self._read)
        return graph


def _copied(value: Any) -> Any:
    """The same tensor, tuple of tensors or None, in memory of its own."""
    if isinstance(value, Tensor):
        return value.clone()
    return value and type(value)(*map(_copied, value))


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """To record on, which must not be the default one. All graphs share it: cuBLAS keeps memory for each stream."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
