"""Training on noise or on adversarial examples: what is done to the images of a batch before they are learned from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.errors import SpecError
from harness.own_code import OwnCode, described
from harness.seeding import normal, uniform
from harness.spec.training import PerturbationSpec


class Perturbation:
    """What a spec says is done to images; the built-in ones are pure functions of what they are given."""

    def __init__(self, spec: PerturbationSpec, code: OwnCode) -> None:
        self._spec = spec
        self._own = code.function(spec.kind) if spec.is_own else None
        self._changes = not spec.is_own

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, streams: Tensor | None) -> Tensor:
        """The images to learn from, without a gradient: (n, c, h, w) float32.

        model: in eval mode, from pixels to logits; so an attack on it leaves no trace in its running statistics.
        images: (n, c, h, w) float32 in [0, 1]. labels: (n,) int64. streams: (n,), what the built-in ones draw from;
        one of one's own draws from the global generators.

        Raises:
            SpecError: a function of one's own gives something else than such images.
        """
        if self._own:
            return self._own_images(model, images, labels)
        assert streams is not None
        assert self._spec.epsilon is not None
        if self._spec.kind == "gaussian":
            return with_gaussian_noise(images, streams, self._spec.epsilon)
        assert self._spec.steps is not None
        return adversarial(model, images, labels, streams, self._spec.epsilon, self._spec.steps)

    def require_change(self) -> None:
        """Raises SpecError if no image so far was changed: its training would be the baseline's."""
        if not self._changes:
            raise SpecError(
                f"{self._spec.kind} returns every image of an epoch as it was given, so nothing is learned from it"
            )

    def _own_images(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        assert self._own is not None
        found = self._own(model, images.clone(), labels.clone(), **self._spec.options)
        if not isinstance(found, Tensor) or found.shape != images.shape or not found.is_floating_point():
            kind = f"{described(found)} of {found.dtype}" if isinstance(found, Tensor) else described(found)
            raise SpecError(f"{self._spec.kind} returns {kind}, not float32 images {tuple(images.shape)}")
        found = found.detach().to(torch.float32, copy=True)  # which also learns from what inference mode gave
        self._changes = self._changes or not torch.equal(found, images)
        return found


def with_gaussian_noise(images: Tensor, streams: Tensor, epsilon: float) -> Tensor:
    """Images with normal noise of a standard deviation that is uniform in [0, epsilon), one for each image, in [0, 1].

    Source: none of the paper's; as data augmentation of Rusak et al. 2020, with sizes as Lopes et al. 2019 draw them.
    """
    deviations = uniform(streams, 1).mul_(epsilon)
    noise = normal(streams, images[0].numel(), position=2).mul_(deviations)
    return noise.view_as(images).add_(images).clamp_(0, 1)


def adversarial(
    model: nn.Module, images: Tensor, labels: Tensor, streams: Tensor, epsilon: float, steps: int
) -> Tensor:
    """Images that the model tells less well, each within epsilon of its own in the largest norm, and in [0, 1].

    Source: Madry et al. 2018, from a uniform start, in steps of 2.5 epsilon / steps; one step is of 1.25 epsilon, as in
    Wong et al. 2020.
    """
    low, high = (images - epsilon).clamp_(min=0), (images + epsilon).clamp_(max=1)
    size = epsilon * min(1.25, 2.5 / steps)
    start = uniform(streams, images[0].numel()).mul_(2).sub_(1).mul_(epsilon)
    attacked = start.view_as(images).add_(images).clamp_(0, 1)
    for _ in range(steps):
        attacked.requires_grad_()
        loss = F.cross_entropy(model(attacked), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, attacked)
        attacked = torch.clamp(attacked.detach() + size * gradient.sign(), low, high)
    return attacked
