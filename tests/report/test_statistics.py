"""Against numbers worked out by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.statistics import (
    MOST_FLIPPED,
    estimate,
    holm,
    is_sure,
    rank_correlation,
    ratio,
    sign_flip_test,
    smallest_p,
    t_interval,
    t_test,
)

T_975_2 = 4.302653
"""Two-sided 95 % quantile of Student's t with 2 degrees of freedom, from a printed table."""

SAMPLES = st.lists(st.floats(-1, 1), min_size=1, max_size=8)


def test_an_estimate_is_the_mean_with_its_t_interval() -> None:
    found = estimate([0.1, 0.2, 0.3])
    half = T_975_2 * 0.1 / math.sqrt(3)
    assert (found.mean, found.n) == (pytest.approx(0.2), 3)
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    assert (estimate([0.4]).mean, estimate([0.4]).n) == (0.4, 1)
    assert math.isnan(estimate([0.4]).low)
    alone = ratio([0.3], [0.2])
    assert (alone.mean, alone.n) == (pytest.approx(1.5), 1)
    assert math.isnan(alone.low)
    assert math.isnan(alone.high)
    assert math.isnan(estimate([]).mean)


def test_an_interval_of_columns_is_missing_where_there_is_one_value() -> None:
    low, high = t_interval(pd.Series([0.2, 0.5]), pd.Series([0.1, float("nan")]), pd.Series([3, 1]))
    assert (low[0], high[0]) == pytest.approx((0.2 - T_975_2 * 0.1, 0.2 + T_975_2 * 0.1), abs=1e-6)
    assert low.isna().tolist() == high.isna().tolist() == [False, True]


def test_a_ratio_is_one_of_means_and_beside_a_constant_its_interval_is_the_means() -> None:
    # Means 0.4 and 0.2: ratio 2. (0.3, 0.4, 0.5) / 0.2 = 1.5, 2, 2.5.
    found = ratio([0.3, 0.4, 0.5], [0.2, 0.2, 0.2])
    half = T_975_2 * 0.5 / math.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((2.0, 2.0 - half, 2.0 + half), abs=1e-5)


@pytest.mark.parametrize("seed", range(40))
def test_the_ends_of_a_ratio_are_where_a_paired_test_begins_to_tell_it_from_others(seed: int) -> None:
    numbers = np.random.default_rng(seed)
    below = numbers.normal(0.3, 0.05, 4)
    above = 1.4 * below + numbers.normal(0, 0.05, 4)
    found = ratio(list(above), list(below))
    assert 0 < found.low < found.mean < found.high < math.inf
    for end in (found.low, found.high):
        assert t_test(list(above - end * below)) == pytest.approx(0.05)
    assert (found.low <= 1 <= found.high) == (t_test(list(above - below)) >= 0.05)


def test_no_ratio_of_accuracies_is_below_nothing() -> None:
    found = ratio([0.1, 0.6], [0.2, 0.2])
    assert (found.mean, found.low) == pytest.approx((1.75, 0.0))
    assert found.high > 10


def test_a_ratio_to_what_may_be_nothing_has_no_upper_end() -> None:
    surely_above = ratio([0.5, 0.6, 0.7], [0.01, 0.1, 0.3])
    assert 0 < surely_above.low < surely_above.mean < surely_above.high == math.inf
    assert t_test([0.5 - surely_above.low * 0.01, 0.6 - surely_above.low * 0.1, 0.7 - surely_above.low * 0.3]) == (
        pytest.approx(0.05)
    )
    unknown = ratio([0.1, 0.5], [0.3, 0.1])
    assert (unknown.low, unknown.high) == (0.0, math.inf)


def test_values_without_scatter_have_no_interval() -> None:
    """Of two seeds whose accuracies on few images differ by chance alone, a third are alike, half of them off 0."""
    for found in (estimate([0.85 - 0.80, 0.90 - 0.85]), estimate([0.0] * 3), ratio([0.2, 0.4, 0.6], [0.1, 0.2, 0.3])):
        assert not math.isnan(found.mean)
        assert math.isnan(found.low)
        assert math.isnan(found.high)


def test_a_ratio_to_nothing_is_missing() -> None:
    assert math.isnan(ratio([0.3], [0.0]).mean)
    assert math.isnan(ratio([], []).mean)


def test_the_t_test_agrees_with_a_printed_table() -> None:
    mean = T_975_2 * 0.1 / math.sqrt(3)  # times the SEM of values that are 0.1 apart
    assert t_test([mean - 0.1, mean, mean + 0.1]) == pytest.approx(0.05, abs=1e-6)
    assert t_test([-0.1, 0.0, 0.1]) == 1.0
    assert t_test([0.5]) == 1.0


