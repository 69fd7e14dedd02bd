"""A regularizer of a researcher's own: a number that is added to the loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.errors import SpecError
from harness.own_code import OwnCode, described
from harness.spec.training import PenaltySpec


class Penalty:
    """The function of a spec, and its weight in the loss."""

    def __init__(self, spec: PenaltySpec, code: OwnCode) -> None:
        self.weight = spec.weight
        self._spec = spec
        self._function = code.function(spec.function)
        self._is_learned_from = False

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        """The penalty of a batch, a scalar.

        model: in train mode, from pixels to logits. images: (n, c, h, w) float32 in [0, 1]. labels: (n,) int64.

        Raises:
            SpecError: the function gives something else than a scalar.
        """
        # of its own: the loss beside it goes back through the batch as it is
        found = self._function(model, images.clone(), labels.clone(), **self._spec.options)
        if not isinstance(found, Tensor) or found.dim():
            raise SpecError(f"{self._spec.function} returns {described(found)}, not a scalar tensor")
        self._is_learned_from |= found.grad_fn is not None
        return found.to(torch.float32)

    def require_learned_from(self) -> None:
        """Raises SpecError if no penalty so far depended on the model: its training would be the baseline's."""
        if not self._is_learned_from:
            raise SpecError(
                f"{self._spec.function} returns a number without a gradient, from which no model learns; compute it of "
                "what `model` returns, and do not detach it"
            )
