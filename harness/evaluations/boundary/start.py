"""Starting points of the Boundary attack: the image blended with noise until the model changes its mind."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from harness.evaluations.boundary.victims import Victims
from harness.evaluations.classifier import Classifier
from harness.seeding import image_streams, uniform
from harness.spec import BoundaryAttackSpec


class Starts(NamedTuple):
    """One starting point per victim."""

    images: Tensor
    """float32 (n, c, h, w): adversarial where found."""
    found: Tensor
    """bool (n,)."""
    queries: Tensor
    """int64 (n,)."""


def starting_points(
    classifier: Classifier,
    victims: Victims,
    spec: BoundaryAttackSpec,
    repeat: int,
    on_round: Callable[[int], None],
) -> Starts:
    """For each victim the first of `start_blends` blends with a noise image that is adversarial.

    Source: Foolbox's LinearSearchBlendedUniformNoiseAttack, whose queries at both ends (the image itself and the noise
    itself) are left out, since their answers are known. As there, a victim for which no noise image is adversarial goes
    on with its last one: a blend may be.
    """
    noise, found, queries = noise_starts(classifier, victims, spec.start_draws, spec.noise_seed, repeat)
    images = noise.clone()
    searching = torch.arange(len(found), device=found.device)
    for blend in range(1, spec.start_blends):
        weight = blend / spec.start_blends
        blended = victims.images[searching] * (1 - weight) + noise[searching] * weight
        adversarial = classifier.predictions(blended) != victims.labels[searching]
        queries[searching] += 1
        done = searching[adversarial]
        images[done] = blended[adversarial]
        found[done] = True
        searching = searching[~adversarial]
        on_round(blend)
        if not len(searching):
            break
    return Starts(images, found, queries)


def noise_starts(classifier: Classifier, victims: Victims, n_draws: int, seed: int, repeat: int = 0) -> Starts:
    """A noise image for each victim, adversarial if one of `n_draws` is.

    Noise does not depend on the image, so one pool of noise images is classified once, and each victim tries them in
    a random order of its own; `queries` counts its tries. For each image this is what drawing noise until it is
    adversarial gives, without the thousand queries for each image of the class that the model takes noise for.
    Two victims may share a noise image, which is rare unless the adversarial ones are.
    """
    device, shape = victims.images.device, victims.images.shape[1:]
    path = ("boundary", repeat)
    draws = torch.arange(n_draws, device=device)
    pool = uniform(image_streams(draws, seed, *path, "noise"), shape.numel()).view(-1, *shape)
    adversarial = classifier.predictions(pool)[None] != victims.labels[:, None]
    # a random number for each try: the smallest is tried first
    order = uniform(image_streams(victims.numbers, seed, *path, "order"), n_draws)
    found = adversarial.any(1)
    # without an adversarial one, any is as good as the last
    chosen = torch.where(adversarial | ~found[:, None], order, torch.inf).argmin(1)
    tries = (order <= order.gather(1, chosen[:, None])).sum(1)
    return Starts(pool[chosen], found, torch.where(found, tries, n_draws))
