"""The learning rate, a pure function of the epoch."""

from __future__ import annotations

from harness.spec.training import OptimisationSpec


def learning_rate(optimisation: OptimisationSpec, epoch: int) -> float:
    """The learning rate during an epoch (from 0): it falls by `decay` from phase to phase, and starts again each cycle.

    Source: the released code (0.1 * 0.3^phase, phases of 4 epochs, cycles of 5 phases).
    """
    phase = epoch // optimisation.epochs_per_phase % optimisation.phases_per_cycle
    return optimisation.learning_rate * optimisation.decay**phase
