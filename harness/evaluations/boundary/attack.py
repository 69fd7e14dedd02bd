"""The own Boundary attack, for whole batches."""

from __future__ import annotations

from collections.abc import Callable

from harness.evaluations.boundary.start import starting_points
from harness.evaluations.boundary.victims import Attacked, Victims
from harness.evaluations.boundary.walk import walk
from harness.evaluations.classifier import Classifier
from harness.spec import BoundaryAttackSpec


def attack(
    classifier: Classifier, victims: Victims, spec: BoundaryAttackSpec, repeat: int, on_share: Callable[[float], None]
) -> Attacked:
    """The algorithm of Foolbox's BoundaryAttack. What becomes of an image does not depend on the others.

    Images leave the batch as soon as they are done: a start that is found, a walk that has converged.
    """
    rounds = spec.start_blends - 1 + spec.steps
    starts = starting_points(classifier, victims, spec, repeat, lambda done: on_share(done / rounds))
    walked = walk(
        classifier, victims, starts, spec, repeat, lambda done: on_share((spec.start_blends - 1 + done) / rounds)
    )
    return Attacked(
        found=starts.found, starts=starts.images, images=walked.images, queries=starts.queries + walked.queries
    )
