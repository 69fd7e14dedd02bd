"""Early stopping with a learning rate that falls."""

from __future__ import annotations

import math
from typing import Literal

DROPS = 2  # how often the learning rate falls before the fit ends

Verdict = Literal["keep", "go on", "drop", "stop"]


class Patience:
    """The best epoch so far, and what follows when none is better for a while. Source: Lurz et al. 2021."""

    def __init__(self, epochs: int) -> None:
        """`epochs`: how many without a lower loss are borne."""
        self._epochs = epochs
        self._waited = 0
        self._drops = 0
        self.best_loss = math.inf
        self.best_epoch = -1
        """-1 while no epoch's loss was a finite number."""
        self.epochs = 0
        """How many were judged."""

    def judge(self, loss: float) -> Verdict:
        """What to do after an epoch with this validation loss.

        `keep`: it is the best. `drop`: go back to the best, with a lower learning rate. `stop`: go back and end.
        """
        epoch, self.epochs = self.epochs, self.epochs + 1
        if loss < self.best_loss:
            self.best_loss, self.best_epoch, self._waited = loss, epoch, 0
            return "keep"
        self._waited += 1
        if self._waited < self._epochs:
            return "go on"
        self._waited = 0
        self._drops += 1
        return "drop" if self._drops <= DROPS else "stop"
