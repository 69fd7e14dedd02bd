"""Foolbox's own Boundary attack, one image at a time: what the one for batches is tested against."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor, nn

from harness.evaluations.boundary.victims import Attacked, Victims
from harness.evaluations.classifier import Classifier
from harness.seeding import seed_of
from harness.spec import BoundaryAttackSpec


def attack(
    classifier: Classifier, victims: Victims, spec: BoundaryAttackSpec, repeat: int, on_share: Callable[[float], None]
) -> Attacked:
    """Attacks each victim alone: Foolbox's batches share one direction, and fail whole when one image has no start.

    It draws from torch's global generator, which is seeded for each image; `evaluate` puts it back.
    """
    n, device = len(victims.images), victims.images.device
    found, queries = torch.zeros(n, dtype=torch.bool), torch.zeros(n, dtype=torch.int64)
    starts, images = victims.images.clone(), victims.images.clone()
    attack_one = _Foolbox(classifier, spec, device)
    for row, number in enumerate(victims.numbers.tolist()):
        before = classifier.images_classified
        torch.manual_seed(seed_of(spec.noise_seed, "boundary", "foolbox", repeat, number))
        result = attack_one(victims.images[row : row + 1], victims.labels[row : row + 1])
        if result is not None:
            found[row] = True
            starts[row : row + 1], images[row : row + 1] = result
        queries[row] = classifier.images_classified - before
        on_share((row + 1) / n)
    return Attacked(found=found.to(device), starts=starts, images=images, queries=queries.to(device))


class _Foolbox:
    """Foolbox's attack with a spec's parameters."""

    def __init__(self, classifier: Classifier, spec: BoundaryAttackSpec, device: torch.device) -> None:
        foolbox = imported_foolbox()
        self._criterion = foolbox.criteria.Misclassification
        self._model = foolbox.PyTorchModel(_Logits(classifier).eval(), bounds=(0, 1), device=device)
        self._start = foolbox.attacks.LinearSearchBlendedUniformNoiseAttack(
            directions=spec.start_draws, steps=spec.start_blends
        )
        self._walk = foolbox.attacks.BoundaryAttack(
            steps=spec.steps,
            spherical_step=spec.spherical_step,
            source_step=spec.source_step,
            source_step_convergance=spec.source_step_convergence,
            step_adaptation=spec.step_adaptation,
        )

    def __call__(self, image: Tensor, label: Tensor) -> tuple[Tensor, Tensor] | None:
        """Starting point and result, or None where Foolbox finds no start. image: (1, c, h, w)."""
        criterion = self._criterion(label)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*failed to draw sufficient random")
            start: Tensor = self._start.run(self._model, image, criterion)
        try:
            return start, self._walk.run(self._model, image, criterion, starting_points=start)
        except ValueError as error:
            if "starting_points are not adversarial" not in str(error):
                raise
            return None


class _Logits(nn.Module):
    """A counted classifier as the module that Foolbox asks for."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self._classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        return self._classifier.logits(images)


def imported_foolbox() -> ModuleType:
    """Foolbox, imported on use: it takes a second, and only this attack needs it."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # or it cannot be imported where git is not installed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports scipy.ndimage.filters
        import foolbox
    return foolbox
