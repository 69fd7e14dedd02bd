from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from harness.regularization.numbering import distinct, number_of, pair_of, pair_total, spread, uniform_numbers
from harness.seeding import stream

LARGEST = 10**9  # images


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_numbers_of_all_pairs_are_0_to_the_total(n: int) -> None:
    i, j = torch.triu_indices(n, n, offset=1)
    assert number_of(i, j).sort().values.tolist() == list(range(pair_total(n)))


@given(st.lists(st.integers(0, pair_total(LARGEST) - 1), max_size=20))
def test_every_number_is_one_pairs(numbers: list[int]) -> None:
    k = torch.tensor(numbers, dtype=torch.int64)
    i, j = pair_of(k)
    assert torch.equal(number_of(i, j), k)
    assert ((i >= 0) & (i < j) & (j < LARGEST)).all()


@given(st.integers(1, LARGEST - 1))
def test_first_and_last_pairs_of_an_image_are_found_exactly(j: int) -> None:
    # where the root is (nearly) a whole number
    i, last = torch.tensor([0, j - 1]), torch.tensor([j, j])
    assert [part.tolist() for part in pair_of(number_of(i, last))] == [[0, j - 1], [j, j]]


def test_large_numbers_are_not_favoured_or_slighted() -> None:
    # remainders of 63-bit words alone would hold the lowest third half of the time
    size = 3 << 61
    drawn = uniform_numbers(40_000, size, stream(0, "thirds"))
    thirds = torch.bincount(drawn // (size // 3), minlength=3)
    assert len(thirds) == 3
    assert chisquare(thirds).pvalue > 1e-3


@given(n=st.integers(0, 60), size=st.integers(1, 40), seed=st.integers(0, 1000))
def test_numbers_come_up_as_equally_often_as_can_be(n: int, size: int, seed: int) -> None:
    drawn = spread(n, size, stream(seed, "spread"))
    counts = torch.bincount(drawn, minlength=size)
    assert (len(drawn), len(counts)) == (n, size)
    assert counts.max() - counts.min() <= (1 if n % size else 0)


def test_few_of_many_are_distinct_and_repeatable() -> None:
    drawn = spread(1000, 10**4, stream(1, "few"))
    assert len(drawn.unique()) == 1000
    assert torch.equal(drawn, spread(1000, 10**4, stream(1, "few")))
    assert not torch.equal(drawn, spread(1000, 10**4, stream(2, "few")))


@pytest.mark.parametrize(("n", "numbers"), [(3, [7, 11, 8]), (2, [1, 7])], ids=["shuffled", "drawn"])
def test_a_stream_gives_the_same_numbers_forever(n: int, numbers: list[int]) -> None:
    assert spread(n, 12, stream(0, "forever")).tolist() == numbers


@pytest.mark.parametrize("size", [6, 20], ids=["shuffled", "drawn"])
def test_each_ordered_couple_is_equally_likely(size: int) -> None:
    # n = 2: six numbers are shuffled, of twenty two are drawn
    generator = stream(0, "couples", size)
    couples = torch.stack([spread(2, size, generator) for _ in range(20 * size * size)])
    counts = torch.bincount(couples[:, 0] * size + couples[:, 1], minlength=size * size).view(size, size)
    assert counts.diag().sum() == 0
    assert chisquare(counts[~torch.eye(size, dtype=torch.bool)]).pvalue > 1e-3


def test_distinct_keeps_the_order_of_first_appearance() -> None:
    proposals = iter([[5, 3, 5, 3], [3, 9], [9, 1, 7]])
    assert distinct(4, lambda count: torch.tensor(next(proposals))).tolist() == [5, 3, 9, 1]
