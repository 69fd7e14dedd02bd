"""The learning rate, a pure function of the epoch."""

from __future__ import annotations

import math

from harness.spec.training import OptimisationSpec


def learning_rate(optimisation: OptimisationSpec, epoch: int) -> float:
    """The learning rate during an epoch (from 0): it falls by `decay` from phase to phase, and starts again each cycle.

    Source: the released code (0.1 * 0.3^phase, phases of 4 epochs, cycles of 5 phases). The cosine is one's own choice:
    Loshchilov and Hutter 2017, equation 5, without restarts.
    """
    if optimisation.schedule == "cosine":
        return optimisation.learning_rate * (1 + math.cos(math.pi * epoch / optimisation.epochs)) / 2
    phase = epoch // optimisation.epochs_per_phase % optimisation.phases_per_cycle
    return optimisation.learning_rate * optimisation.decay**phase
