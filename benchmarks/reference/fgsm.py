"""Transferred FGSM, one image at a time, with the gradient computed anew for each size."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.reference.passes import Loader, accuracy


def gradient_sign(substitute: nn.Module, image: Tensor, label: Tensor) -> Tensor:
    """Sign of the cross-entropy's gradient. image: (1, c, h, w) in [0, 1]; label: (1,)."""
    pixels = image.clone().requires_grad_()
    F.cross_entropy(substitute(pixels), label).backward()  # type: ignore[no-untyped-call]
    assert pixels.grad is not None
    return pixels.grad.sign()


def gradient_signs(substitute: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Of each image: (n, c, h, w)."""
    each = zip(torch.split(images, 1), torch.split(labels, 1), strict=True)
    return torch.cat([gradient_sign(substitute, image, label) for image, label in each])


def curve(
    model: nn.Module, substitute: nn.Module, batches: Loader, epsilons: Iterable[float], device: torch.device
) -> list[float]:
    """Accuracy at each size; without a perturbation there is no gradient to compute."""
    found = []
    for epsilon in epsilons:
        attacked = []
        for images, labels in batches:
            images, labels = images.to(device), labels.to(device)
            if epsilon:
                images = (images + epsilon * gradient_signs(substitute, images, labels)).clamp(0, 1)
            attacked.append((images, labels))
        found.append(accuracy(model, attacked, device))
    return found
