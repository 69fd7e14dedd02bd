"""The similarity loss L_sim: the network's similarity of image pairs against the target's (paper section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from harness.regularization.similarity import cosine
from harness.spec.training import RegularizerSpec

MARGIN = 1e-5  # keeps g finite at similarity 1 and -1 (released code)
MOMENTUM = 0.1  # share of the new batch in a running mean (released code)


class SimilarityLoss(nn.Module):
    """L_sim and its state: one trainable weight and one running mean per channel for each tap of the network.

    S_cnn = sum_l gamma_l S_l with gamma = softmax(weights); S_l is the cosine of the two images' feature maps after
    the running mean is subtracted from each channel. In train mode the means take in a batch, without gradient,
    before they are subtracted: mean <- 0.9 mean + 0.1 (mean over both halves of the pairs).

    Source: paper, equations 3 and 4; the running means are the released code's.
    """

    weights: Tensor

    def __init__(self, tap_channels: Sequence[int], spec: RegularizerSpec) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(len(tap_channels)))
        for tap, channels in enumerate(tap_channels):
            self.register_buffer(f"running_mean_{tap}", torch.zeros(channels))
        self.transform = spec.transform
        self.reading = spec.reading

    @property
    def gammas(self) -> Tensor:
        """How much each tap counts: (taps,), positive, with sum 1."""
        return self.weights.softmax(dim=0)

    @property
    def running_means(self) -> list[Tensor]:
        """The state's tensors themselves, one (channels,) per tap."""
        return [self.get_buffer(f"running_mean_{tap}") for tap in range(len(self.weights))]

    def forward(self, row_taps: Sequence[Tensor], column_taps: Sequence[Tensor], targets: Tensor) -> Tensor:
        """L_sim of a batch of pairs, a scalar, not yet multiplied by alpha.

        row_taps, column_taps: for each tap the feature maps (pairs, c, h, w) of the pairs' first and second images.
        targets: (pairs,) float32, S_target.
        """
        return similarity_loss(self.similarities(row_taps, column_taps), targets, self.transform, self.reading)

    def similarities(self, row_taps: Sequence[Tensor], column_taps: Sequence[Tensor]) -> Tensor:
        """S_cnn of each pair: (pairs,), in float32 also under autocast."""
        with torch.autocast(self.weights.device.type, enabled=False):
            of_taps = [
                self._tap_similarity(mean, row, column)
                for mean, row, column in zip(self.running_means, row_taps, column_taps, strict=True)
            ]
            return self.gammas @ torch.stack(of_taps)

    def _tap_similarity(self, mean: Tensor, row: Tensor, column: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                of_rows, of_columns = (maps.mean(dim=(0, 2, 3), dtype=torch.float32) for maps in (row, column))
                mean.lerp_((of_rows + of_columns) / 2, MOMENTUM)
        center = mean[:, None, None]  # float32, and so are the differences
        return cosine(row - center, column - center)


def similarity_loss(
    predicted: Tensor,
    target: Tensor,
    transform: Literal["arctanh", "none"],
    reading: Literal["code", "paper"],
) -> Tensor:
    """L_sim of similarities (pairs,) against their targets (pairs,), a scalar.

    reading `paper`: the sum over the pairs of (arctanh(predicted) - arctanh(target))^2. reading `code`: the mean over
    the pairs, with g = 2 arctanh in its place, which is 4 / pairs times the paper's. Without the transform the two
    are the sum and the mean of the plain squared differences.

    Source: paper, equation 3; released code (Table 1's alphas belong to it).
    """
    if transform == "arctanh":
        factor = 1.0 if reading == "code" else 0.5
        predicted, target = factor * _double_arctanh(predicted), factor * _double_arctanh(target)
    squares = (predicted - target).square()
    return squares.mean() if reading == "code" else squares.sum()


def _double_arctanh(similarity: Tensor) -> Tensor:
    """g: log(1 + s + eps) - log(1 - s + eps), finite for cosines that rounding pushes a little beyond 1."""
    similarity = similarity.clamp(-1 - MARGIN / 2, 1 + MARGIN / 2)
    return (1 + similarity + MARGIN).log() - (1 - similarity + MARGIN).log()
