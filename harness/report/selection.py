"""Choosing alpha and Th (paper, section 5.2): the acceptable pairs, the one to take, and whether all attacks agree.

The paper's procedure: a pair is acceptable where R0/U0 >= A0 and RD/UD > 1, and one attack, Gaussian noise, is
enough to choose by, because the others rank the pairs alike. Both halves are computed here, the second with its n.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import pandas as pd

from harness.errors import HarnessError, UnknownName
from harness.report.ratios import Ratios, seed_values
from harness.report.results import Results
from harness.report.rows import groups, records
from harness.report.statistics import SIGNIFICANCE, rank_correlation, t_test
from harness.report.vocabulary import ELSEWHERE, in_order

BY = "gaussian"
"""The attack that the paper chooses with."""

LEAST_PAIRS = 2
"""Fewer are no choice."""

_A_GRID = "`harness select hyperparameters` has a grid, and a condition's `grid` makes one"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far another attack would have chosen alike."""

    evaluation: str
    n: int
    """Conditions with results under both attacks."""
    n_acceptable: int
    """Of those, acceptable under this attack."""
    n_both: int
    """Acceptable under both."""
    same_verdict: float
    """Share of the n conditions that are acceptable under both or under neither."""
    jaccard: float
    """Acceptable under both, of those acceptable under either; NaN if there are none."""
    rank_correlation: float
    """Spearman's, of RD/UD over those of the n conditions that have it; NaN for fewer than three."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a grid of conditions says about the pair to take."""

    scope: str
    by: str
    least_clean_ratio: float
    ratios: pd.DataFrame
    """Rows of `Ratios`."""
    chosen: str | None
    """None if no condition is acceptable."""
    tied: tuple[str, ...]
    """Acceptable conditions with exactly the chosen one's RD/UD."""
    close: tuple[str, ...]
    """Acceptable conditions whose RD the seeds cannot tell from the chosen one's; none where all have one seed, which
    tells nothing apart."""
    agreements: tuple[Agreement, ...]


def select(results: Results, given: Ratios, by: str = BY) -> Selection:
    """The acceptable condition with the largest RD/UD under the attack `by`, and what the other attacks say.

    given: the ratios of the results.

    Raises:
        UnknownName: no such attack in the suite.
        HarnessError: nothing is there to choose from, or UD is 0 under the attack.
    """
    where = f"{results.suite} (profile {results.profile})"
    ratios = with_pairs(given.rows)
    if not (~results.conditions["free"] & (results.conditions["target"] != ELSEWHERE)).any():
        raise HarnessError(f"{where}: no choice of (alpha, Th): it regularizes no condition; {_A_GRID}")
    if with_pairs(results.acceptable).empty:
        raise HarnessError(
            f"{where}: no regularized condition has its `clean` accuracy and an attack's beside its unregularized "
            f"baseline's yet: `harness run-suite {results.suite} --profile {results.profile}` makes them"
        )
    if ratios.empty:
        raise HarnessError(f"{where}: no R0/U0, for the unregularized baselines' clean accuracy is 0")
    if count_pairs(ratios) < LEAST_PAIRS:
        raise HarnessError(f"{where}: no choice of (alpha, Th): its conditions have one pair of them; {_A_GRID}")
    if by not in set(ratios["evaluation"]):
        raise UnknownName("attack with results", by, ratios["evaluation"].unique(), "choose with another by --by")
    if by not in rankable(ratios):
        raise HarnessError(
            f"{where}: no RD/UD under {by}, which leaves nothing of an unregularized baseline's accuracy; "
            "choose by another attack (--by)"
        )
    candidates = ratios[(ratios["evaluation"] == by) & ratios["acceptable"]]
    chosen, tied, close = _choice(candidates, seed_values(results))
    several = bool((ratios["n_seeds"] > 1).any())
    return Selection(
        scope=results.scope,
        by=by,
        least_clean_ratio=given.least_clean_ratio,
        ratios=ratios,
        chosen=chosen,
        tied=tied,
        close=close if several else (),
        agreements=tuple(_agreement(ratios, by, name) for name in in_order(ratios["evaluation"]) if name != by),
    )


def with_pairs(ratios: pd.DataFrame) -> pd.DataFrame:
    """The ratios of conditions that have an (alpha, Th): models trained elsewhere have none."""
    return ratios.dropna(subset="alpha")


def rankable(ratios: pd.DataFrame) -> set[str]:
    """The attacks that leave each condition's baseline some accuracy, so that there is an RD/UD to rank them by.

    ratios: rows of `Ratios`.
    """
    return {str(name) for (name,), rows in groups(ratios, ["evaluation"]) if rows["distorted_ratio"].notna().all()}


def count_pairs(ratios: pd.DataFrame) -> int:
    """How many (alpha, Th) there are to choose between, all else being equal; 0 without results."""
    grids = groups(ratios, ["target", "regularization"])
    return max((len(rows[["alpha", "threshold"]].drop_duplicates()) for _, rows in grids), default=0)


def agreement_frame(selection: Selection) -> pd.DataFrame:
    """The agreements as rows; `by` is the attack that was chosen with."""
    columns = ["by", *Agreement.__dataclass_fields__]
    return pd.DataFrame([{"by": selection.by} | asdict(each) for each in selection.agreements], columns=columns)


def _choice(candidates: pd.DataFrame, values: pd.DataFrame) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """Of the acceptable conditions under one attack: the chosen one, those tied with it, those as good for all we know.

    candidates: rows of `Selection.ratios`. The larger R0/U0 decides between equal RD/UD, then the suite's order.
    """
    if candidates.empty:
        return None, (), ()
    ranked = candidates.sort_values(["distorted_ratio", "clean_ratio"], ascending=False, kind="stable")
    best, *others = records(ranked)
    tied = [row.condition for row in others if math.isclose(row.distorted_ratio, best.distorted_ratio)]
    rest = [row.condition for row in others if row.condition not in tied]
    close = [name for name in rest if _as_robust(values, best.evaluation, name, best.condition)]
    return best.condition, tuple(tied), tuple(close)


def _as_robust(values: pd.DataFrame, by: str, condition: str, chosen: str) -> bool:
    """Whether the seeds, paired, cannot tell the two conditions' RD apart; fewer than two pairs tell nothing."""
    table = values[values["evaluation"] == by].pivot_table("rd", "seed", "condition")
    pairs = table.reindex(columns=[condition, chosen]).dropna()
    return t_test(list(pairs[condition] - pairs[chosen])) > SIGNIFICANCE


def _agreement(ratios: pd.DataFrame, by: str, evaluation: str) -> Agreement:
    columns = ["condition", "acceptable", "distorted_ratio"]
    first, second = (ratios.loc[ratios["evaluation"] == name, columns] for name in (by, evaluation))
    both = first.merge(second, on="condition", suffixes=("_by", ""))
    ranked = both.dropna(subset=["distorted_ratio_by", "distorted_ratio"])
    one, other = both["acceptable_by"].astype(bool), both["acceptable"].astype(bool)
    either = int((one | other).sum())
    return Agreement(
        evaluation=evaluation,
        n=len(both),
        n_acceptable=int(other.sum()),
        n_both=int((one & other).sum()),
        same_verdict=float((one == other).mean()),
        jaccard=float((one & other).sum() / either) if either else float("nan"),
        rank_correlation=rank_correlation(list(ranked["distorted_ratio_by"]), list(ranked["distorted_ratio"])),
    )
