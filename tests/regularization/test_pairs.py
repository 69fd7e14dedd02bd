from __future__ import annotations

import resource

import pytest
import torch
from pretended_device import DEVICE, pretended_device
from scipy.stats import chi2
from sklearn.datasets import load_digits
from torch import Tensor

from harness.errors import EmptyPairRange
from harness.regularization.numbering import number_of
from harness.regularization.pairs import PairSampler
from harness.regularization.ranges import members, pair_ranges
from harness.regularization.similarity import row_similarity, unit_rows
from harness.seeding import stream
from harness.spec.training import PairRange, RegularizerSpec

RANGES: tuple[PairRange, ...] = ("all", "high", "low", "high_positive", "positive", "negative", "double")
TARGETS = {
    "all": {-1, 0, 1},
    "high": {-1, 1},
    "low": {0},
    "high_positive": {1},
    "positive": {0, 1},
    "negative": {-1, 0},
    "double": {-1, 0, 1},
}


DIGITS = torch.from_numpy(load_digits().images[:, None])


def digits(n: int) -> Tensor:
    return DIGITS[:n]


def specification(pair_range: PairRange, threshold: float = 0.3) -> RegularizerSpec:
    low = threshold / 3 if pair_range == "double" else None
    return RegularizerSpec(
        target="threshold", alpha=10, images="digits", pair_range=pair_range, threshold=threshold, threshold_low=low
    )


