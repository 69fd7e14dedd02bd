"""A gradient step as one CUDA graph: one launch in place of a thousand, which would take longer than their work.

Source: PyTorch's notes on CUDA graphs (whole-network capture).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from harness.training.batch import Batch, Step

WARM_UP = 3  # steps, after which cuDNN has chosen its algorithms and the optimizer has made its buffers


def replayed(step: Callable[[Batch], Step], device: torch.device) -> Callable[[Batch], Step]:
    """The step in the form that suits the device: on a GPU replayed from a graph, else as it is.

    step: waits for nothing, and finds all that it reads but the batch at the same addresses each time.
    """
    return _Replayed(step, device) if device.type == "cuda" else step


class _Replayed:
    """A step that is recorded once its first batches are learned; each batch is learned exactly once.

    Batches of another shape than the first, which are the last of an epoch, take the step as it is.
    """

    def __init__(self, step: Callable[[Batch], Step], device: torch.device) -> None:
        self._step = step
        # a recording must not be made on the default stream
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._shapes: list[torch.Size] = []
        self._warm = 0

    def __call__(self, batch: Batch) -> Step:
        shapes = [tensor.shape for tensor in batch.tensors]
        self._shapes = self._shapes or shapes
        if shapes != self._shapes:
            return self._step(batch)
        if self._warm < WARM_UP:
            self._warm += 1
            return self._aside(batch)
        if self._graph is None:
            self._record(batch)
            assert self._graph is not None
        for place, tensor in zip(self._read.tensors, batch.tensors, strict=True):
            place.copy_(tensor)
        self._graph.replay()
        return self._written.copied()

    def _aside(self, batch: Batch) -> Step:
        """The step as it is, on the stream that it will be recorded on."""
        current = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            step = self._step(batch)
        current.wait_stream(self._stream)
        return step

    def _record(self, batch: Batch) -> None:
        """Makes the graph, which runs nothing yet, and the places that it reads from and writes to."""
        self._read = batch.copied()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            self._written = self._step(self._read)
        self._graph = graph
