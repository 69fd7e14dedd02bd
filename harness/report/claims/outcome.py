"""What the results say of a claim.

The rule. A part is measured by one value per seed: the difference of the two models of the seed, or the model's own.
Its effect is their mean. One or two bounds divide where the claim puts the effect from where it does not: 0, or the
margin for "the same", "no lower" and "no higher"; a margin that is a share of what is compared with is each seed's own.
A part is decided, for or against the claim by the side that the effect lies on, where

- Student's t over the seeds puts the effect clearly off every bound, after Holm's correction over the claim's parts,
  and
- the exact sign-flip test, which assumes no distribution, agrees: p <= 0.05, or the smallest that so few seeds can
  give, which is that all of them lie on one side.

Everything else is undecided, and so is what rests on fewer than four seeds. A claim is supported where all
its parts are (or any, where it needs any), contradicted where one is contradicted (all, where it needs any), not run
where a part has no results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from harness.report.claims.claim import DIRECTIONS, MARGIN, SHARE, Claim, Part
from harness.report.claims.measures import MEASURES, WHOLE_GRID
from harness.report.results import Results
from harness.report.statistics import (
    Estimate,
    estimate,
    holm,
    is_sure,
    sign_flip_test,
    smallest_p,
    t_test,
)
from harness.spec.grid import named
from harness.store.read import NO_NUMBER

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDS: Mapping[str, Callable[[Iterable[float]], float]] = {"min": min, "max": max}
"""What a part may say instead of a value of a grid."""

Verdict = Literal["supported", "contradicted", "undecided", "not run"]


@dataclass(frozen=True, kw_only=True)
class PartOutcome:
    """One comparison, tested."""

    part: Part
    condition: str
    against: str | None
    """Names in the suite, `min` and `max` resolved where the suite has results."""
    effect: Estimate
    """n = 0 where there are no results."""
    n_lacking: int
    """Seeds of the suite that give no number: diverged, not measured, or measured in vain."""
    bounds: tuple[float, ...]
    """Means over the seeds; NaN where there are no results."""
    p: float
    """Of the exact sign-flip test, two-sided, against the bound; of two bounds the larger."""
    smallest_p: float
    """The smallest that so many seeds can give."""
    holm_p: float
    """Of Student's t test, likewise, corrected for the claim's parts."""
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class ClaimOutcome:
    """A claim, tested at one profile."""

    claim: Claim
    parts: tuple[PartOutcome, ...]
    verdict: Verdict
    lacking: tuple[str, ...]
    """What makes the results that are not there: a command, or why a run cannot."""


@dataclass(frozen=True)
class _Sample:
    """A part's values by seed, and what each is compared with."""

    condition: str
    against: str | None
    values: tuple[float, ...] = ()
    compared: tuple[float, ...] = ()
    n_lacking: int = 0
    is_run: bool = False
    """All that it is made of was measured, though there may be no number."""


def tested(claims: Sequence[Claim], results: Mapping[str, Results], profile: str) -> tuple[ClaimOutcome, ...]:
    """Each claim's outcome.

    results: by suite, all of that profile; suites that are not in it were not run.
    """

    @cache
    def measured(suite: str, measure: str) -> pd.DataFrame:
        return MEASURES[measure].values(results[suite])

    def sample(part: Part) -> _Sample:
        if part.suite not in results:
            return _Sample(part.condition, part.against)
        return _sample(part, results[part.suite], measured(part.suite, part.measure))

    def missing(part: Part) -> str:
        return _obstacle(part, results.get(part.suite)) or f"harness run-suite {part.suite} --profile {profile}"

    return tuple(_tested(claim, [sample(part) for part in claim.parts], missing) for claim in claims)


def relative_margin(part: Part) -> float | None:
    """The part's margin as a share of what it is compared with; None where it is `MARGIN`."""
    if part.share is None and MEASURES[part.measure].unit == "score":
        return SHARE
    return part.share


def resolved(name: str, conditions: Sequence[str]) -> str:
    """The condition's name where it says `min` or `max` for a setting of its grid: the least or largest there is."""
    base, values = named(name)
    ends = [(setting, ENDS[value]) for setting, value in values.items() if value in ENDS]
    if not ends:
        return name
    [(setting, end)] = ends
    found = {}
    for each in conditions:
        other, point = named(each)
        if setting in point and (other, {**point, setting: values[setting]}) == (base, values):
            found[float(point[setting])] = each
    return found[end(found)] if found else name


