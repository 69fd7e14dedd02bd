"""What claims compare: one number of each finished model, or of each seed's whole grid.

Accuracies are fractions, Boundary scores squared distances per pixel value. Attacks are measured at their largest
size, where the paper reads its figures (section 5.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from harness.data.frequencies import radii
from harness.data.sets import DATASETS, FREQUENCY
from harness.report.ratios import seed_values
from harness.report.results import Results
from harness.report.statistics import rank_correlation
from harness.report.summary import at_severity, corruption_means, finished, scores, worst_corruption_means
from harness.report.vocabulary import ATTACKS, SPECTRUM, WORST, attack_title

EARLY_TAPS = (0, 1, 2)
"""Stem, stage 1 and stage 2: the taps that carry weight in the paper's Table 2."""

LOW_FREQUENCIES = 8
"""Cycles per image below which a frequency is low: half of the largest on an axis of 32 pixels. Ours."""

WHOLE_GRID = "(all conditions)"
"""The condition of what is measured over all conditions of a seed."""

LOW_CORRUPTIONS = tuple(name for name, group in FREQUENCY.items() if group == "low")
"""Corruptions of low frequency (paper, appendix 7.10)."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number to compare."""

    label: str
    unit: Literal["accuracy", "score", "number"]
    """`number` has none: a share or a correlation."""
    evaluations: tuple[str, ...]
    """Of the suite, that it is read from; none for what training itself yields."""
    values: Callable[[Results], pd.DataFrame]
    """condition, seed, value; only finished models."""


def _score(results: Results, measure: str) -> pd.DataFrame:
    """A column of the summary table; of several Boundary attacks the longest."""
    found = scores(results)
    if measure == "boundary":
        measure = f"boundary_score_{results.boundary['steps'].max()}"
    return found.loc[found["measure"] == measure, ["condition", "seed", "value"]]


def _corruption(results: Results, name: str) -> pd.DataFrame:
    rows = at_severity(results)
    own = rows.loc[rows["corruption"] == name, ["condition", "seed", "accuracy"]]
    return own.rename(columns={"accuracy": "value"})


def _frequency_group(results: Results, name: str) -> pd.DataFrame:
    """Mean accuracy over the corruptions of a frequency group."""
    rows = at_severity(results)
    return corruption_means(rows[rows["frequency"] == name])


def _high_over(results: Results, other: str) -> pd.DataFrame:
    """Accuracy on high frequencies minus that on others: its difference to the baseline is that of the gains."""
    high, others = (_frequency_group(results, name) for name in ("high", other))
    both = high.merge(others, on=["condition", "seed"], suffixes=("", "_other"))
    return both.assign(value=both["value"] - both["value_other"])[["condition", "seed", "value"]]


def _early_taps(results: Results) -> pd.DataFrame:
    rows = finished(results.gammas, results.models)
    early = rows[rows["tap"].isin(EARLY_TAPS)]
    return early.groupby(["condition", "seed"], sort=False)["gamma"].sum().reset_index(name="value")


def _low_frequencies(results: Results) -> pd.DataFrame:
    """Of the power of minimal perturbations, the share below `LOW_FREQUENCIES`."""
    rows = finished(results.spectra, results.models)
    rows = rows[(rows["evaluation"] == SPECTRUM) & rows["classification"].isin(DATASETS)]
    numbers = {name: np.bincount(radii(*DATASETS[name].size).ravel()) for name in rows["classification"].unique()}
    held = [numbers[name][radius] for name, radius in zip(rows["classification"], rows["frequency"], strict=True)]
    power = rows["power"] * held
    low = power.where(rows["frequency"] < LOW_FREQUENCIES, 0.0)
    models = rows.assign(power=power, low=low).groupby(["condition", "seed"], sort=False)
    sums = models.agg(low=("low", _whole_sum), power=("power", _whole_sum)).reset_index()
    return sums.assign(value=sums["low"] / sums["power"])[["condition", "seed", "value"]]


def _whole_sum(part: pd.Series) -> float:
    """The sum, missing if a number is."""
    return float(part.sum(skipna=False))


def _agreement(results: Results, evaluation: str) -> pd.DataFrame:
    """Rank correlation, over the grid, of RD/UD under Gaussian noise and under another attack.

    Of each seed's models under noise and of all other seeds' under the attack: of the same models, what a training
    happens to give would count as agreement.
    """
    values = seed_values(results)
    gains = values.assign(gain=values["rd"] / values["ud"])
    noise, attack = (
        gains[gains["evaluation"] == name].pivot_table("gain", "condition", "seed") for name in ("gaussian", evaluation)
    )
    rows = []
    for seed in noise if len(attack) else ():
        others = attack.drop(columns=seed, errors="ignore").mean(axis=1)
        both = pd.DataFrame({"noise": noise[seed], "attack": others}).dropna()
        rows.append((WHOLE_GRID, seed, rank_correlation(list(both["noise"]), list(both["attack"]))))
    return pd.DataFrame(rows, columns=["condition", "seed", "value"])


def _on_corruptions(label: str, values: Callable[[Results], pd.DataFrame]) -> Measure:
    return Measure(label=label, unit="accuracy", evaluations=("corruption",), values=values)


MEASURES: dict[str, Measure] = {
    **{
        name: Measure(
            label=attack_title(name),
            unit="score" if name == "boundary" else "accuracy",
            evaluations=(name,),
            values=partial(_score, measure=name),
        )
        for name in ("clean", *ATTACKS)
    },
    "corruption": _on_corruptions("Mean over corruptions", partial(_score, measure="corruption")),
    "worst_corruptions": _on_corruptions(f"Mean over corruptions at severity {WORST}", worst_corruption_means),
    "high_frequency": _on_corruptions("High-frequency corruptions", partial(_frequency_group, name="high")),
    **{
        f"high_over_{other}": _on_corruptions(
            f"High- minus {other}-frequency corruptions", partial(_high_over, other=other)
        )
        for other in ("low", "medium")
    },
    **{name: _on_corruptions(name.capitalize(), partial(_corruption, name=name)) for name in LOW_CORRUPTIONS},
    "early_taps": Measure(label="γ of stem to stage 2", unit="number", evaluations=(), values=_early_taps),
    "low_frequencies": Measure(
        label=f"Share of perturbations' power below {LOW_FREQUENCIES} cycles",
        unit="number",
        evaluations=(SPECTRUM,),
        values=_low_frequencies,
    ),
    **{
        f"ranks_{name}": Measure(
            label=f"Rank correlation of RD/UD, {attack_title('gaussian')} and, of other seeds, {attack_title(name)}",
            unit="number",
            evaluations=("clean", "gaussian", name),
            values=partial(_agreement, evaluation=name),
        )
        for name in ATTACKS
        if name != "gaussian"
    },
}
