"""What goes into a gradient step, and what comes out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from harness.regularization.loss import SimilarityTerm

CROSS_ENTROPY, SIMILARITY, PENALTY = "cross-entropy", "similarity loss", "penalty"
"""The parts of the loss."""


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

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that it holds."""
        return (self.images, self.labels, *(self.pairs or ()))

    def copied(self) -> Batch:
        """The same in memory of its own."""
        pairs = self.pairs and PairImages(*(tensor.clone() for tensor in self.pairs))
        return Batch(self.images.clone(), self.labels.clone(), pairs)


class Step(NamedTuple):
    """What one gradient step saw, on the device, without gradients."""

    task_loss: Tensor
    """Mean cross-entropy, a scalar."""
    similarity: SimilarityTerm | None
    """L_sim before alpha, and S_cnn of the pairs."""
    correct: Tensor
    """Images of the batch that were classified correctly, a scalar."""
    penalty: Tensor | None = None
    """That of one's own before its weight, a scalar."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts of the loss."""
        return (
            CROSS_ENTROPY,
            *([SIMILARITY] if self.similarity else []),
            *([PENALTY] if self.penalty is not None else []),
        )

    @property
    def losses(self) -> Tensor:
        """Each part of the loss, before its weight: (parts,)."""
        similarity = [self.similarity.loss] if self.similarity else []
        return torch.stack([self.task_loss, *similarity, *([] if self.penalty is None else [self.penalty])])

    def copied(self) -> Step:
        """The same in memory of its own."""
        term = self.similarity and SimilarityTerm(*(value.clone() for value in self.similarity))
        penalty = self.penalty if self.penalty is None else self.penalty.clone()
        return Step(self.task_loss.clone(), term, self.correct.clone(), penalty)
