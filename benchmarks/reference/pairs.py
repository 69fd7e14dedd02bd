"""Image pairs as a list, and their similarities as a matrix."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class PairList(NamedTuple):
    """What a training draws its pairs from."""

    similarity: Tensor
    """S_pixel: (N, N) float32."""
    pairs: list[tuple[int, int]]
    """All i < j."""


def pair_list(images: Tensor) -> PairList:
    """All pairs of the images (N, c, h, w)."""
    n = len(images)
    return PairList(similarity_matrix(images), [(i, j) for i in range(n) for j in range(i + 1, n)])


def similarity_matrix(images: Tensor) -> Tensor:
    """S_pixel of the images (N, c, h, w): (N, N) float32."""
    rows = images.float().mean(1).flatten(1)
    rows = rows - rows.mean(0)
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit @ unit.T


def drawn(listed: PairList, n: int, generator: torch.Generator) -> list[tuple[int, int, float]]:
    """An epoch's pairs and their similarities: the first n of the list in a new random order."""
    order = torch.randperm(len(listed.pairs), generator=generator).tolist()[:n]
    return [(i, j, float(listed.similarity[i, j])) for i, j in map(listed.pairs.__getitem__, order)]
