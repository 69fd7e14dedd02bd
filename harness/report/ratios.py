"""The paper's two ratios (section 5.2): what regularization costs without distortion, and what it gains with it.

R0/U0 and RD/UD of each regularized condition under each attack: how sure they are, and whether they are acceptable.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from harness.measurement import ROUNDING
from harness.report.results import Results
from harness.report.rows import groups, in_order_of
from harness.report.statistics import ratio
from harness.report.vocabulary import in_order

INTERVALS = ["clean_low", "clean_high", "distorted_low", "distorted_high"]
"""Columns of the ends of R0/U0's interval, and of RD/UD's."""


class Ratios(NamedTuple):
    """A suite's ratios, and which of its conditions are acceptable."""

    rows: pd.DataFrame
    """Those of `acceptable` in the suite's order, with the columns INTERVALS: NaN where a ratio has no interval."""
    least_clean_ratio: float
    """A0, the R0/U0 from which a condition is acceptable."""


def judged(results: Results, least_clean_ratio: float) -> Ratios:
    """The ratios of a suite's conditions, judged by that A0."""
    ratios = in_order_of(results.acceptable, "condition", results.order)
    return Ratios(_with_intervals(acceptable(ratios, least_clean_ratio), seed_values(results)), least_clean_ratio)


def acceptable(ratios: pd.DataFrame, least_clean_ratio: float) -> pd.DataFrame:
    """Whether each condition that has an R0/U0 is acceptable under each attack; RD/UD is missing where UD is 0.

    ratios: rows of `v_acceptable`, whose r0, u0, rd and ud are means over seeds.
    Source: paper section 5.2: R0/U0 >= A0 and RD/UD > 1; as RD > UD, since nothing may be left of UD. What is equal but
    for rounding is equal.
    """
    known = ratios.dropna(subset=["clean_ratio", "rd", "ud"])
    accurate = known["clean_ratio"] >= least_clean_ratio * (1 - ROUNDING)
    robust = known["rd"] > known["ud"] * (1 + ROUNDING)
    found = known.assign(accurate=accurate, robust=robust, acceptable=accurate & robust)
    return in_order_of(found, "evaluation", in_order(known["evaluation"])).reset_index(drop=True)


def seed_values(results: Results) -> pd.DataFrame:
    """What the ratios are made of: evaluation, condition, seed, r0, u0, rd, ud; only where all four are there."""
    compared = results.comparisons[results.comparisons["compared"] == 1]
    names = {"clean": "r0", "baseline_clean": "u0", "distorted": "rd", "baseline_distorted": "ud"}
    whole = compared.rename(columns=names).dropna(subset=list(names.values()))
    return whole[["evaluation", "condition", "seed", *names.values()]]


def _with_intervals(ratios: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """The ratios with the ends of their intervals; values: rows of `seed_values`."""
    rows = []
    for (evaluation, condition), own in groups(values, ["evaluation", "condition"]):
        clean, distorted = ratio(list(own["r0"]), list(own["u0"])), ratio(list(own["rd"]), list(own["ud"]))
        rows.append((evaluation, condition, clean.low, clean.high, distorted.low, distorted.high))
    intervals = pd.DataFrame(rows, columns=["evaluation", "condition", *INTERVALS])
    return ratios.merge(intervals, "left", on=["condition", "evaluation"])
