"""The table of claims: that it can be tested on the suites there are, and says what the paper says."""

from __future__ import annotations

import re

import pytest

from harness.report.claims.claim import DIRECTIONS, Part
from harness.report.claims.findings import SUITES
from harness.report.claims.measures import MEASURES, WHOLE_GRID
from harness.report.claims.outcome import resolved
from harness.report.claims.paper import CLAIMS
from harness.report.published_gammas import GAMMAS
from harness.spec import PROFILES
from harness.suites.registry import get_suites

CIFAR_SETS = {"none", "cifar10", "cifar100", "imagenet"}
MNIST_SETS = {"none", "mnist", "fashionmnist"}
CONDITIONS = {
    "grayscale-cifar10": {"none", "pixel", "threshold", "threshold-cifar10"},
    "neural": {"none", "pixel", "threshold", "neural", "raw", "shuffled", "label", "features"},
    "hyperparameters": {"none", "threshold[alpha=10,threshold=0.8]"},
    "regularization-sets": CIFAR_SETS,
    "frequency": CIFAR_SETS,
    "pair-batch-size": {"none", *(f"threshold[pairs_per_batch={k}]" for k in (4, 8, 16, 32))},
    "image-count": {"none", *(f"threshold[n_images={n}]" for n in (100, 1000, 5000))},
    "color-cifar10": CIFAR_SETS,
    "color-cifar100": CIFAR_SETS,
    "grayscale-cifar100": CIFAR_SETS,
    "mnist": MNIST_SETS,
    "fashionmnist": MNIST_SETS,
    "robustbench": {
        "none",
        "threshold",
        "standard",
        "carmon2019unlabeled",
        "engstrom2019robustness",
        "modas2021primeresnet18",
    },
}
"""Conditions at the paper's scale of the suites that claims are tested on."""

PARTS = [pytest.param(part, id=f"{claim.name}-{i}") for claim in CLAIMS for i, part in enumerate(claim.parts)]


def test_every_claim_is_named_once_and_says_where_it_stands() -> None:
    names = [claim.name for claim in CLAIMS]
    assert len(names) == len(set(names))
    for claim in CLAIMS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", claim.name)
        assert re.match(r"(Sections?|Appendix) \d.*(Figure|Table)s? \d", claim.where), claim.where
        assert claim.sentence.endswith(".")
        assert claim.parts


@pytest.mark.parametrize("part", PARTS)
def test_a_part_names_what_there_is(part: Part) -> None:
    names = CONDITIONS[part.suite]
    if part.condition != WHOLE_GRID:
        assert resolved(part.condition, sorted(names)) in names
    if part.against is not None:
        assert resolved(part.against, sorted(names)) in names - {resolved(part.condition, sorted(names))}
    assert part.measure in MEASURES
    assert part.side in DIRECTIONS


def test_the_ends_of_grids_are_the_papers() -> None:
    [pairs] = {part.condition for claim in CLAIMS for part in claim.parts if part.suite == "pair-batch-size"}
    [images] = {part.condition for claim in CLAIMS for part in claim.parts if part.suite == "image-count"}
    assert resolved(pairs, sorted(CONDITIONS["pair-batch-size"])) == "threshold[pairs_per_batch=4]"
    assert resolved(images, sorted(CONDITIONS["image-count"])) == "threshold[n_images=100]"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", SUITES)
def test_the_suites_have_what_claims_compare(name: str, profile: str) -> None:
    [suite] = get_suites(name, profile)
    for part in (part for claim in CLAIMS for part in claim.parts if part.suite == name):
        conditions = {part.condition, part.against} - {None, WHOLE_GRID}
        assert {resolved(condition, tuple(suite.conditions)) for condition in conditions} <= set(suite.conditions)
        assert set(MEASURES[part.measure].evaluations) <= set(suite.evaluations)


def test_the_published_share_of_the_early_taps_stands_beside_each_part() -> None:
    parts = [part for claim in CLAIMS for part in claim.parts if part.measure == "early_taps"]
    assert len(parts) == len(GAMMAS)
    assert {part.published for part in parts if part.suite == "mnist"} == {0.875, 1.0}