@pytest.fixture(params=["rejected", "listed"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either way to draw from a range, whatever the range's share of all pairs."""
    share = {"rejected": 0.0, "listed": 2.0}[request.param]
    monkeypatch.setattr("harness.regularization.pairs._WORTH_REJECTING", share)
    return str(request.param)


@pytest.mark.parametrize("pair_range", RANGES)
def test_another_device_draws_the_same_pairs(pair_range: PairRange, way: str) -> None:
    images, spec = digits(24), specification(pair_range)
    expected = PairSampler(images, spec).draw(8, stream(0, "pairs"))
    with pretended_device():
        found = PairSampler(images.to(DEVICE), spec).draw(8, stream(0, "pairs"))
        assert {part.device for part in found} == {DEVICE}
        assert all(torch.equal(part.cpu(), before) for part, before in zip(found, expected, strict=True))


@pytest.mark.parametrize("pair_range", RANGES)
def test_draws_are_uniform_over_exactly_the_pairs_of_the_range(pair_range: PairRange, way: str) -> None:
    images, spec, draws = digits(24), specification(pair_range), 600
    assert spec.threshold is not None
    expected = members(unit_rows(images), pair_ranges(spec.threshold, spec.threshold_low)[pair_range]).sort().values
    sampler, generator, n = PairSampler(images, spec), stream(0, pair_range, way), len(expected) // 3
    drawn = [sampler.draw(n, generator) for _ in range(draws)]
    numbers, counts = torch.cat([number_of(pairs.rows, pairs.columns) for pairs in drawn]).unique(return_counts=True)
    assert torch.equal(numbers, expected)
    # Pearson's statistic, with the smaller variance of counts drawn without replacement
    size, mean = len(expected), draws * n / len(expected)
    statistic = ((counts - mean) ** 2).sum().item() / mean / (1 - n / size) * (size - 1) / size
    assert chi2.sf(statistic, size - 1) > 1e-3
    assert chi2.cdf(statistic, size - 1) > 1e-3


@pytest.mark.parametrize("pair_range", RANGES)
def test_pairs_are_ordered_distinct_and_in_the_range(pair_range: PairRange, way: str) -> None:
    sampler = PairSampler(digits(100), specification(pair_range))
    pairs = sampler.draw(200, stream(0, "epoch"))
    assert (pairs.rows < pairs.columns).all()
    assert len(number_of(pairs.rows, pairs.columns).unique()) == 200
    assert {int(target) for target in pairs.targets.unique()} == TARGETS[pair_range]
    assert pairs.targets.dtype == torch.float32


@pytest.mark.parametrize("pair_range", RANGES)
def test_a_draw_is_a_function_of_the_generator(pair_range: PairRange) -> None:
    first, again = (
        PairSampler(digits(50), specification(pair_range)).draw(40, stream(7, "pairs", 3)) for _ in range(2)
    )
    other = PairSampler(digits(50), specification(pair_range)).draw(40, stream(7, "pairs", 4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.rows, other.rows)


@pytest.mark.parametrize(
    ("threshold", "n", "numbers"),
    [
        (0.3, 6, [4111, 4936, 2470, 2539, 12, 2350]),
        (0.3, 700, [4047, 3780, 951, 3891, 1329, 3542]),
        (0.4, 6, [834, 3736, 2258, 4553, 2042, 1345]),
    ],
    ids=["rejected", "listed for being many", "listed for being rare"],
)
def test_a_training_that_an_earlier_version_began_goes_on_with_the_same_pairs(
    threshold: float, n: int, numbers: list[int]
) -> None:
    pairs = PairSampler(digits(100), specification("high", threshold)).draw(n, stream(0, "pairs", 3))
    assert number_of(pairs.rows, pairs.columns)[:6].tolist() == numbers


def test_pixel_targets_are_the_similarities() -> None:
    images = digits(60)
    pairs = PairSampler(images, RegularizerSpec(target="pixel", alpha=10, images="digits")).draw(500, stream(0, "p"))
    assert torch.equal(pairs.targets, row_similarity(unit_rows(images), pairs.rows, pairs.columns))


@pytest.mark.parametrize("pair_range", ["high", "low", "high_positive", "positive", "negative"])
def test_a_pair_at_the_very_threshold_is_never_drawn(pair_range: PairRange, way: str) -> None:
    images = digits(30)
    rows = unit_rows(images)
    i, j = torch.triu_indices(30, 30, offset=1)
    similarity = row_similarity(rows, i, j)
    for threshold in similarity[(similarity > 0.1) & (similarity < 0.4)][::10].tolist():
        sampler, generator = PairSampler(images, specification(pair_range, threshold)), stream(0, "edge")
        drawn = torch.stack([torch.stack(sampler.draw(5, generator)[:2]) for _ in range(40)], dim=2).flatten(1)
        assert not (row_similarity(rows, *drawn.long()).abs() == threshold).any()


@pytest.mark.parametrize("pair_range", RANGES)
def test_a_range_of_too_few_pairs_is_repeated_in_whole_passes(pair_range: PairRange, way: str) -> None:
    images, spec = digits(12), specification(pair_range)
    assert spec.threshold is not None
    size = len(members(unit_rows(images), pair_ranges(spec.threshold, spec.threshold_low)[pair_range]))
    pairs = PairSampler(images, spec).draw(2 * size + 1, stream(0, "passes"))
    numbers = number_of(pairs.rows, pairs.columns)
    assert len(numbers[:size].unique()) == len(numbers[size : 2 * size].unique()) == size
    assert numbers.unique(return_counts=True)[1].sort().values.tolist() == [2] * (size - 1) + [3]
    if size > 5:
        assert not torch.equal(numbers[:size], numbers[size : 2 * size])


@pytest.mark.parametrize(("pair_range", "listed_at_most"), [("all", 10**6), ("low", 10**6), ("high", 0)])
def test_common_ranges_and_ranges_of_too_many_pairs_are_not_listed(
    pair_range: PairRange, listed_at_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.regularization.pairs._LISTED_AT_MOST", listed_at_most)
    monkeypatch.setattr("harness.regularization.pairs.members", lambda *_: pytest.fail("listed"))
    sampler = PairSampler(digits(100), specification(pair_range, 0.7))
    assert len(sampler.draw(10, stream(0, "few")).rows) == 10


def test_an_empty_range_says_how_many_pairs_each_range_has() -> None:
    with pytest.raises(EmptyPairRange) as caught:
        PairSampler(digits(20), specification("high_positive", 0.99))
    assert "pair range 'high_positive' is empty at threshold 0.99: no pair of the 20 digits images" in str(caught.value)
    assert "all 190, high 0, low 190, high_positive 0, positive 190, negative 190" in str(caught.value)


@pytest.mark.parametrize("pair_range", ["all", "low", "high"])
def test_memory_does_not_grow_with_the_square_of_the_images(pair_range: PairRange) -> None:
    images = torch.randint(0, 256, (10_000, 1, 4, 4), dtype=torch.uint8, generator=stream(0, "noise"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pairs = PairSampler(images, specification(pair_range, 0.9)).draw(10_000, stream(0, "p"))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(pairs.rows) == 10_000
    assert grown < 100_000  # kilobytes; 10,000 x 10,000 float32 would be 400,000
