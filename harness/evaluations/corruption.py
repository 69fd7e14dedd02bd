"""Accuracy on a corrupted test set in CIFAR-10-C's format."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.data.grayscale import as_color
from harness.data.sets import SEVERITIES
from harness.data.splits import Split
from harness.errors import DataDamaged
from harness.evaluations.classifier import Classifier
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.spec import CorruptionSpec


def corruption(model: nn.Module, setting: Setting, spec: CorruptionSpec) -> EvaluationResult:
    """Accuracy at each corruption and severity; `n_images` are the first n of each severity.

    Raises:
        NotEvaluable: some logits are not finite.
        DataMissing, DataDamaged: the corrupted set is absent, or not five severities of the same images.
    """
    if setting.corrupted is None or spec.corruptions is None:
        raise ValueError("a corruption spec is resolved when its corruptions are named and their set can be opened")
    # all are opened (in milliseconds) before any work is done for one of them
    sets = {name: by_severity(setting.corrupted(name), f"{spec.images}/{name}", setting) for name in spec.corruptions}
    expected = sum(len(images[0, : spec.n_images]) for images, _ in sets.values()) * len(spec.severities)
    classifier = Classifier(model, setting, expected)
    found = []
    for name, (images, labels) in sets.items():
        for severity in spec.severities:
            n = len(labels[: spec.n_images])
            right = _hits(classifier, setting, images[severity - 1, :n], labels[:n])
            found.append(Measurement(metric="accuracy", value=right / n, n=n, corruption=name, severity=severity))
    return EvaluationResult(measurements=tuple(found), images_classified=classifier.images_classified)


def _hits(classifier: Classifier, setting: Setting, images: Tensor, labels: Tensor) -> int:
    """How many images are classified right.

    images: uint8 (n, c, h, w), gray or in color, on any device; labels: (n,).
    """
    right = torch.zeros((), dtype=torch.int64, device=setting.device)
    for chunk, wanted in zip(torch.split(images, setting.chunk), torch.split(labels, setting.chunk), strict=True):
        seen = unit_pixels(as_color(chunk.to(setting.device), setting.color))
        right += (classifier.predictions(seen) == wanted.to(setting.device)).sum()
        classifier.refuse_not_finite()
        classifier.report(classifier.images_classified)
    return int(right)


def by_severity(split: Split, name: str, setting: Setting) -> tuple[Tensor, Tensor]:
    """The images (severities, n, c, h, w) and labels (n,) of a split that stacks its severities.

    Raises:
        DataDamaged: the split is something else.
    """
    images, labels = split.images, split.labels
    severities = len(SEVERITIES)
    if len(images) == 0 or len(images) % severities:
        raise DataDamaged(f"{name} holds {len(images)} images, which are not {severities} severities of the same ones")
    images, labels = images.reshape(severities, -1, *images.shape[1:]), labels.view(severities, -1)
    if not bool((labels == labels[0]).all()):
        raise DataDamaged(f"{name}: the labels are not the same for each of the {severities} severities")
    if images.shape[-2:] != setting.images.shape[-2:]:
        sizes = [" x ".join(map(str, shape[-2:])) for shape in (images.shape, setting.images.shape)]
        raise DataDamaged(f"{name}: its images are {sizes[0]}, the model's test images {sizes[1]}")
    return images, labels[0]
