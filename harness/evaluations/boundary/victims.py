"""The images under attack, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from harness.evaluations.classifier import Classifier
from harness.spec import BoundaryAttackSpec


@dataclass(frozen=True, kw_only=True)
class Victims:
    """Images under attack. An adversarial image is one that the model puts into another class than the original."""

    numbers: Tensor
    """int64 (n,): each image's position in the test split, which names its random streams."""
    images: Tensor
    """float32 (n, c, h, w) in [0, 1]."""
    labels: Tensor
    """int64 (n,): the model's own predictions, right or wrong."""

    def distances(self, others: Tensor) -> Tensor:
        """||x - other||^2 / d over all d pixel values: (n,) float64. others: (n, c, h, w)."""
        return (self.images - others).double().square().flatten(1).mean(1)


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """What an attack did to each victim."""

    found: Tensor
    """bool (n,): whether there was a starting point; without one the rest but `queries` means nothing."""
    starts: Tensor
    """float32 (n, c, h, w): the starting points."""
    images: Tensor
    """float32 (n, c, h, w): the closest adversarial images."""
    queries: Tensor
    """int64 (n,): decisions of the model that the attack used, the one about the original not among them."""


class Attack(Protocol):
    """An implementation of the Boundary attack."""

    def __call__(
        self,
        classifier: Classifier,
        victims: Victims,
        spec: BoundaryAttackSpec,
        repeat: int,
        on_share: Callable[[float], None],
    ) -> Attacked:
        """Attacks each victim once, with random numbers named by the repeat.

        on_share: told which share of the work is done, in [0, 1].
        """
        ...
