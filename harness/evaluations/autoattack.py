"""Accuracy under AutoAttack: attacks along the model's own gradient, then a search that does not ask for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import NotEvaluable
from harness.evaluations.classifier import Classifier
from harness.evaluations.clean import clean_predictions
from harness.evaluations.curve import accuracies, sizes
from harness.evaluations.distance import distance_moved, farthest
from harness.evaluations.setting import Setting
from harness.measurement import LEFT_BY, EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.seeding import seed_of
from harness.spec import AutoAttackSpec
from harness.spec.evaluation import MOST_TARGETS

_METRICS = {attack: metric for metric, attack in LEFT_BY.items()}

_UNHEARD = logging.Logger("autoattack")  # for the library's remarks on single batches, which it prints without one
_UNHEARD.addHandler(logging.NullHandler())


def autoattack(model: nn.Module, setting: Setting, spec: AutoAttackSpec) -> EvaluationResult:
    """Accuracy at each size, once each attack was tried on the images that those before it left.

    An image that fell at a size has fallen at all larger ones, and is attacked no more. What an attack returns counts
    where it keeps to the size and the evaluated model misclassifies it. Beside the accuracy, by size: what each attack
    and those before it left, as a share of all images (`LEFT_BY`). Array: `hits` bool (sizes, n), which images are
    still classified right.

    Source: Croce and Hein 2020; at the defaults the attacks are their standard version, as RobustBench reports it. A
    curve of several sizes is not theirs.

    Raises:
        NotEvaluable: an attack cannot have such a model or such images, or some logits are not finite.
    """
    setting = setting.first(spec.n_images)
    n, epsilons = len(setting.images), sizes(spec)
    classifier = Classifier(model, setting, expected=n * (1 + (len(epsilons) - 1) * len(spec.attacks)))
    hits = [clean_predictions(classifier, setting) == setting.labels]
    attacker = _Attacker(classifier, setting, spec)
    left = list[Measurement]()
    for epsilon in epsilons[1:]:
        standing = hits[-1].clone()
        for attack in spec.attacks:
            for places in _batches(standing, spec.batch_size):
                standing[places] = attacker.left(places, attack, epsilon)
            classifier.refuse_not_finite()
            left.append(Measurement(metric=_METRICS[attack], value=int(standing.sum()) / n, n=n, epsilon=epsilon))
            classifier.report(n * (1 + len(left)))
        hits.append(standing)
    found = torch.stack(hits)
    return EvaluationResult(
        measurements=(*accuracies(epsilons, found.sum(1), n), *left),
        arrays={"hits": found.cpu().numpy()},
        images_classified=classifier.images_classified,
    )


def _batches(standing: Tensor, size: int) -> Iterator[Tensor]:
    """The places of the images that are left, `size` at a time."""
    return (places for places in torch.split(standing.nonzero().flatten(), size) if len(places))


def _follows_gradient(spec: AutoAttackSpec) -> bool:
    return {*spec.attacks} != {"square"}


def _require_attackable(logits: Tensor, setting: Setting, spec: AutoAttackSpec) -> None:
    """Raises NotEvaluable where an attack is none for such images, or such logits of one that asks for its gradient."""
    if refusal := spec.refusal(logits.shape[1], *setting.images.shape[2:]):
        raise NotEvaluable(refusal)
    if _follows_gradient(spec) and not logits.requires_grad:
        raise NotEvaluable(
            "the model's logits have no gradient in the pixels, which all attacks but square follow; "
            'say attacks = ["square"]'
        )


class _Attacker:
    """The library's attacks on one model."""

    def __init__(self, classifier: Classifier, setting: Setting, spec: AutoAttackSpec) -> None:
        self._classifier = classifier
        self._model = classifier.copied_model()
        self._setting = setting
        self._spec = spec
        with torch.enable_grad():
            logits = self._logits(unit_pixels(setting.images[:1]).requires_grad_(_follows_gradient(spec)))
        self._classes = logits.shape[1]
        _require_attackable(logits, setting, spec)

    def _logits(self, images: Tensor) -> Tensor:
        """The model for the library, which writes over logits, takes no others than float32, and keeps its images."""
        logits: Tensor = self._model(images.clone())
        return logits.to(torch.float32, copy=True)

    def left(self, places: Tensor, attack: str, epsilon: float) -> Tensor:
        """Which of the images at these places are classified right after all: (n,) bool."""
        images, labels = unit_pixels(self._setting.images[places]), self._setting.labels[places]
        seed = seed_of(self._spec.noise_seed, "autoattack", attack, f"{epsilon:.6g}", int(places[0]))
        attacked = self._of_library(attack, epsilon, seed).perturb(images, labels).detach().clamp(0, 1)
        misled = self._classifier.predictions(attacked) != labels
        return ~misled | (distance_moved(images, attacked, self._spec.norm) > farthest(epsilon))

    def _of_library(self, attack: str, epsilon: float, seed: int) -> Any:
        from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted
        from pyautoattack.fab_pt import FABAttack_PT
        from pyautoattack.square import SquareAttack

        spec, model, targets = self._spec, self._logits, min(MOST_TARGETS, self._classes - 1)
        shared = {"norm": {"linf": "Linf", "l2": "L2"}[spec.norm], "eps": epsilon, "seed": seed}
        match attack:
            case "apgd-ce":
                return _sparing(APGDAttack(model, n_iter=spec.steps, loss="ce", **shared))
            case "apgd-t":
                shared |= {"n_target_classes": targets, "logger": _UNHEARD}
                return _sparing(APGDAttack_targeted(model, n_iter=spec.steps, **shared))
            case "fab-t":
                return FABAttack_PT(model, n_iter=spec.steps, targeted=True, n_target_classes=targets, **shared)
            case _:
                return SquareAttack(model, n_queries=spec.queries, resc_schedule=False, **shared)


def _sparing(attack: Any) -> Any:
    """An APGD attack that asks no more about images that have fallen, where the library's takes all steps with them.

    What becomes of the others is the same: steps draw no random numbers, and look at an image's own logits only.
    """
    run, model = attack.attack_single_run, attack.model

    def spared(images: Tensor, labels: Tensor, start: Tensor | None = None) -> tuple[Tensor | None, ...]:
        attack.model = _Watched(model, images, labels)
        try:
            found: tuple[Tensor, ...] = run(images, labels, start)
        except _AllFell as end:
            return end.images, torch.zeros_like(labels), None, end.images
        finally:
            attack.model = model
        return found

    attack.attack_single_run = spared
    return attack


class _AllFell(Exception):
    """Each image was misclassified once: `images` as they were then, (n, c, h, w)."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.images = images


class _Watched:
    """A model in an attack that shows it the same images in each call, moved further and further."""

    def __init__(self, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> None:
        self._model = model
        self._labels = labels
        self._moved = images.clone()
        self._logits: Tensor | None = None
        self._left = torch.arange(len(labels), device=labels.device)

    def __call__(self, images: Tensor) -> Tensor:
        """The logits of all images: of those that fell what they were then; raises _AllFell when no other is left."""
        logits = self._model(images[self._left])
        fell = logits.detach().argmax(1) != self._labels[self._left]
        self._moved[self._left] = images.detach()[self._left]
        known = logits if self._logits is None else self._logits.index_put((self._left,), logits)
        self._left, self._logits = self._left[~fell], known.detach()
        if not len(self._left):
            raise _AllFell(self._moved)
        return known
