"""Step sizes of the Boundary attack's walk, adapted to how often its proposals are adversarial."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.spec import BoundaryAttackSpec

# Foolbox's constants
UPDATE_EVERY = 10
"""Steps from one entry of the statistics to the next."""
SPHERE_WINDOW = 100
STEP_WINDOW = 30


class StepSizes:
    """The two step sizes of each of n walks, relative to its distance from the original.

    Source: Foolbox's BoundaryAttack. If more than half (fewer than a fifth) of the last 100 proposals on the sphere
    were adversarial, both sizes grow (shrink); if more than a quarter (fewer than a tenth) of the last 30 whole
    proposals were, the step towards the original does. Statistics start anew after each change.
    """

    def __init__(self, n: int, spec: BoundaryAttackSpec, device: torch.device) -> None:
        self.spherical = torch.full((n,), spec.spherical_step, device=device)
        self.source = torch.full((n,), spec.source_step, device=device)
        self._factor = spec.step_adaptation
        self._sphere = _Window(n, SPHERE_WINDOW, device)
        self._step = _Window(n, STEP_WINDOW, device)

    def adapt(self, on_sphere: Tensor | None, stepped: Tensor) -> None:
        """Notes for each walk whether its proposals were adversarial, and changes its sizes.

        on_sphere, stepped: bool (n,); on_sphere is None where nobody asked the model.
        """
        if on_sphere is not None:
            change = self._sphere.change(on_sphere, self._factor, low=0.2, high=0.5)
            self.spherical *= change
            self.source *= change
        self.source *= self._step.change(stepped, self._factor, low=0.1, high=0.25)


class _Window:
    """The last decisions of each of n walks."""

    def __init__(self, n: int, length: int, device: torch.device) -> None:
        self._decisions = torch.zeros(length, n, dtype=torch.bool, device=device)
        self._filled = torch.zeros(n, dtype=torch.int64, device=device)
        self._next = 0

    def change(self, decisions: Tensor, factor: float, *, low: float, high: float) -> Tensor:
        """Notes a decision of each walk; by how much its step sizes change: (n,) float32."""
        length = len(self._decisions)
        self._decisions[self._next] = decisions
        self._next = (self._next + 1) % length
        self._filled += 1
        rate = self._decisions.double().mean(0)
        full = self._filled >= length
        grow, shrink = full & (rate > high), full & (rate < low)
        self._filled[grow | shrink] = 0
        change = torch.ones(len(rate), device=rate.device)
        change[grow] = factor
        change[shrink] = 1 / factor
        return change
