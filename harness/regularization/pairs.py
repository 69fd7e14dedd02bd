"""Which image pairs a training step compares: drawn on the fly, uniformly over the pairs of a similarity range."""

from __future__ import annotations

from functools import cached_property, partial
from typing import NamedTuple

import torch
from torch import Tensor

from harness.errors import EmptyPairRange
from harness.regularization.numbering import distinct, pair_of, pair_total, spread, uniform_numbers
from harness.regularization.ranges import Interval, contains, members, pair_counts, pair_ranges
from harness.regularization.similarity import PixelRows, Similarity, row_similarity
from harness.regularization.targets import target_values
from harness.seeding import stream
from harness.spec.training import RegularizerSpec

_TRIED = 4096  # pairs that a range's share of all pairs is estimated from
_WORTH_REJECTING = 0.2  # share from which on rejecting pairs costs next to nothing
_LISTED_AT_MOST = 1 << 25  # pairs: 256 MB


class Pairs(NamedTuple):
    """Image pairs and their targets, on the sampler's device; one entry per pair."""

    rows: Tensor
    """First images: (pairs,) int64."""
    columns: Tensor
    """Second images: (pairs,) int64, each greater than its row."""
    targets: Tensor
    """S_target: (pairs,) float32."""


class PairSampler:
    """Draws pairs i < j of one range, exactly uniformly; holds the images as they are, and nothing of size N x N.

    Where a range holds a good part of all pairs, or too many to list, pairs are drawn among all and kept if they lie
    in it. The pairs of a rarer range are listed when the sampler is made, in one pass over all pairs (8 bytes for each
    one listed), and those of a small range when more than half of it is drawn at once. The way taken depends on
    images, spec and n alone, and the pairs' distribution does not depend on it.
    """

    def __init__(self, images: Tensor, spec: RegularizerSpec, known: Similarity | None = None) -> None:
        """Takes the images in and, for a rare range, lists its pairs.

        images: (N, c, h, w), uint8 or floating, N >= 2, on the device where pairs are compared. known: their
        similarity there, if the target has another than that of their pixels.

        Raises:
            EmptyPairRange: the range holds no pair; says how many each range holds.
        """
        self._spec = spec
        self._images = images
        self._similarity = known or partial(row_similarity, self._rows)
        self._permutation = None
        if spec.shuffled:
            order = torch.randperm(len(images), generator=stream(0, "shuffled similarity"))
            self._permutation = order.to(images.device)
        self._total = pair_total(len(images))
        self._share = self._estimated_share()
        self._rejects = self._share >= _WORTH_REJECTING or self._share * self._total > _LISTED_AT_MOST
        if not self._rejects and not len(self._members):
            raise EmptyPairRange(self._emptiness())

    def draw(self, n: int, generator: torch.Generator) -> Pairs:
        """Draws n pairs of the range, in random order, without replacement.

        A range of fewer than n pairs gives all of them in whole passes, each in a new random order, and the rest
        without replacement: no pair comes up more than once more often than another.

        generator: a CPU generator; the draw is a function of its state, n, the images and the spec.
        """
        i, j = pair_of(self._drawn(n, generator).to(self._images.device))
        return Pairs(i, j, target_values(self._similarity(*self._others(i, j)), self._spec))

    def _others(self, i: Tensor, j: Tensor) -> tuple[Tensor, Tensor]:
        """The images whose similarity is the target of the images i and j: they themselves, unless it is shuffled."""
        return (i, j) if self._permutation is None else (self._permutation[i], self._permutation[j])

    def _drawn(self, n: int, generator: torch.Generator) -> Tensor:
        """Pair numbers: (n,) int64 on the CPU."""
        if self._spec.pair_range == "all":
            return spread(n, self._total, generator)
        if self._rejects and n <= self._share * self._total / 2:
            return distinct(n, lambda count: self._accepted(count, generator))
        return self._members[spread(n, len(self._members), generator)]

    def _accepted(self, count: int, generator: torch.Generator) -> Tensor:
        """About `count` independent numbers of pairs in the range, each equally likely."""
        # a few more than expected to be needed, so that a second round is rare
        numbers = uniform_numbers(int(1.05 * count / self._share) + 64, self._total, generator)
        return numbers[self._in_range(numbers)]

    def _in_range(self, numbers: Tensor) -> Tensor:
        """Which pairs lie in the range: booleans on the CPU."""
        i, j = pair_of(numbers.to(self._images.device))
        return contains(self._intervals, row_similarity(self._rows, i, j)).cpu()

    @cached_property
    def _rows(self) -> PixelRows:
        """Of which ranges are made too: the spec allows no range but `all` for other targets."""
        return PixelRows(self._images)

    def _estimated_share(self) -> float:
        """The range's share of all pairs, from some fixed ones."""
        if self._spec.pair_range == "all":
            return 1.0
        tried = uniform_numbers(_TRIED, self._total, stream(0, "share of a pair range"))
        return self._in_range(tried).double().mean().item()

    @property
    def _intervals(self) -> tuple[Interval, ...]:
        assert self._spec.threshold is not None, "the spec requires a threshold for every range but `all`"
        return pair_ranges(self._spec.threshold, self._spec.threshold_low)[self._spec.pair_range]

    @cached_property
    def _members(self) -> Tensor:
        """Numbers of all pairs in the range: (pairs,) int64 on the CPU."""
        return members(self._rows, self._intervals)

    def _emptiness(self) -> str:
        spec = self._spec
        assert spec.threshold is not None, "the range `all` is never empty"
        counts = pair_counts(self._rows, spec.threshold, spec.threshold_low)
        at = f"threshold {spec.threshold:g}" + (f", {spec.threshold_low:g}" if spec.threshold_low else "")
        held = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        return (
            f"pair range {spec.pair_range!r} is empty at {at}: no pair of the {len(self._rows):,} {spec.images} images "
            f"lies in it; choose another threshold or range (pairs at this threshold: {held})"
        )
