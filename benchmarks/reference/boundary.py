"""Foolbox's Boundary attack, one image at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.evaluations.boundary.reference import imported_foolbox
from harness.spec import BoundarySpec


def distances(model: nn.Module, images: Tensor, spec: BoundarySpec) -> Tensor:
    """||x - x_adv||^2 / d of each image: (n,), NaN where Foolbox finds no start.

    images: (n, c, h, w) in [0, 1].
    """
    foolbox = imported_foolbox()
    attacked = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
    start = foolbox.attacks.LinearSearchBlendedUniformNoiseAttack(directions=spec.start_draws, steps=spec.start_blends)
    attack = foolbox.attacks.BoundaryAttack(init_attack=start, steps=spec.steps)
    found = images.new_full((len(images),), torch.nan)
    for row, image in enumerate(torch.split(images, 1)):
        with torch.no_grad():
            criterion = foolbox.criteria.Misclassification(model(image).argmax(1))
        try:
            _, adversarial, _ = attack(attacked, image, criterion, epsilons=None)
        except ValueError as error:
            if "init_attack failed" not in str(error):
                raise
        else:
            found[row] = (adversarial - image).square().mean()
    return found
