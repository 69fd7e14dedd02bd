"""Named random streams: the same numbers whatever else is drawn, and as good as random."""

from __future__ import annotations

import random
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from harness.seeding import global_generators, image_streams, normal, seed_of, stream, uniform

DRAWS = [uniform, normal]
UNLIKELY = 1e-4  # the streams are fixed, so a test that passes once always passes


def keys(n: int, *path: str | int, seed: int = 0) -> Tensor:
    return image_streams(torch.arange(n), seed, *path)


@pytest.mark.parametrize("draw", DRAWS)
@given(splits=st.lists(st.integers(1, 9), min_size=1, max_size=6), size=st.integers(1, 130))
def test_an_images_numbers_do_not_depend_on_how_images_are_batched(draw, splits, size):
    streams = keys(sum(splits), "noise")
    whole = draw(streams, size)
    assert whole.shape == (sum(splits), size)
    assert torch.equal(torch.cat([draw(part, size) for part in torch.split(streams, splits)]), whole)


@pytest.mark.parametrize("draw", DRAWS)
@given(order=st.permutations(range(12)))
def test_an_images_numbers_do_not_depend_on_the_order_of_images(draw, order):
    numbers = torch.tensor(order)
    assert torch.equal(draw(image_streams(numbers, 0, "a"), 7), draw(keys(12, "a"), 7)[numbers])


@given(position=st.integers(0, 10**10), size=st.integers(1, 40), more=st.integers(0, 40))
def test_a_position_names_a_number(position, size, more):
    streams = keys(3, "a")
    part = uniform(streams, size, position + more)
    assert torch.equal(uniform(streams, more + size, position)[:, more:], part)
    even, even_more = 2 * position, 2 * more
    assert torch.equal(normal(streams, even_more + size, even)[:, even_more:], normal(streams, size, even + even_more))


def test_normal_numbers_start_at_even_positions():
    with pytest.raises(ValueError, match="must be even, got 3"):
        normal(keys(1, "a"), 4, position=3)


def test_uniform_numbers_are_uniform_in_their_range():
    drawn = uniform(keys(1000, "a"), 1000).flatten()
    assert drawn.dtype == torch.float32
    assert 0 <= drawn.min() < 1e-5
    assert 1 - 1e-5 < drawn.max() < 1
    assert stats.kstest(drawn.numpy(), "uniform").pvalue > UNLIKELY


def test_normal_numbers_are_normal_and_finite():
    drawn = normal(keys(1000, "a"), 1001).flatten()
    assert drawn.isfinite().all()
    assert stats.kstest(drawn.numpy(), "norm").pvalue > UNLIKELY
    # the tails, which Kolmogorov and Smirnov's test hardly sees
    far = int((drawn.abs() > 3).sum())
    assert stats.binomtest(far, len(drawn), 2 * stats.norm.sf(3)).pvalue > UNLIKELY


def test_a_word_that_is_zero_gives_a_finite_normal_number():
    rare = image_streams(torch.tensor([16116213]), 0, "a")
    assert uniform(rare, 1).item() == 0
    assert normal(rare, 2).isfinite().all()


@pytest.mark.parametrize("draw", DRAWS)
def test_each_position_is_as_random_as_each_stream(draw):
    drawn = draw(keys(500, "a"), 64)
    distribution = "norm" if draw is normal else "uniform"
    by_position = [stats.kstest(column.numpy(), distribution).pvalue for column in drawn.T]
    by_stream = [stats.kstest(row.numpy(), distribution).pvalue for row in drawn]
    assert min(by_position) > UNLIKELY / 64
    assert stats.kstest(by_stream, "uniform").pvalue > UNLIKELY


