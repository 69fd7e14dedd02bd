"""Trained networks in bfloat16, for evaluation only."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import NotEvaluable
from harness.machine import AMPERE, cpu_has_bfloat16

_KNOWN = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for it, and gains by it."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= AMPERE
    return device.type == "cpu" and cpu_has_bfloat16()


def in_bfloat16(model: nn.Module) -> nn.Module:
    """A copy whose convolutions compute in bfloat16: float32 images (n, c, h, w) in, float32 logits (n, classes) out.

    Weights are rounded once, unlike by autocast, which does so at each call. What costs next to nothing stays float32:
    the scaling of the pixels, BatchNorm that is not folded, and the linear layers, where ties between classes are
    decided.

    model: in eval mode; what is folded into its convolutions is folded in float32, before.

    Raises:
        NotEvaluable: it has weights in other layers, of which nobody has tried whether they bear it.
    """
    for layer in model.modules():
        if not isinstance(layer, _KNOWN) and next(layer.parameters(recurse=False), None) is not None:
            raise NotEvaluable(
                f"a network with weights in {type(layer).__name__} is not evaluated in bfloat16, only one of "
                "convolutions, BatchNorm and linear layers"
            )
    rounded = copy.deepcopy(model)
    for layer in rounded.modules():
        if isinstance(layer, nn.Conv2d):
            layer.to(torch.bfloat16).to(memory_format=torch.channels_last)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_pre_hook(_rounded_like_weights)
    rounded.register_forward_hook(_as_float32)
    return rounded


def _rounded_like_weights(layer: Any, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return (inputs[0].to(layer.weight.dtype),)


def _as_float32(model: nn.Module, inputs: tuple[Tensor], logits: Tensor) -> Tensor:
    return logits.float()
