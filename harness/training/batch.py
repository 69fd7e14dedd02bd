"""What goes into a gradient step, and what comes out."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class PairImages(NamedTuple):
    """The image pairs of one step: uint8 (k, c, h, w) twice, and the similarity that each pair should have, (k,)."""

    rows: Tensor
    columns: Tensor
    targets: Tensor


class Batch(NamedTuple):
    """What one gradient step learns from: uint8 images (n, c, h, w), labels (n,) and, with a regularizer, pairs."""

    images: Tensor
    labels: Tensor
    pairs: PairImages | None = None
    streams: Tensor | None = None
    """What each image's perturbation draws from, as `image_streams` makes it: (n,) int64."""

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that it holds."""
        streams = () if self.streams is None else (self.streams,)
        return (self.images, self.labels, *(self.pairs or ()), *streams)


class Step(NamedTuple):
    """What one gradient step saw, on the device, without gradients."""

    losses: Tensor
    """Each part of the loss before its weight, as `Learner.parts` names them: (parts,)."""
    correct: Tensor
    """Images of the batch that were classified correctly, a scalar."""