@pytest.mark.parametrize("draw", DRAWS)
def test_neighbours_are_uncorrelated(draw):
    """Between positions (the two normals of one word among them), images, seeds and purposes."""
    n = 300_000
    drawn = draw(keys(1000, "a"), n // 1000)
    pairs = {
        "positions": (drawn[:, :-1], drawn[:, 1:]),
        "images": (drawn[:-1], drawn[1:]),
        "seeds": (drawn, draw(keys(1000, "a", seed=1), n // 1000)),
        "purposes": (drawn, draw(keys(1000, "b"), n // 1000)),
        "repeats": (draw(keys(1000, "a", 0), n // 1000), draw(keys(1000, "a", 1), n // 1000)),
    }
    for name, (one, other) in pairs.items():
        for values in ((one, other), (one.square(), other.square())):
            correlation = torch.corrcoef(torch.stack([value.flatten().double() for value in values]))[0, 1]
            assert abs(correlation) < 4.5 / n**0.5, name


def test_the_angle_and_radius_of_two_normals_are_independent():
    one, two = normal(keys(1000, "a"), 200).view(-1, 2).double().T
    radius, angle = (one.square() + two.square()), torch.atan2(two, one)
    assert stats.kstest(radius.numpy(), "chi2", args=(2,)).pvalue > UNLIKELY
    assert stats.kstest(angle.numpy(), "uniform", args=(-torch.pi, 2 * torch.pi)).pvalue > UNLIKELY
    assert abs(torch.corrcoef(torch.stack([radius, angle.abs()]))[0, 1]) < 4.5 / len(one) ** 0.5


def test_every_bit_of_a_number_is_fair():
    bits = (uniform(keys(500, "a"), 500) * 2**24).long().flatten()
    ones = [int((bits >> bit & 1).sum()) for bit in range(24)]
    assert min(stats.binomtest(count, len(bits)).pvalue for count in ones) > UNLIKELY


def test_streams_of_many_images_are_distinct():
    assert len(set(keys(100_000, "a").tolist())) == 100_000


def test_a_seed_depends_on_every_part_of_its_path():
    seeds = {seed_of(0), seed_of(1), seed_of(0, "a"), seed_of(0, "b"), seed_of(0, "a", 1), seed_of(0, "a", 11)}
    assert len(seeds) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_generator_repeats_itself_and_no_other():
    def drawn(*path: str | int) -> list[float]:
        return torch.rand(4, generator=stream(3, *path)).tolist()

    assert drawn("order", 1) == drawn("order", 1)
    assert drawn("order", 1) != drawn("order", 2)


def test_the_words_are_those_of_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert uniform(torch.tensor([1234567]), 4).tolist() == [[(word >> 40) / 2**24 for word in published]]


def test_stored_results_can_be_computed_again():
    """Results name their noise by seed and purpose, so that these numbers must never change."""
    assert seed_of(3, "augmentation", 7) == 1070877277925180585
    streams = image_streams(torch.tensor([0, 41]), 5, "gaussian", "0.1")
    assert streams.tolist() == [8929436727878173544, -1096332320368676798]
    expected = torch.tensor([[0.49598697, 0.14339165], [0.00827089, 0.07180669]])
    assert torch.allclose(normal(streams, 2), expected, atol=1e-6)


def test_code_of_others_draws_the_same_from_every_generator_and_leaves_them_as_they_were() -> None:
    def drawn() -> tuple[float, float, float]:
        return torch.rand(()).item(), float(np.random.rand()), random.random()

    def named(seed: int, purpose: str = "own code") -> tuple[float, float, float]:
        with global_generators(seed, purpose):
            return drawn()

    for seeded in (lambda: torch.manual_seed(0), lambda: np.random.seed(0), lambda: random.seed(0)):
        seeded()
    expected = [drawn() for _ in range(3)]
    for seeded in (lambda: torch.manual_seed(0), lambda: np.random.seed(0), lambda: random.seed(0)):
        seeded()
    assert drawn() == expected[0]
    assert named(3) == named(3)
    assert all(a != b != c for a, b, c in zip(named(4), named(3), named(3, "target"), strict=True))
    with suppress(ArithmeticError), global_generators(5, "own code"):
        raise ArithmeticError(drawn())
    assert [drawn() for _ in range(2)] == expected[1:]
