"""The walk of HopSkipJump: along the decision boundary, in the direction in which more images are adversarial."""

from __future__ import annotations

import math
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from harness.evaluations.boundary.start import Starts
from harness.evaluations.boundary.victims import Victims
from harness.evaluations.classifier import Classifier
from harness.evaluations.distance import distance_moved
from harness.seeding import image_streams, normal
from harness.spec import HopSkipJumpSpec

_FIRST_RADIUS = 0.1  # of the first step's samples (the authors' code)


class Walked(NamedTuple):
    """What the walks had found after their start and after each step."""

    distances: Tensor
    """float64 (steps + 1, n): of the closest adversarial images so far, infinite without a start."""
    queries: Tensor
    """int64 (steps + 1, n)."""


def walk(classifier: Classifier, victims: Victims, starts: Starts, spec: HopSkipJumpSpec) -> Walked:
    """Walks from each start for as long as the next step is sure to keep within the spec's queries.

    A step asks about images around a point of the boundary in which direction more of them are adversarial, jumps that
    way as far as it stays adversarial, and goes back to the boundary on the way to the original.

    Source: Chen, Jordan and Wainwright 2020, algorithm 2. What becomes of an image does not depend on the others.
    """
    walks = _Walks(classifier, victims, starts, spec)
    path = [walks.reached]
    for step in count(1):
        rows = walks.able_to_take(step)
        if not len(rows):
            break
        walks.take(step, rows)
        classifier.refuse_not_finite()
        path.append(walks.reached)
    return Walked(*map(torch.stack, zip(*path, strict=True)))