def _sample(part: Part, results: Results, values: pd.DataFrame) -> _Sample:
    condition = resolved(part.condition, results.order)
    numbers = values.dropna(subset="value")
    own = numbers.loc[numbers["condition"] == condition].set_index("seed")["value"]
    n_seeds = len(_seeds(results, condition))
    if part.against is None:
        is_run = _is_run(part, results, values, condition)
        return _Sample(condition, None, tuple(own), (part.level,) * len(own), n_seeds - len(own), is_run)
    against = resolved(part.against, results.order)
    base = numbers.loc[numbers["condition"] == against].set_index("seed")["value"]
    if part.once:
        base = pd.Series(base.mean() if len(base) else float("nan"), index=own.index)
    differences = (own - base).dropna()
    compared = tuple(base.reindex(differences.index))
    is_run = _is_run(part, results, values, condition, against)
    return _Sample(condition, against, tuple(differences), compared, n_seeds - len(differences), is_run)


def _seeds(results: Results, condition: str) -> set[int]:
    """The seeds that the suite has of a condition, or of any where the part is of the whole grid."""
    frames = (results.models, results.missing)
    return {
        int(seed)
        for frame in frames
        for seed in frame.loc[frame["condition"].eq(condition) | (condition == WHOLE_GRID), "seed"].dropna()
    }


def _is_run(part: Part, results: Results, values: pd.DataFrame, *conditions: str) -> bool:
    """Whether each condition was measured and lacks nothing of it; a measurement may have given no number."""
    lacking = _lacking(part, results, conditions)
    in_vain = lacking.loc[lacking["state"] == NO_NUMBER, "condition"]
    measured = {*values["condition"], *in_vain, *([WHOLE_GRID] if len(in_vain) else ())}
    return measured >= {*conditions} and len(in_vain) == len(lacking)


def _obstacle(part: Part, results: Results | None) -> str | None:
    """Why a run cannot make a part's results, if that is known: data that are not there, a training that diverged."""
    if results is None:
        return None
    conditions = [resolved(name, results.order) for name in (part.condition, part.against) if name]
    rows = _lacking(part, results, conditions)
    blocked = rows.loc[rows["state"] == "blocked", "reason"]
    return str(blocked.iloc[0]) if len(blocked) else None


def _lacking(part: Part, results: Results, conditions: Collection[str]) -> pd.DataFrame:
    """The rows of `Results.missing` that the part's measure would need, of those conditions."""
    rows = results.missing[results.missing["evaluation"].isin(["training", *MEASURES[part.measure].evaluations])]
    return rows if WHOLE_GRID in conditions else rows[rows["condition"].isin(list(conditions))]


def _tested(claim: Claim, samples: Sequence[_Sample], missing: Callable[[Part], str]) -> ClaimOutcome:
    bounds = [_bounds(part, sample) for part, sample in zip(claim.parts, samples, strict=True)]
    t_tests = [
        max(t_test(beyond) for beyond in sample.values - own) if sample.values else 1.0
        for sample, own in zip(samples, bounds, strict=True)
    ]
    parts = tuple(
        _part_outcome(part, sample, own, holm_p)
        for part, sample, own, holm_p in zip(claim.parts, samples, bounds, holm(t_tests), strict=True)
    )
    return ClaimOutcome(
        claim=claim,
        parts=parts,
        verdict=_combined(claim, [each.verdict for each in parts]),
        lacking=tuple(dict.fromkeys(missing(each.part) for each in parts if each.verdict == "not run")),
    )


def _bounds(part: Part, sample: _Sample) -> NDArray[np.float64]:
    """What divides the effects for the claim from those against it, for each seed: (bounds, seeds)."""
    share = relative_margin(part)
    margins = np.array([MARGIN if share is None else share * compared for compared in sample.compared])
    return np.array([part.level + sign * margins for sign in DIRECTIONS[part.side].margins])


def _part_outcome(part: Part, sample: _Sample, bounds: NDArray[np.float64], holm_p: float) -> PartOutcome:
    effect = estimate(sample.values)
    p = max(sign_flip_test(beyond) for beyond in sample.values - bounds) if sample.values else 1.0
    means = tuple(bounds.mean(1)) if sample.values else (math.nan,) * len(bounds)
    verdict: Verdict = "undecided"
    if not effect.n:
        verdict = "undecided" if sample.is_run else "not run"
    elif is_sure(effect.n, holm_p, p):
        verdict = "supported" if DIRECTIONS[part.side].holds(effect.mean, means) else "contradicted"
    return PartOutcome(
        part=part,
        condition=sample.condition,
        against=sample.against,
        effect=effect,
        n_lacking=sample.n_lacking,
        bounds=means,
        p=p,
        smallest_p=smallest_p(effect.n),
        holm_p=holm_p,
        verdict=verdict,
    )


def _combined(claim: Claim, verdicts: Sequence[Verdict]) -> Verdict:
    """The claim's verdict; nothing is said of it before all of its parts have results."""
    if "not run" in verdicts:
        return "not run"
    stands, falls = (all, any) if claim.needs == "all" else (any, all)
    if stands(each == "supported" for each in verdicts):
        return "supported"
    return "contradicted" if falls(each == "contradicted" for each in verdicts) else "undecided"
