"""The Boundary attack on whole batches, against Foolbox with one image at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial

import torch
from torch import Tensor, nn

from benchmarks.contest import Ceiling, Contest, Disagreement, Way
from benchmarks.networks import (
    DTYPES,
    as_evaluated,
    as_in_a_run,
    as_trained,
    convolutions,
    same_logits,
    trained,
    unseen,
)
from benchmarks.reference import boundary as reference
from harness.evaluations import evaluate
from harness.evaluations.classifier import Classifier
from harness.evaluations.setting import Setting
from harness.models.pixels import unit_pixels
from harness.seeding import seed_of
from harness.spec import BoundarySpec

SPEC = BoundarySpec(repeats=1)
EASY_SPEC = BoundarySpec(repeats=1, start_draws=100)
"""Noise images that a start is looked for among: easy victims find one among the first few."""
SEEN = 700
"""Images of which victims are taken."""
AMOUNTS = {16: (100, 10), 64: (60, 10)}
"""By base width: images that the harness attacks, and that the plain way does."""
EASY_AMOUNTS = {16: (100, 4, 24), 64: (20, 2, 8)}
"""Likewise of easy victims, and how many both attack to be compared."""


def contests(device: torch.device) -> Iterator[Contest]:
    """50 steps on digits as they come, and on those that noise is not taken for.

    The model takes nearly all noise for one class. Of an image of that class the plain way asks a thousand times for a
    start, mostly in vain; the others, easy victims, show what steps alone cost.
    """
    for width, (many, few) in AMOUNTS.items():
        many_easy, few_easy, compared = EASY_AMOUNTS[width]
        network = trained(width, device)
        plain = as_trained(network)
        images = unseen(SEEN, device)
        taken = _taken_for_noise(plain, images)
        typical = [_only(images, _typical(taken, n)) for n in (many, few)]
        easy = _only(images, (~taken).nonzero()[:many_easy, 0])
        for name, dtype in DTYPES.items():
            ours = as_evaluated(network, dtype)
            typical, easy = [as_in_a_run(each, dtype) for each in typical], as_in_a_run(easy, dtype)
            title = f"Boundary attack, 50 steps, width {width}, {name}"
            check = cache(partial(_same, ours, plain, easy.first(compared), dtype))  # once for both contests
            yield _contest(title, ours, plain, typical, SPEC, check)
            ceiling = _ceiling(convolutions(width, dtype, device), ours, easy.first(compared))
            victims = easy, easy.first(few_easy)
            yield _contest(f"{title}, easy victims", ours, plain, victims, EASY_SPEC, check, ceiling)


def _contest(
    title: str,
    ours: nn.Module,
    plain: nn.Module,
    victims: Sequence[Setting],
    spec: BoundarySpec,
    check: Callable[[], str],
    *ceilings: Ceiling,
) -> Contest:
    """Between the harness, which attacks the first victims, and the plain way, which attacks the others."""
    many, few = victims
    attack = partial(reference.distances, plain, unit_pixels(few.images), spec)
    return Contest(
        title=title,
        harness=Way(title="whole batches", work=partial(evaluate, ours, many, spec), amount=len(many.images)),
        reference=Way(title="Foolbox, one at a time", work=attack, amount=len(few.images)),
        check=check,
        ceilings=ceilings,
    )


def _same(ours: nn.Module, plain: nn.Module, setting: Setting, dtype: torch.dtype) -> str:
    """Whether both ways come equally close to the same images, each from starts of its own.

    Raises:
        Disagreement: the mean ratio of their distances is further from 1 than three standard errors.
    """
    logits = same_logits(ours, plain, setting, dtype)
    with torch.random.fork_rng([setting.device] if setting.device.type == "cuda" else []):
        torch.manual_seed(seed_of(0, "Foolbox"))
        expected = reference.distances(plain, unit_pixels(setting.images), EASY_SPEC)
    found = torch.tensor([row.distance or torch.nan for row in evaluate(ours, setting, EASY_SPEC).images])
    ratios = (found / expected.cpu()).log()
    ratios = ratios[ratios.isfinite()]
    mean, error = float(ratios.mean()), float(ratios.std() / len(ratios) ** 0.5)
    if not abs(mean) <= 3 * error:
        raise Disagreement(f"the logarithm of the ratio of their distances is {mean:.3f} +- {error:.3f}")
    return f"{logits}; distances {math.exp(mean):.2f} times as large, standard error {error:.2f}, n = {len(ratios)}"


def _ceiling(images: Ceiling, model: nn.Module, setting: Setting) -> Ceiling:
    """What `images` allows of attacks, each of as many images as the setting's take on average."""

    def rate() -> float:
        *_, queries = evaluate(model, setting, EASY_SPEC).measurements
        assert queries.value is not None
        return images.rate() / queries.value

    return replace(images, rate=rate)


def _taken_for_noise(model: nn.Module, setting: Setting) -> Tensor:
    """Which images the model puts into the class that it puts most noise into: bool (n,)."""
    noise = torch.rand(EASY_SPEC.start_draws, *setting.images.shape[1:], device=setting.device)
    classifier = Classifier(model, setting, expected=len(noise) + len(setting.images))
    noise_class = classifier.predictions(noise).mode().values
    return classifier.predictions(unit_pixels(setting.images)) == noise_class


def _typical(marked: Tensor, n: int) -> Tensor:
    """Places of n images of which as large a share is marked as of all: int64 (n,)."""
    places = marked.long().argsort(stable=True)
    return places[((torch.arange(n, device=places.device) + 0.5) * len(places) / n).long()]


def _only(setting: Setting, places: Tensor) -> Setting:
    """The setting with only some of its images."""
    return replace(setting, images=setting.images[places], labels=setting.labels[places])