class _Walks:
    """Where each victim's walk is. Points are flat: (n, d), d the number of pixel values."""

    def __init__(self, classifier: Classifier, victims: Victims, starts: Starts, spec: HopSkipJumpSpec) -> None:
        self._classifier, self._victims, self._spec = classifier, victims, spec
        self._originals, self._points = victims.images.flatten(1), starts.images.flatten(1).clone()
        self._size = self._originals.shape[1]
        self._numbers = self._size + self._size % 2  # of one sample: `normal` wants even positions
        self._halvings = math.ceil(math.log2(self._size) * (1.5 if spec.norm == "l2" else 2))
        self._streams = image_streams(victims.numbers, spec.noise_seed, spec.kind)
        self._drawn = 0
        self._found, self._queries = starts.found, starts.queries.clone()
        self._adversarial_at = self._distances(slice(None), self._points)  # before the way back to the boundary
        self._closest = self._adversarial_at.where(starts.found, math.inf)
        able = starts.found & (self._queries + self._halvings <= spec.queries)
        rows = able.nonzero().flatten()
        if len(rows):
            self._settle(rows, self._points[rows])

    @property
    def reached(self) -> tuple[Tensor, Tensor]:
        """The closest distances and the queries so far, each (n,)."""
        return self._closest.clone(), self._queries.clone()

    def able_to_take(self, step: int) -> Tensor:
        """The rows whose queries suffice for a step with one jump."""
        needed = self._samples(step) + 1 + self._halvings
        return (self._found & (self._queries + needed <= self._spec.queries)).nonzero().flatten()

    def take(self, step: int, rows: Tensor) -> None:
        """One step of some walks, each of which stands on the boundary."""
        directions = self._directions(step, rows)
        self._settle(rows, self._jumped(step, rows, directions))

    def _samples(self, step: int) -> int:
        return int(self._spec.first_samples * math.sqrt(step))

    def _directions(self, step: int, rows: Tensor) -> Tensor:
        """Where from the boundary more images are adversarial: (rows, d), of length 1, or signs in linf."""
        samples, chunk = self._samples(step), self._classifier.chunk
        spreads = (
            self._adversarial_at[rows] / self._size if step > 1 else torch.full_like(self._closest[rows], _FIRST_RADIUS)
        )
        at_once = math.ceil(samples / math.ceil(samples / chunk))
        walks, radii = (torch.split(each, max(1, chunk // at_once)) for each in (rows, spreads.float()))
        found = torch.cat(
            [self._gradients(some, radius, samples, at_once) for some, radius in zip(walks, radii, strict=True)]
        )
        self._drawn += samples * self._numbers
        self._queries[rows] += samples
        return found.sign() if self._spec.norm == "linf" else functional.normalize(found)

    def _gradients(self, rows: Tensor, spreads: Tensor, samples: int, at_once: int) -> Tensor:
        """The sum of samples on a sphere around each point, weighted by their decisions less the mean: (rows, d).

        spreads: (rows,), the spheres' radii. at_once: how many samples of a point are classified together.
        Source: the authors' estimate with less variance. A clipped sample counts as what was asked about (their code).
        """
        points, spreads = self._points[rows, None], spreads[:, None, None]
        # in float64, so that what is rounded does not depend on how many are added at once
        misled_moves, moves, n_misled = (
            torch.zeros(len(rows), size, dtype=torch.float64, device=rows.device)
            for size in (self._size, self._size, 1)
        )
        for first in range(0, samples, at_once):
            n = min(at_once, samples - first)
            drawn = normal(self._streams[rows], n * self._numbers, self._drawn + first * self._numbers)
            drawn = functional.normalize(drawn.view(-1, n, self._numbers)[..., : self._size], dim=2)
            around = (points + spreads * drawn).clamp_(0, 1)
            misled = self._misled(around.flatten(0, 1), rows.repeat_interleave(n)).view(-1, n, 1)
            moved = (around - points) / spreads
            misled_moves += (moved * misled).sum(1, dtype=torch.float64)
            moves += moved.sum(1, dtype=torch.float64)
            n_misled += misled.sum(1)
        share = n_misled / samples
        return torch.where(share == 0, -moves, misled_moves - share * moves.where(share < 1, 0)).float()

    def _jumped(self, step: int, rows: Tensor, directions: Tensor) -> Tensor:
        """The points after a jump that is halved until it is adversarial; where queries run out, those before it."""
        points = self._points[rows]
        lengths = (self._distances(rows, points) / math.sqrt(step)).float()
        left = torch.arange(len(rows), device=rows.device)
        while len(left):
            there = (points[left] + lengths[left, None] * directions[left]).clamp_(0, 1)
            misled = self._misled(there, rows[left])
            self._queries[rows[left]] += 1
            points[left[misled]] = there[misled]
            left = left[~misled]
            lengths[left] /= 2
            left = left[self._queries[rows[left]] + 1 + self._halvings <= self._spec.queries]
        return points

    def _settle(self, rows: Tensor, points: Tensor) -> None:
        """Puts walks onto the boundary, between adversarial points and the originals, by halving what is in doubt."""
        low, high = (torch.full(rows.shape, end, device=rows.device) for end in (0.0, 1.0))
        for _ in range(self._halvings):
            middle = (low + high) / 2
            misled = self._misled(self._between(rows, points, middle), rows)
            low, high = low.where(misled, middle), middle.where(misled, high)
        self._queries[rows] += self._halvings
        self._adversarial_at[rows] = self._distances(rows, points)
        self._points[rows] = self._between(rows, points, high)
        self._closest[rows] = torch.minimum(self._closest[rows], self._distances(rows, self._points[rows]))

    def _between(self, rows: Tensor, points: Tensor, share: Tensor) -> Tensor:
        """The originals moved by a share of the way: a blend in l2, in linf the point's pixels as near as that."""
        originals, share = self._originals[rows], share[:, None]
        ways = points - originals
        if self._spec.norm == "l2":
            return originals + share * ways
        reach = share * ways.abs().amax(1, keepdim=True)
        return originals + ways.clamp(-reach, reach)

    def _distances(self, rows: Tensor | slice, points: Tensor) -> Tensor:
        return distance_moved(self._originals[rows], points, self._spec.norm)

    def _misled(self, points: Tensor, rows: Tensor) -> Tensor:
        """Which points the model misclassifies, each by the label of its row: (n,) bool."""
        images = points.view(-1, *self._victims.images.shape[1:])
        misled = self._classifier.predictions(images) != self._victims.labels[rows]
        self._classifier.report(self._classifier.images_classified)
        return misled
