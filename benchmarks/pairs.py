"""Pairs drawn on the fly, against a list of all pairs and the matrix of their similarities."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from benchmarks.contest import Contest, Disagreement, Way
from benchmarks.reference import pairs as reference
from harness.regularization.numbering import pair_total
from harness.regularization.pairs import PairSampler
from harness.seeding import stream
from harness.spec.training import RegularizerSpec

N, N_MANY = 5000, 50_000
N_DRAWN = 12_384
"""Pairs of an epoch of CIFAR-10."""
SPEC = RegularizerSpec(target="pixel", alpha=10, images="noise", n_images=N)
TOLERANCE = 1e-5


def contests(device: torch.device) -> Iterator[Contest]:
    """Set-up for the paper's number of images and for ten times as many, and an epoch's pairs; images of noise."""
    many = torch.randint(0, 256, (N_MANY, 1, 32, 32), dtype=torch.uint8, generator=stream(0, "noise")).to(device)
    few = many[:N]
    listed = Way(title="a matrix and a list", work=partial(reference.pair_list, few), amount=pair_total(N))
    for title, images in ((f"pair set, N = {N:,}", few), (f"pair set, N = {N_MANY:,}; the plain way {N:,}", many)):
        yield Contest(
            title=title,
            harness=Way(title="on the fly", work=partial(PairSampler, images, SPEC), amount=pair_total(len(images))),
            reference=listed,
            check=partial(_same_targets, images),
            unit="pairs",
        )
    yield _epoch(few)


def _epoch(images: Tensor) -> Contest:
    sampler, listed = PairSampler(images, SPEC), reference.pair_list(images)
    ours, theirs = stream(0, "an epoch"), stream(0, "an epoch, plain")
    return Contest(
        title=f"pairs of an epoch, N = {N:,}",
        harness=Way(title="on the fly", work=lambda: sampler.draw(N_DRAWN, ours), amount=N_DRAWN),
        reference=Way(
            title="of a list in random order", work=lambda: reference.drawn(listed, N_DRAWN, theirs), amount=N_DRAWN
        ),
        check=partial(_same_targets, images),
        unit="pairs",
    )


def _same_targets(images: Tensor) -> str:
    """Whether the pairs' targets are what the matrix of the first images has for them.

    Raises:
        Disagreement: one differs by more than rounding.
    """
    pairs = PairSampler(images[:N], SPEC).draw(N_DRAWN, stream(0, "checked pairs"))
    expected = reference.similarity_matrix(images[:N])[pairs.rows, pairs.columns]
    difference = float((pairs.targets - expected).abs().max())
    if difference > TOLERANCE:
        raise Disagreement(f"similarities differ by {difference:.1e}")
    return f"similarities within {difference:.0e}"
