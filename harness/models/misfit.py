"""Whether tensors are the weights of a known architecture, asked before a file becomes data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor

from harness.models import features, zoo

LINE = 160  # characters that are shown of a list of names

_FITS: dict[str, Callable[[Mapping[str, Tensor]], None]] = {
    "vgg19": features.require_fit,
    **{spec.weights: partial(zoo.require_fit, spec) for spec in zoo.PUBLISHED},
}
"""By name of the weights: raises RuntimeError where tensors do not fit."""


def misfit(name: str, tensors: Mapping[str, Tensor]) -> str:
    """What about the tensors does not fit the weights of that name: missing, unexpected, of other shapes; "" if all do.

    name: one of `harness.data.weights.WEIGHTS`.
    """
    try:
        _FITS[name](tensors)
    except RuntimeError as error:
        return differences(error)
    return ""


def differences(error: RuntimeError) -> str:
    """What torch says of tensors that do not fit a network, short enough for a line."""
    lines = [line.strip() for line in str(error).splitlines()[1:]]
    return "; ".join(line if len(line) <= LINE else f"{line[:LINE]}..." for line in lines[:3]) or str(error)
