"""Ranges of pixel similarity that pairs are drawn from (paper, appendix 7.7), and which pairs they hold."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator
from math import inf, nan

import numpy as np
import torch
from torch import Tensor

from harness.regularization.numbering import number_of
from harness.regularization.similarity import Rows, row_similarity

Interval = tuple[float, float]  # similarities strictly between two bounds

_TILE = 1024  # images on each side of a tile of similarities: 4 MB of float32, which caches hold
_ROUNDING = 1e-5  # far more than two float32 sums of the same products differ by (TF32, off by default, is coarser)


def pair_ranges(threshold: float, threshold_low: float | None = None) -> dict[str, tuple[Interval, ...]]:
    """Each pair range as intervals of S_pixel that do not overlap; `double` only where there is a second threshold.

    A similarity that equals a threshold lies in no range but `all`.
    Source: paper, appendix 7.7.
    """
    below, within, above = (-inf, -threshold), (-threshold, threshold), (threshold, inf)
    ranges: dict[str, tuple[Interval, ...]] = {
        "all": ((-inf, inf),),
        "high": (below, above),
        "low": (within,),
        "high_positive": (above,),
        "positive": (within, above),
        "negative": (below, within),
    }
    if threshold_low is not None:
        ranges["double"] = (below, (-threshold_low, threshold_low), above)
    return ranges


def contains(intervals: Collection[Interval], similarity: Tensor) -> Tensor:
    """Which similarities lie in one of the intervals: booleans in similarity's shape; never NaN."""
    inside = torch.zeros_like(similarity, dtype=torch.bool)
    for low, high in intervals:
        inside |= (similarity > low) & (similarity < high)
    return inside


def members(rows: Rows, intervals: Collection[Interval]) -> Tensor:
    """Numbers of the pairs in a range: (pairs,) int64 on the CPU, each once, in an order that depends on N alone.

    One pass over all pairs, tile by tile; 8 bytes for each pair that the range holds.
    rows: (N, d) of unit length.
    """
    # one growing array: a small tensor kept from each tile would split the memory that the next tile could reuse
    found = array("q")
    for first_i, first_j, tile in _tiles(rows, intervals):
        i, j = contains(intervals, tile).nonzero(as_tuple=True)
        found.frombytes(number_of(first_i + i, first_j + j).cpu().numpy().tobytes())
    return torch.from_numpy(np.asarray(found))


def pair_counts(rows: Rows, threshold: float, threshold_low: float | None = None) -> dict[str, int]:
    """How many pairs i < j each range holds, by range; one pass over all pairs.

    rows: (N, d) of unit length.
    """
    ranges = pair_ranges(threshold, threshold_low)
    counts = {interval: 0 for intervals in ranges.values() for interval in intervals}
    for _, _, tile in _tiles(rows, counts):
        for interval in counts:
            counts[interval] += int(contains([interval], tile).sum())
    return {name: sum(counts[interval] for interval in intervals) for name, intervals in ranges.items()}


def _tiles(rows: Rows, intervals: Collection[Interval]) -> Iterator[tuple[int, int, Tensor]]:
    """Similarities of all pairs i < j as (first i, first j, (images i, images j)); NaN where i >= j.

    A matrix product rounds otherwise than `row_similarity`; so entries that rounding could carry over a bound are
    taken from there, and a tile says of every pair what drawing it will say.
    """
    bounds = {abs(bound) for interval in intervals for bound in interval} - {inf}
    for first_j in range(0, len(rows), _TILE):
        columns = rows[first_j : first_j + _TILE].T
        for first_i in range(0, first_j + 1, _TILE):
            tile = rows[first_i : first_i + _TILE] @ columns
            for bound in bounds:
                i, j = (tile.abs().sub_(bound).abs_() < _ROUNDING).nonzero(as_tuple=True)
                tile[i, j] = row_similarity(rows, first_i + i, first_j + j)
            if first_i == first_j:
                tile.masked_fill_(torch.ones_like(tile, dtype=torch.bool).tril_(), nan)
            yield first_i, first_j, tile