def test_equal_values_say_what_their_signs_say() -> None:
    """Two accuracies on a few hundred images may be equal by chance, but for the rounding of their difference."""
    rounded = [0.85 - 0.80, 0.90 - 0.85]
    assert rounded[0] != rounded[1]
    assert t_test(rounded) == 0.5
    for value in (0.5, 0.1):
        assert [t_test([value] * n) for n in (2, 5, 6, 7)] == [2 / 4, 2 / 32, 2 / 64, 2 / 128]
    assert t_test([0.0] * 7) == 1.0


def test_equal_values_are_corrected_for_many_tests_too() -> None:
    """Of 64 conditions that differ from their baseline by one image, by chance, two have six seeds of one sign."""
    signs = np.array(list(itertools.product([1, -1], repeat=6)))
    differences = 0.1 * signs  # of ten images
    found = holm([t_test(list(sample)) for sample in differences])
    sure = [is_sure(6, p, sign_flip_test(list(sample))) for p, sample in zip(found, differences, strict=True)]
    assert not any(sure)


def test_the_sign_flip_test_counts_all_signs() -> None:
    # Of the eight sums of +-1 +-2 +-3, four reach |4|: 6, -6, 4, -4; the sample 1, -2, -3 sums to -4.
    assert sign_flip_test([1, -2, -3]) == 4 / 8
    assert sign_flip_test([1, 2, 3]) == 2 / 8
    assert sign_flip_test([1, 2, -3]) == 8 / 8
    assert sign_flip_test([2]) == 1.0


def test_sums_that_differ_by_rounding_count_as_equal() -> None:
    # 0.1 + 0.2 and 0.3 are not the same float: |0.1 + 0.2 - 0.3|, the sample's own, is reached by all signs.
    assert sign_flip_test([0.1, 0.2, -0.3]) == 1.0


def test_beyond_so_many_values_there_is_no_exact_p() -> None:
    assert sign_flip_test([1.0] * MOST_FLIPPED) == smallest_p(MOST_FLIPPED)
    assert math.isnan(sign_flip_test([1.0] * (MOST_FLIPPED + 1)))


def test_seven_seeds_can_reach_two_in_128() -> None:
    assert smallest_p(7) == 2 / 128 == sign_flip_test([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert (smallest_p(1), smallest_p(0)) == (1.0, 1.0)


@given(SAMPLES)
def test_the_exact_p_is_never_below_the_smallest(sample: list[float]) -> None:
    assert smallest_p(len(sample)) <= sign_flip_test(sample) <= 1


@given(SAMPLES)
def test_turning_all_signs_changes_no_p(sample: list[float]) -> None:
    turned = [-value for value in sample]
    assert sign_flip_test(turned) == sign_flip_test(sample)
    assert t_test(turned) == pytest.approx(t_test(sample))


def test_holm_multiplies_by_the_tests_that_remain() -> None:
    # Holm's steps for 0.01, 0.02, 0.03, 0.04: 4 * 0.01, 3 * 0.02, then never less than before.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_an_effect_is_sure_where_both_tests_say_so_of_four_seeds_or_more() -> None:
    # The least that four and five seeds can give, 2 / 16 and 2 / 32, is above 0.05; of seven seeds 8 / 128 is, too.
    assert is_sure(4, 0.05, 2 / 16)
    assert is_sure(7, 0.05, 6 / 128)
    assert is_sure(21, 0.05, math.nan)
    assert not is_sure(3, 0.001, 2 / 8)
    assert not is_sure(5, 0.05, 4 / 32)
    assert not is_sure(7, 0.05, 8 / 128)
    assert not is_sure(7, 0.051, 2 / 128)


def test_rank_correlation_follows_the_textbook_formula() -> None:
    # 1 - 6 * sum(d^2) / (n (n^2 - 1)) with d = 0, 1, -1, 0: 1 - 12 / 60.
    assert rank_correlation([10, 20, 30, 40], [1, 3, 2, 9]) == pytest.approx(0.8)
    assert rank_correlation([1, 2, 3], [9, 4, 1]) == pytest.approx(-1.0)


def test_rank_correlation_needs_three_pairs_that_vary() -> None:
    assert math.isnan(rank_correlation([1, 2], [1, 2]))
    assert math.isnan(rank_correlation([1, 2, 3], [5, 5, 5]))
    assert math.isnan(rank_correlation([5, 5, 5], [1, 2, 3]))
    assert rank_correlation([1, 1, 2], [3, 3, 4]) == pytest.approx(1)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    samples = np.random.default_rng(0).normal(0.3, 0.1, size=(2000, 5))
    covered = [found.low < 0.3 < found.high for found in map(estimate, samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("n", [4, 7])
def test_of_tables_without_any_effect_one_in_twenty_has_a_sure_difference(n: int) -> None:
    tables = np.random.default_rng(0).normal(0, 0.02, size=(400, 12, n))
    stars = [
        any(
            is_sure(n, p, sign_flip_test(sample))
            for p, sample in zip(holm([t_test(sample) for sample in table]), table, strict=True)
        )
        for table in tables
    ]
    assert np.mean(stars) == pytest.approx(0.05, abs=0.025)
