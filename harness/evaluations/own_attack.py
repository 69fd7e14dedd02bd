"""Accuracy under an attack of a researcher's own, made with the model itself or with a substitute."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from harness.errors import NotEvaluable
from harness.evaluations.attacker import Attacker
from harness.evaluations.classifier import Classifier
from harness.evaluations.clean import clean_predictions
from harness.evaluations.curve import accuracies, sizes
from harness.evaluations.distance import distance_moved, farthest
from harness.evaluations.remembered import Series
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult
from harness.spec import OwnAttackSpec, OwnTransferredAttackSpec, SizedAttackSpec, digest


def own_attack(model: nn.Module, setting: Setting, spec: OwnAttackSpec) -> EvaluationResult:
    """Accuracy at each size, on what the attack makes of the images when it is told the size.

    At size 0 the images are left as they are. Array: `hits` bool (sizes, n), which images are classified right.

    Raises:
        SpecError: it returns something else than images.
        NotEvaluable: what it returns is not finite or exceeds its size, or some logits are not finite.
    """
    setting = setting.first(spec.n_images)
    classifier = _classifier(model, setting, spec)
    attacker = Attacker(classifier.copied_model, setting, spec)
    return _curve(classifier, attacker, attacker.series(sizes(spec)[1:]), setting, spec)


def own_transferred_attack(model: nn.Module, setting: Setting, spec: OwnTransferredAttackSpec) -> EvaluationResult:
    """The same, with an attack that is given the substitute in float32: all models see the same images.

    Raises:
        SpecError, NotEvaluable: as for `own_attack`.
    """
    substitute = setting.substitute
    if substitute is None:
        raise ValueError("own_transferred_attack needs a substitute")
    setting = setting.first(spec.n_images)
    attacker = Attacker(lambda: copy.deepcopy(substitute), setting, spec)
    what = setting.attack, digest(spec.replaced(precision="float32"))  # the evaluated model's has no part in them
    attacked = _attacked.of(substitute, setting, what, attacker.series(sizes(spec)[1:]))
    return _curve(_classifier(model, setting, spec), attacker, attacked, setting, spec)


def _classifier(model: nn.Module, setting: Setting, spec: SizedAttackSpec) -> Classifier:
    return Classifier(model, setting, expected=len(setting.images) * spec.sizes)


def _curve(
    classifier: Classifier, attacker: Attacker, attacked: Iterable[Tensor], setting: Setting, spec: SizedAttackSpec
) -> EvaluationResult:
    """The accuracies; attacked: what was made of each batch, at one size after the other."""
    n, epsilons = len(setting.images), sizes(spec)
    hits = torch.zeros(len(epsilons), n, dtype=torch.bool, device=setting.device)
    hits[0] = clean_predictions(classifier, setting) == setting.labels
    done = n
    places = ((batch, index) for batch in attacker.batches() for index in range(1, len(epsilons)))
    for (batch, index), images in zip(places, attacked, strict=True):
        if spec.norm != "none":
            _require_size(distance_moved(batch.images, images, spec.norm).max().item(), epsilons[index], spec)
        hits[index, batch.rows] = classifier.predictions(images) == batch.labels
        classifier.refuse_not_finite()
        done += len(images)
        classifier.report(done)
    return EvaluationResult(
        measurements=accuracies(epsilons, hits.sum(1), n),
        arrays={"hits": hits.cpu().numpy()},
        images_classified=classifier.images_classified,
    )


def _require_size(largest: float, epsilon: float, spec: SizedAttackSpec) -> None:
    """Raises NotEvaluable where the largest distance of a batch exceeds its size."""
    if largest > farthest(epsilon):
        raise NotEvaluable(
            f"{spec.function} moves an image by {largest:.4g} ({spec.norm}) where its size is {epsilon:.4g}; "
            'fix the attack, or set another norm, or norm = "none"'
        )


_attacked = Series(1 << 29)
"""A quarter of what a worker may need: 10,000 gray images of 32 x 32 at nine sizes take 370 MB."""
