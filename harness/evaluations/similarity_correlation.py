"""How the similarity of recorded responses goes with that of pixels (paper, Figure 1)."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from harness.data.similarities import open_similarity
from harness.measurement import EvaluationResult, Measurement
from harness.regularization.similarity import similarity_matrix, unit_rows
from harness.spec import SimilaritySpec

SCATTERED = 20_000
"""Pairs at most whose two similarities are kept for the scatter plot."""


def similarity_correlation(spec: SimilaritySpec, data_dir: Path) -> EvaluationResult:
    """The correlation, over all pairs, of the neural similarity with the pixels', and what Figure 1 draws of both.

    Arrays float32: `pixel` and `neural`, the matrices (m, m) of the first images; `pairs` (k, 2), pixel and neural
    similarity of evenly spread pairs. Measurements: `correlation` (Pearson's), no number where a similarity is the same
    for all pairs; n counts images.

    Raises:
        DataMissing, DataDamaged: the similarity cannot be used.
    """
    recorded = open_similarity(data_dir, spec.recording, "neural")
    n = min(spec.n_images, len(recorded.images))
    neural = recorded.matrix[:n, :n]
    pixel = similarity_matrix(unit_rows(recorded.images[:n]))
    i, j = torch.triu_indices(n, n, offset=1)
    both = torch.stack((pixel[i, j], neural[i, j]))
    correlation = torch.corrcoef(both.double())[0, 1].item()
    shown = min(spec.shown, n)
    kept = both[:, scattered(both.shape[1])].T
    arrays = {"pixel": pixel[:shown, :shown], "neural": neural[:shown, :shown], "pairs": kept}
    constant = not math.isfinite(correlation)
    return EvaluationResult(
        measurements=(
            Measurement(
                metric="correlation",
                value=None if constant else correlation,
                n=n,
                reason="a similarity is the same for all pairs" if constant else None,
            ),
        ),
        arrays={name: array.contiguous().numpy() for name, array in arrays.items()},
    )


def scattered(pairs: int) -> Tensor:
    """The places of evenly spread pairs among so many, the first and the last among them: (min(pairs, SCATTERED),)."""
    places = torch.linspace(0, pairs - 1, min(SCATTERED, pairs)).long()
    return places.clamp_(max=pairs - 1)  # beyond 2^24 pairs float32 rounds the last place up
