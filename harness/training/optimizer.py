"""What moves the parameters against their gradients, and what it remembers of them from step to step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from harness.spec.training import OptimisationSpec

_SECOND_BETA, _EPSILON = 0.999, 1e-8  # of AdamW, as its authors and torch have them


class Optimizer:
    """Stochastic gradient descent with momentum, or AdamW; the parameters change in place.

    Both are torch's functions: its classes would import torch's compiler, which takes seconds in each worker.
    """

    def __init__(self, spec: OptimisationSpec, parameters: Mapping[str, Tensor], device: torch.device) -> None:
        self._spec = spec
        self._parameters = parameters
        # on a GPU a graph reads it from its place
        self._learning_rate: float | Tensor = 0.0 if device.type == "cpu" else torch.zeros((), device=device)
        adaptive = spec.optimizer == "adamw"
        # zeros from the start: a parameter may be reached by a gradient for the first time in any step
        self._momenta = {name: torch.zeros_like(each) for name, each in parameters.items() if adaptive or spec.momentum}
        self._squares = {name: torch.zeros_like(each) for name, each in parameters.items() if adaptive}
        self._steps = {name: torch.zeros((), device=device) for name in parameters if adaptive}

    @property
    def state(self) -> dict[str, Tensor]:
        """All that it remembers, in place, by names that no parameter has."""
        remembered = {"momentum": self._momenta, "squares": self._squares, "steps": self._steps}
        return {f"{kind}.{name}": tensor for kind, tensors in remembered.items() for name, tensor in tensors.items()}

    def set_learning_rate(self, rate: float) -> None:
        """That of the steps from now on; it does not wait for the device."""
        if isinstance(self._learning_rate, Tensor):
            self._learning_rate.fill_(rate)
        else:
            self._learning_rate = rate

    def forget_gradients(self) -> None:
        """Before those of another step are computed."""
        for parameter in self._parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step by the gradients that are there; a network of one's own may leave parameters out."""
        gradients = {name: each.grad for name, each in self._parameters.items() if each.grad is not None}
        parameters = [self._parameters[name] for name in gradients]
        if self._spec.optimizer == "adamw":
            adamw(
                parameters,
                list(gradients.values()),
                [self._momenta[name] for name in gradients],
                [self._squares[name] for name in gradients],
                [],
                [self._steps[name] for name in gradients],
                lr=self._learning_rate,
                beta1=self._spec.momentum,
                beta2=_SECOND_BETA,
                eps=_EPSILON,
                weight_decay=self._spec.weight_decay,
                amsgrad=False,
                maximize=False,
                fused=True,
            )
        else:
            sgd(
                parameters,
                list(gradients.values()),
                [self._momenta.get(name) for name in gradients],
                lr=self._learning_rate,
                momentum=self._spec.momentum,
                weight_decay=self._spec.weight_decay,
                dampening=0,
                nesterov=False,
                maximize=False,
                fused=True,
            )
