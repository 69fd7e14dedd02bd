"""Statistics over the few seeds of a study: intervals, exact tests, corrections. Pure functions of numbers.

A sample has one value per seed; where two conditions are compared, the difference of the two models of each seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from harness.measurement import ROUNDING

Numbers = TypeVar("Numbers", float, pd.Series)

CONFIDENCE = 0.95
SIGNIFICANCE = 1 - CONFIDENCE

MOST_FLIPPED = 20
"""Seeds up to which all 2^n signs are tried: a million. Beyond, the t test needs no support."""

LEAST_SEEDS = 4
"""On which an effect is sure, as many as the paper's smallest study has: of fewer nothing can be said for sure."""

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds with its interval; low and high are NaN where `t_interval` gives none."""

    mean: float
    low: float
    high: float
    n: int


def t_interval(mean: Numbers, sem: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
    """Lower and upper end of Student's t interval of a mean; NaN for n = 1, and for values without scatter.

    mean, sem, n: numbers or columns of a frame; sem uses n - 1, and is 0 for equal values but for rounding. An interval
    of no width would say that other seeds, whose accuracies on few images may be equal, never differ.
    """
    from scipy.stats import t

    freedom = np.where(np.asarray(n) > 1, np.asarray(n) - 1, np.nan)
    scatter = np.where(np.asarray(sem) > ROUNDING * np.abs(np.asarray(mean)), sem, np.nan)
    half: Any = scatter * t.ppf((1 + CONFIDENCE) / 2, freedom)
    return mean - half, mean + half


def estimate(sample: Sequence[float]) -> Estimate:
    """The sample's mean with its t interval."""
    n = len(sample)
    mean, sem = (float(np.mean(sample)), _sem(sample)) if n else (NAN, NAN)
    low, high = t_interval(mean, sem, float(n))
    return Estimate(mean=mean, low=float(low), high=float(high), n=n)


def ratio(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """The ratio of two means over the same seeds, with Fieller's interval; neither has negative values.

    The interval holds each ratio r for which Student's t test does not tell above - r * below, paired by seed, from 0.
    So it leaves out 1 only where the test finds a difference. It begins at 0, below which there is no ratio, and has
    no end (`inf`) where the test does not tell `below` from 0. Values without scatter have none, as in `t_interval`.

    Source: Fieller 1954, Some problems in interval estimation.
    """
    from scipy.stats import t

    over, under = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    n = len(over)
    if not n or under.mean() == 0:
        return Estimate(mean=NAN, low=NAN, high=NAN, n=n)
    found = float(over.mean() / under.mean())
    if n == 1 or _sem(over - found * under) <= ROUNDING * over.mean():
        return Estimate(mean=found, low=NAN, high=NAN, n=n)
    margin = t.ppf((1 + CONFIDENCE) / 2, n - 1) ** 2 * np.cov(over, under) / n
    # the test's bound: mean(above - r * below)^2 = t^2 sem(above - r * below)^2, or a r^2 - 2 b r + c = 0
    a = under.mean() ** 2 - margin[1, 1]
    b = over.mean() * under.mean() - margin[0, 1]
    c = over.mean() ** 2 - margin[0, 0]
    root = b + math.sqrt(max(b**2 - a * c, 0.0))
    low, high = (c / root if c > 0 else 0.0), (root / a if a > 0 else math.inf)
    return Estimate(mean=found, low=float(low), high=float(high), n=n)


def t_test(sample: Sequence[float]) -> float:
    """Two-sided p of Student's t test that the mean is 0; 1 for one value, which can tell nothing.

    Equal values, as accuracies on few images may be, have no scatter to judge by. Then it is what their signs alone
    say, `smallest_p`, which a correction for many tests multiplies like any other.
    """
    from scipy.stats import t

    if len(sample) < 2:
        return 1.0
    distance, sem = abs(float(np.mean(sample))), _sem(sample)
    rounding = ROUNDING * float(np.max(np.abs(sample)))
    if sem <= rounding:
        return smallest_p(len(sample)) if distance > rounding else 1.0
    two_sided: float = 2 * t.sf(distance / sem, len(sample) - 1)
    return two_sided


def sign_flip_test(sample: Sequence[float]) -> float:
    """Two-sided p of the exact sign-flip test that the sample is symmetric around 0.

    The share of all 2^n choices of signs whose sum is as far from 0 as the sample's own. It assumes no
    distribution; the price is that it cannot be smaller than `smallest_p`. NaN beyond `MOST_FLIPPED` values.
    """
    if len(sample) > MOST_FLIPPED:
        return NAN
    sums = np.zeros(1)
    for value in np.asarray(sample, dtype=float):
        sums = np.concatenate([sums + value, sums - value])
    own = abs(sums[0])  # all signs as they are
    tolerance = 1e-12 * max(1.0, own)  # equal sums differ by rounding
    return float(np.mean(np.abs(sums) >= own - tolerance))


def smallest_p(n: int) -> float:
    """The smallest two-sided p that n seeds can give in the sign-flip test, 2 / 2^n."""
    return min(1.0, 2.0 ** (1 - n))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values of one family after Holm's correction, in their order.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    found, largest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        found[index] = largest
    return found


def is_sure(n: int, holm_p: float, sign_flip_p: float) -> bool:
    """Whether an effect on n seeds is off what it is tested against: the two tests agree.

    holm_p: of Student's t, corrected. sign_flip_p: at 0.05 or the smallest that so few seeds can give; NaN: too many.
    """
    agrees = math.isnan(sign_flip_p) or sign_flip_p <= max(SIGNIFICANCE, smallest_p(n))
    return n >= LEAST_SEEDS and holm_p <= SIGNIFICANCE and agrees


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation; NaN for fewer than three pairs or where one side is constant."""
    from scipy.stats import spearmanr

    if len(first) < 3 or len(set(first)) == 1 or len(set(second)) == 1:
        return NAN
    return float(spearmanr(first, second).statistic)


def _sem(sample: Sequence[float] | np.ndarray) -> float:
    """Standard error of the mean, n - 1; NaN for one value."""
    return float(np.std(sample, ddof=1) / np.sqrt(len(sample))) if len(sample) > 1 else NAN
