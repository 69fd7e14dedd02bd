"""The numbers that figures are drawn from: means over the seeds whose training finished, with SEM and n."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from harness.data.frequencies import cycles
from harness.report.arrays import HEAT_MAP, Arrays
from harness.report.figures import grid
from harness.report.figures.curves import TRAINING
from harness.report.ratios import INTERVALS, Ratios
from harness.report.results import Results
from harness.report.rows import records, stacked
from harness.report.summary import at_severity, corruption_means, finished, summarized
from harness.report.vocabulary import SPECTRUM


def curve_means(results: Results) -> pd.DataFrame:
    """evaluation, condition, epsilon, mean, sem, n, kind (the evaluation's, which may have another name)."""
    means = summarized(finished(results.curves, results.models), ["evaluation", "condition", "epsilon"], "accuracy")
    kinds = dict(zip(results.images["evaluation"], results.images["kind"], strict=True))
    return means.assign(kind=means["evaluation"].map(kinds))


def boundary_means(results: Results) -> pd.DataFrame:
    """steps, condition, measure ("score", "start_score"), mean, sem, n, without (seeds where no image has a start)."""
    long = finished(results.boundary, results.models).melt(
        ["condition", "seed", "steps"], ["score", "start_score"], "measure"
    )
    return _counted(long, ["steps", "condition", "measure"], "value")


def distance_means(results: Results) -> pd.DataFrame:
    """evaluation, norm, condition, mean, sem, n, without (seeds whose median distance is infinite)."""
    return _counted(finished(results.distances, results.models), ["evaluation", "norm", "condition"], "distance")


def severity_means(results: Results) -> pd.DataFrame:
    """condition, severity, mean, sem, n: of each model's mean over corruptions."""
    means = corruption_means(finished(results.corruptions, results.models), "severity")
    return summarized(means, ["condition", "severity"])


def single_corruption_means(results: Results) -> pd.DataFrame:
    """frequency, corruption, severity (one), condition, mean, sem, n."""
    return summarized(at_severity(results), ["frequency", "corruption", "severity", "condition"], "accuracy")


def group_means(results: Results) -> pd.DataFrame:
    """condition, frequency, severity (one), mean, sem, n: of each model's mean over a group's corruptions."""
    means = corruption_means(at_severity(results), "frequency", "severity")
    return summarized(means, ["condition", "frequency", "severity"])


def region(ratios: Ratios) -> pd.DataFrame:
    """The points of the acceptable-region plot, with their intervals, labels and verdicts."""
    rows = ratios.rows.dropna(subset="distorted_ratio")
    labels, labelled = grid.labels(dict(zip(rows["condition"], rows["regularization"], strict=True)))
    columns = ["evaluation", "epsilon", "condition", "target", "regularization", "alpha", "threshold"]
    found = ["clean_ratio", "distorted_ratio", "acceptable", *INTERVALS]
    named = rows[[*columns, *found]].assign(label=rows["condition"].map(labels), labels=labelled)
    return named.assign(least_clean_ratio=ratios.least_clean_ratio, n=rows["n_seeds"])


def epoch_means(results: Results) -> pd.DataFrame:
    """quantity, condition, epoch, mean, sem, n."""
    long = finished(results.epochs, results.models).melt(["condition", "seed", "epoch"], list(TRAINING), "quantity")
    return summarized(long, ["quantity", "condition", "epoch"])


def gamma_epoch_means(results: Results) -> pd.DataFrame:
    """condition, tap, epoch, mean, sem, n."""
    return summarized(finished(results.gamma_epochs, results.models), ["condition", "tap", "epoch"], "gamma")


def spectrum_means(results: Results) -> pd.DataFrame:
    """condition, frequency (cycles per image), mean, sem, n, of the power of the smallest perturbations."""
    own = results.spectra[results.spectra["evaluation"] == SPECTRUM]
    return summarized(finished(own, results.models), ["condition", "frequency"], "power")


def heat_maps(results: Results, arrays: Arrays) -> pd.DataFrame:
    """evaluation, condition, seed, down, across (cycles per image), accuracy: the Fourier heat maps that are here."""
    columns = ["evaluation", "condition", "seed", "down", "across", "accuracy"]
    parts = [pd.DataFrame(columns=columns)]
    rows = finished(arrays.of_models(*HEAT_MAP), results.models)
    for row in records(rows[rows["here"]]):
        accuracy = arrays.read(row)
        places = pd.MultiIndex.from_product([cycles(size) for size in accuracy.shape], names=["down", "across"])
        of_map = pd.DataFrame({"accuracy": accuracy.ravel().astype(float)}, index=places).reset_index()
        parts.append(of_map.assign(evaluation=row.evaluation, condition=row.condition, seed=row.seed)[columns])
    return stacked(parts)


def heat_map_means(maps: pd.DataFrame) -> pd.DataFrame:
    """evaluation, condition, down, across, mean, sem, n; maps: rows of `heat_maps`."""
    return summarized(maps, ["evaluation", "condition", "down", "across"], "accuracy")


def heat_map_differences(maps: pd.DataFrame, compared: Mapping[str, str]) -> pd.DataFrame:
    """evaluation, condition, baseline, down, across, mean, sem, n: of the differences of each seed that both have.

    maps: rows of `heat_maps`; compared: what each condition is compared with.
    """
    own = maps.assign(baseline=maps["condition"].map(compared)).dropna(subset="baseline")
    base = maps.rename(columns={"condition": "baseline"})
    both = own.merge(base, on=["evaluation", "baseline", "seed", "down", "across"], suffixes=("", "_baseline"))
    differences = both.assign(difference=both["accuracy"] - both["accuracy_baseline"])
    return summarized(differences, ["evaluation", "condition", "baseline", "down", "across"], "difference")


def _counted(values: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """`summarized`, and in `without` how many seeds have no number; groups of which no seed has one stay, n = 0."""
    silent = values[value].isna().groupby([values[name] for name in by], sort=False).sum().rename("without")
    found = silent.reset_index().merge(summarized(values, by, value), on=by, how="left")
    return found.astype({"without": int}).assign(n=found["n"].fillna(0).astype(int))[
        [*by, "mean", "sem", "n", "without"]
    ]
