"""Networks of a researcher's own, in the form that training and evaluation ask of every network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.errors import SpecError
from harness.own_code import OwnCode
from harness.seeding import global_generators
from harness.spec.training import NetworkSpec


class OwnNetwork(nn.Module):
    """A classifier of scaled images with as many taps as it likes.

    A module that has `taps`, a method from images (n, c, h, w) to feature maps, each (n, channels, height, width), can
    be regularized with L_sim.
    """

    def __init__(self, module: nn.Module, name: str, tap_channels: Sequence[int]) -> None:
        super().__init__()
        self.module = module
        self._name = name
        self.tap_channels = tuple(tap_channels)
        """Channels of each tap; empty where the module has none."""

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of scaled images (n, c, h, w)."""
        logits: Tensor = self.module(x)
        return logits

    def taps(self, x: Tensor) -> list[Tensor]:
        """The feature maps that L_sim compares.

        Raises:
            SpecError: the module has none.
        """
        if not self.tap_channels:
            raise SpecError(f"{self._name}: a network without the method `taps` cannot be regularized by similarity")
        return list(self.module.taps(x))  # type: ignore[operator]


def build_own(
    spec: NetworkSpec, code: OwnCode, channels: int, classes: int, seed: int, size: tuple[int, int]
) -> OwnNetwork:
    """The network that a function of one's own makes, with what it draws from torch's global generators.

    The function takes `channels`, `classes`, `size` (height and width), `base_width` and the spec's options.

    Raises:
        SpecError: what it makes is no network for such images and classes.
    """
    name = spec.architecture
    make = code.function(name)
    with global_generators(seed, "weights"):
        module = make(channels=channels, classes=classes, size=size, base_width=spec.base_width, **spec.options)
    if not isinstance(module, nn.Module):
        raise SpecError(f"{name} returns a {type(module).__name__}, not a torch.nn.Module")
    module.eval()
    with torch.no_grad(), global_generators(seed, "trial"):
        images = torch.zeros(2, channels, *size)
        logits = module(images)
        maps = module.taps(images) if hasattr(module, "taps") else ()  # type: ignore[operator]
    if getattr(logits, "shape", None) != (2, classes):
        shape = tuple(getattr(logits, "shape", ()))
        raise SpecError(f"{name}: its logits for 2 images of {classes} classes have the shape {shape}")
    if any(found.dim() != 4 or len(found) != 2 for found in maps):
        raise SpecError(f"{name}: each of its taps must have the shape (images, channels, height, width)")
    module.train()
    return OwnNetwork(module, name, [found.shape[1] for found in maps])
