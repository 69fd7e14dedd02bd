"""Networks of a researcher's own, in the form that training and evaluation ask of every network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.errors import SpecError
from harness.models.architecture import ClassifierShape
from harness.own_code import OwnCode, described
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


def build_own(spec: NetworkSpec, code: OwnCode, shape: ClassifierShape, seed: int) -> OwnNetwork:
    """The network that a function of one's own makes, with what it draws from torch's global generators.

    The function takes `channels`, `classes`, `size` (height and width), `base_width` and the spec's options.

    Raises:
        SpecError: what it makes is no network for such images and classes.
    """
    module = make_module(spec.architecture, code, seed, shape, base_width=spec.base_width, **spec.options)
    images, _ = try_out(module, spec.architecture, shape)
    with torch.no_grad(), global_generators(seed, "trial"):
        maps = module.taps(images) if hasattr(module, "taps") else ()  # type: ignore[operator]
    for found in maps:
        if len(getattr(found, "shape", ())) != 4 or len(found) != len(images):
            raise SpecError(
                f"{spec.architecture}: each of its taps must have the shape (images, channels, height, width), and one "
                f"of {len(images)} images is {described(found)}"
            )
    return OwnNetwork(module.train(), spec.architecture, [found.shape[1] for found in maps])


def make_module(name: str, code: OwnCode, seed: int, shape: ClassifierShape, /, **options: object) -> nn.Module:
    """What a function makes, with what it draws from torch's global generators; raises SpecError if it is no module."""
    with global_generators(seed, "weights"):
        module = code.function(name)(**shape._asdict(), **options)
    if not isinstance(module, nn.Module):
        raise SpecError(f"{name} returns {described(module)}, not a torch.nn.Module")
    return module


def try_out(module: nn.Module, name: str, shape: ClassifierShape) -> tuple[Tensor, Tensor]:
    """Two images and what a module, now in eval mode, says of them; raises SpecError if that is no logits."""
    one = (shape.channels, *shape.size)
    images = torch.linspace(0, 1, 2 * math.prod(one)).view(2, *one)
    with torch.no_grad(), global_generators(0, "trial"):
        logits = module.eval()(images)
    if getattr(logits, "shape", None) != (2, shape.classes):
        found = tuple(getattr(logits, "shape", ()))
        raise SpecError(f"{name}: its logits for 2 images of {shape.classes} classes have the shape {found}")
    return images, logits
