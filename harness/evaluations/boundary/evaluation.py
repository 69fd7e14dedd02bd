"""Distance of the closest images that the Boundary attack finds, and the paper's score S(M)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.evaluations.boundary import attack, reference
from harness.evaluations.boundary.victims import Attack, Attacked, Victims
from harness.evaluations.classifier import Classifier
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, ImageResult, Measurement
from harness.models.pixels import unit_pixels
from harness.seeding import stream
from harness.spec import BoundaryAttackSpec, BoundarySpec

ATTACKS: dict[str, Attack] = {"own": attack.attack, "foolbox": reference.attack}


def boundary(model: nn.Module, setting: Setting, spec: BoundarySpec) -> EvaluationResult:
    """Per repeat: score, the starting points' score, and mean queries; and what became of each image.

    The score is the median over the images of ||x - x_adv||^2 / d, d the number of pixel values: higher is more robust.
    Images without a start are counted beside it. What must change is the model's own prediction, so that images
    which it gets wrong are attacked too.

    Source: appendix 7.1. The released code measures one channel only, and drops images whose start fails.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    measurements: list[Measurement] = []
    rows: list[ImageResult] = []
    classified = 0
    for repeat, (victims, attacked, so_far) in enumerate(attacked_repeats(model, setting, spec)):
        found = image_results(victims, attacked, repeat)
        measurements += summary(found, victims.labels)
        rows += found
        classified = so_far
    return EvaluationResult(measurements=tuple(measurements), images=tuple(rows), images_classified=classified)


class Repeat(NamedTuple):
    """One repeat of an attack."""

    victims: Victims
    attacked: Attacked
    images_classified: int
    """By this and the repeats before."""


def attacked_repeats(model: nn.Module, setting: Setting, spec: BoundaryAttackSpec) -> Iterator[Repeat]:
    """Attacks the spec's images as often as it says, each time with other random numbers.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    numbers = sample(len(setting.images), spec).to(setting.device)
    images = unit_pixels(setting.images[numbers])
    per_repeat = len(numbers) * (spec.start_blends + spec.steps)
    classifier = Classifier(model, setting, expected=spec.repeats * per_repeat)
    victims = Victims(numbers=numbers, images=images, labels=classifier.predictions(images))
    classifier.refuse_not_finite()
    for repeat in range(spec.repeats):

        def on_share(share: float, before: int = repeat) -> None:
            classifier.report(round((before + share) * per_repeat))

        attacked = ATTACKS[spec.backend](classifier, victims, spec, repeat, on_share)
        classifier.refuse_not_finite()
        on_share(1.0)
        yield Repeat(victims, attacked, classifier.images_classified)


def sample(n: int, spec: BoundaryAttackSpec) -> Tensor:
    """Positions of the attacked images in a split of n: drawn once for all models, in ascending order.

    A smaller sample is part of a larger one.
    """
    order = torch.randperm(n, generator=stream(spec.noise_seed, "boundary", "images", n))
    return order[: spec.n_images].sort().values


def image_results(victims: Victims, attacked: Attacked, repeat: int) -> list[ImageResult]:
    """One row per victim."""
    columns = (
        victims.numbers,
        attacked.found,
        victims.distances(attacked.images),
        victims.distances(attacked.starts),
        attacked.queries + 1,  # the one about the original
    )
    return [
        ImageResult(
            image=image,
            repeat=repeat,
            distance=distance if found else None,
            start_distance=start if found else None,
            queries=queries,
            outcome="ok" if found else "no_start",
        )
        for image, found, distance, start, queries in zip(*(column.tolist() for column in columns), strict=True)
    ]


def summary(rows: Sequence[ImageResult], labels: Tensor) -> list[Measurement]:
    """One repeat's numbers. labels: the model's predictions for the attacked images."""
    distances = {
        "score": [row.distance for row in rows if row.distance is not None],
        "start_score": [row.start_distance for row in rows if row.start_distance is not None],
    }
    classes = len(set(labels.tolist()))
    reason = f"no image had a starting point; the model puts the {len(rows)} images into {classes} of its classes"
    repeat = rows[0].repeat
    return [
        *(
            Measurement(
                metric=metric,
                value=statistics.median(found) if found else None,
                n=len(found),
                n_failed=len(rows) - len(found),
                repeat=repeat,
                reason=None if found else reason,
            )
            for metric, found in distances.items()
        ),
        Measurement(metric="queries", value=statistics.fmean(row.queries for row in rows), n=len(rows), repeat=repeat),
    ]
