"""The walk of the Boundary attack: along the decision boundary, closer and closer to the original."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from harness.evaluations.boundary.start import Starts
from harness.evaluations.boundary.step_sizes import SPHERE_WINDOW, UPDATE_EVERY, StepSizes
from harness.evaluations.boundary.victims import Victims
from harness.evaluations.classifier import Classifier
from harness.seeding import image_streams, normal
from harness.spec import BoundaryAttackSpec


class Walked(NamedTuple):
    """Where the walks ended."""

    images: Tensor
    """float32 (n, c, h, w): the closest adversarial images."""
    queries: Tensor
    """int64 (n,)."""


def walk(
    classifier: Classifier,
    victims: Victims,
    starts: Starts,
    spec: BoundaryAttackSpec,
    repeat: int,
    on_round: Callable[[int], None],
) -> Walked:
    """Walks `steps` steps from each starting point that was found; walks that have converged stop.

    Source: Brendel et al. 2018 as Foolbox's BoundaryAttack has it, with independent directions for each image, where
    Foolbox shares one among a batch. Its queries on the sphere only feed statistics that cannot change a step before
    the 1001st: shorter walks leave them out.
    """
    originals, best = victims.images.flatten(1), starts.images.flatten(1).clone()
    shape, (n, size) = victims.images.shape[1:], best.shape
    streams = image_streams(victims.numbers, spec.noise_seed, "boundary", repeat, "walk")
    numbers_per_step = size + size % 2  # `normal` wants even positions
    steps = StepSizes(n, spec, best.device)
    queries = torch.zeros(n, dtype=torch.int64, device=best.device)
    stepped, on_sphere = (torch.zeros(n, dtype=torch.bool, device=best.device) for _ in range(2))
    asks_on_sphere = spec.steps > UPDATE_EVERY * SPHERE_WINDOW
    active = (starts.found & (steps.source >= spec.source_step_convergence)).nonzero().flatten()

    def adversarial(images: Tensor, rows: Tensor) -> Tensor:
        queries[rows] += 1
        return classifier.predictions(images.view(-1, *shape)) != victims.labels[rows]

    for step in range(1, spec.steps + 1):
        if not len(active):
            break
        updates = step % UPDATE_EVERY == 0
        for rows in torch.split(active, classifier.chunk):
            directions = normal(streams[rows], size, position=(step - 1) * numbers_per_step)
            original = originals[rows]
            proposal = propose(original, best[rows], directions, steps.spherical[rows], steps.source[rows])
            stepped[rows] = adversarial(proposal.inside, rows)
            if updates and asks_on_sphere:
                on_sphere[rows] = adversarial(proposal.on_sphere, rows)
            # closer by construction, but for rounding
            better = stepped[rows] & (_norms(original - proposal.inside) < proposal.distances).squeeze(1)
            best[rows[better]] = proposal.inside[better]
        if updates:
            steps.adapt(on_sphere if asks_on_sphere else None, stepped)
            active = active[steps.source[active] >= spec.source_step_convergence]
        on_round(step)
    return Walked(best.view(-1, *shape), queries)


class Proposal(NamedTuple):
    """Where a step may lead; distances are from the original."""

    on_sphere: Tensor
    """(n, d): beside the best one so far, at the same distance."""
    inside: Tensor
    """(n, d): from there a step towards the original."""
    distances: Tensor
    """(n, 1): of the best one so far."""


def propose(
    originals: Tensor, best: Tensor, directions: Tensor, spherical_steps: Tensor, source_steps: Tensor
) -> Proposal:
    """A random step on the sphere around the original, then a step inwards, both clipped to [0, 1].

    originals, best, directions: (n, d); spherical_steps, source_steps: (n,), relative to the distance.
    """
    spherical_steps, source_steps = spherical_steps[:, None], source_steps[:, None]
    inward = originals - best
    distances = _norms(inward)
    unit = inward / distances
    tangents = directions - (directions * unit).sum(1, keepdim=True) * unit
    tangents = tangents * (spherical_steps * distances / _norms(tangents))
    # Pythagoras brings the end of the tangent back to the sphere
    on_sphere = (originals + (tangents - inward) / (spherical_steps.square() + 1).sqrt()).clamp_(0, 1)
    inward = originals - on_sphere
    lengths = _norms(inward)
    # clipping has left the sphere: the step makes up for it, but never leads outwards
    step = (source_steps * distances + lengths - distances).clamp_(min=0) / lengths
    inside = (on_sphere + step * inward).clamp_(0, 1)
    return Proposal(on_sphere, inside, distances)


def _norms(rows: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return norms
