"""Accuracy on FGSM examples that were made with another network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.errors import NotEvaluable
from harness.evaluations.curve import curve, sizes
from harness.evaluations.remembered import PerImage
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Progress
from harness.models.pixels import unit_pixels
from harness.spec import FgsmTransferSpec


def fgsm_transfer(model: nn.Module, setting: Setting, spec: FgsmTransferSpec) -> EvaluationResult:
    """Accuracy at each size of x + epsilon * sign, with the signs of the substitute's gradients.

    Source: equation 1. The released code computes the gradients anew for each size and one image at a time; they do not
    depend on the size, so here each image has one, in float32.

    Raises:
        NotEvaluable: some logits of the model or of the substitute are not finite.
    """
    substitute = setting.substitute
    if substitute is None:
        raise ValueError("fgsm_transfer needs a substitute")
    setting = setting.first(spec.n_images)
    signs = _shared_signs(substitute, setting, expected=len(setting.images) * len(sizes(spec)))
    return curve(model, setting, spec, lambda rows, epsilon: signs[rows] * epsilon)


def gradient_signs(substitute: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Sign of the cross-entropy's gradient in the pixels, at the true labels: int8 (n, c, h, w), 0 where it vanishes.

    images: (n, c, h, w) float32 in [0, 1]; labels: (n,).

    Raises:
        NotEvaluable: some logits of the substitute are not finite.
    """
    with torch.enable_grad():
        pixels = images.detach().requires_grad_()
        logits = substitute(pixels)
        if not bool(logits.isfinite().all()):
            raise NotEvaluable("the substitute's logits are not finite: train it again, or choose another seed for it")
        # a sum, so that no image's gradient shrinks with the number of others
        (gradient,) = torch.autograd.grad(functional.cross_entropy(logits, labels, reduction="sum"), pixels)
    return gradient.sign().to(torch.int8)


def _shared_signs(substitute: nn.Module, setting: Setting, expected: int) -> Tensor:
    """The signs for all test images; models that are attacked with the same substitute object share them."""

    def found() -> Tensor:
        parts = []
        for rows in setting.chunks():
            parts.append(gradient_signs(substitute, unit_pixels(setting.images[rows]), setting.labels[rows]))
            text = f"substitute's gradients {rows.stop}/{len(setting.images)}"
            setting.on_progress(Progress(done=0, total=expected, text=text))
        return torch.cat(parts)

    return _signs.of(substitute, setting, found)


_signs = PerImage()
