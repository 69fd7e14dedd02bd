"""The acceptable region as a table: the paper's two ratios of each condition, how sure they are, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from harness.report.cells import INFINITE, UNITS, bracketed, number
from harness.report.ratios import Ratios
from harness.report.rows import records
from harness.report.statistics import CONFIDENCE
from harness.report.table import Table
from harness.report.vocabulary import BOUNDARY_SCORE, attack_title


def acceptable_table(ratios: Ratios, scope: str, told: Iterable[str] = ()) -> Table:
    """Each regularized condition's ratios under each attack, and the verdict. told: what is said below it first."""
    rows = []
    for row in records(ratios.rows):
        factor, decimals = (100.0, 1) if pd.notna(row.epsilon) else (UNITS["score"].factor, 2)
        rows.append(
            (
                row.condition,
                attack_title(row.evaluation),
                f"{row.epsilon:g}" if pd.notna(row.epsilon) else "–",
                str(row.n_seeds),
                *(number(100 * accuracy, 1) for accuracy in (row.r0, row.u0)),
                *(number(factor * distorted, decimals) for distorted in (row.rd, row.ud)),
                bracketed(row.clean_ratio, row.clean_low, row.clean_high, 3),
                bracketed(row.distorted_ratio, row.distorted_low, row.distorted_high, 3),
                verdict(row.accurate, row.robust, ratios.least_clean_ratio),
            )
        )
    nothing_left = ratios.rows["distorted_ratio"].isna().any()
    endless = ratios.rows[["clean_high", "distorted_high"]].isin([np.inf]).any(axis=None)
    return Table(
        name="acceptable",
        title=f"Acceptable conditions of {scope}: R0/U0 ≥ {ratios.least_clean_ratio:g} and RD/UD > 1",
        columns=("Condition", "Attack", "ε", "Seeds", "R0", "U0", "RD", "UD", "R0/U0", "RD/UD", "Verdict"),
        rows=tuple(rows),
        notes=(
            *told,
            "R regularized, U unregularized; 0 without distortion, D with it: accuracies in %, means over seeds; "
            f"for the Boundary attack D is the {BOUNDARY_SCORE} in {UNITS['score'].title}, over the images that have a "
            "start.",
            f"Brackets: {CONFIDENCE:.0%} interval of the ratio (Fieller's, paired by seed); none for one seed, or "
            "without scatter. The verdict is the paper's, of the means alone: where an interval holds the bound, other "
            "seeds may say otherwise.",
            *([f"{INFINITE}: these seeds do not tell U from 0."] if endless else ()),
            *(["RD/UD –: UD is 0, so that anything that is left of R is more."] if nothing_left else ()),
        ),
        corrupted=False,
        data=ratios.rows,
    )


def verdict(accurate: bool, robust: bool, least_clean_ratio: float) -> str:
    """The paper's two conditions in words."""
    if accurate and robust:
        return "acceptable"
    faults = [] if accurate else [f"R0/U0 < {least_clean_ratio:g}"]
    return "no: " + ", ".join(faults if robust else [*faults, "not more robust"])
