"""The numbers of a report: results in, tidy frames out.

Everything here is a pure function. Accuracies stay fractions; only `tables` and `figures` say percent. A mean is
over seeds, its SEM uses n - 1, and there is none for a single seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from harness.errors import UnknownName
from harness.report.results import Results
from harness.report.rows import groups, records, stacked
from harness.report.statistics import holm, is_sure, sign_flip_test, t_interval, t_test
from harness.report.vocabulary import BOUNDARY_SCORE, FREQUENCIES, SEVERITY, WORST, attack_title, in_order

MEASURED = ["evaluation", "measure", "label", "unit"]
"""What says which number a row is of."""
SCORE_COLUMNS = ["condition", "seed", *MEASURED, "value"]
TESTED = ("holm_p", "sign_flip_p", "sure")
"""Columns that say how sure a difference is."""
BOUNDARY_LABELS = {"score": "", "start_score": ", its start", "score_all_images": ", all images"}
"""How the label of each column of `v_boundary` ends: of the Boundary attack's score, and of what is shown beside it."""


def finished(frame: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """The rows whose model (condition, seed) finished its training; diverged models are in no mean."""
    whole = models.loc[models["status"] == "ok", ["condition", "seed"]]
    return frame.merge(whole, on=["condition", "seed"], how="inner")


def at_severity(results: Results) -> pd.DataFrame:
    """The finished models' rows of `corruptions` at `SEVERITY`; at the largest there is if there is none."""
    corruptions = finished(results.corruptions, results.models)
    severity = SEVERITY if (corruptions["severity"] == SEVERITY).any() else corruptions["severity"].max()
    chosen: pd.DataFrame = corruptions[corruptions["severity"] == severity]
    return chosen


def corruption_means(corruptions: pd.DataFrame, *by: str) -> pd.DataFrame:
    """condition, the columns `by`, seed, value: mean accuracy over each model's corruptions.

    It is taken within each model, so that an SEM of it is over seeds, and missing for a model that lacks one of the
    corruptions and severities that others have: means over different corruptions are not comparable.
    """
    points = corruptions["corruption"] + " " + corruptions["severity"].astype(str)
    asked = points.groupby([corruptions[name] for name in by]).transform("nunique") if by else points.nunique()
    models = corruptions.assign(asked=asked).groupby(["condition", *by, "seed"], sort=False)
    found = models.agg(value=("accuracy", "mean"), n=("accuracy", "count"), asked=("asked", "max")).reset_index()
    return found.assign(value=found["value"].where(found["n"] == found["asked"])).drop(columns=["n", "asked"])


def worst_corruption_means(results: Results) -> pd.DataFrame:
    """condition, seed, value: mean accuracy over the finished models' corruptions at `WORST`."""
    rows = finished(results.corruptions, results.models)
    return corruption_means(rows[rows["severity"] == WORST])


def scores(results: Results) -> pd.DataFrame:
    """What the summary table shows of each model: one row per model and measure, in the table's order.

    Columns: `SCORE_COLUMNS`. `evaluation` is where it comes from, `measure` the name of the number, `label` its
    heading, `unit` "accuracy" (a fraction), "score" (squared distance per pixel value), "l2" or "linf" (a distance).
    """
    parts = [
        _clean(results.models),
        *_at_largest_sizes(results.curves),
        *_boundary_scores(results.boundary, *BOUNDARY_LABELS),
        _median_distances(results.distances),
        _corruption_scores(results.corruptions),
        *_band_scores(results.bands),
    ]
    found = stacked(part[SCORE_COLUMNS] for part in parts)
    return finished(found.dropna(subset="value"), results.models)[SCORE_COLUMNS]


def queries(results: Results) -> pd.DataFrame:
    """How many decisions of a model each attack that counts them asked for: rows like those of `scores`.

    It is what an attack costs, not what a model bears, so nothing is compared by it.
    """
    parts = [
        rows.assign(
            evaluation="boundary", measure=f"boundary_queries_{steps}", attack=f"Boundary attack, {steps} steps"
        )
        for steps, rows in results.boundary.groupby("steps")
    ]
    others = results.queries
    parts.append(
        others.assign(measure=others["evaluation"] + "_queries", attack=others["evaluation"].map(attack_title))
    )
    found = stacked(part.assign(label=part["attack"] + ", queries", value=part["queries"]) for part in parts)
    return finished(found.assign(unit="queries"), results.models)[SCORE_COLUMNS]


def failures(results: Results) -> pd.DataFrame:
    """For how many images the attacks that look for a distance found none: one row per model and attack.

    Columns: `SCORE_COLUMNS` of the attack's number, also where there is none; n and n_failed, images with and without
    a distance; `failing`, what a table calls the latter.
    """
    parts = [*_boundary_scores(results.boundary, "score"), _median_distances(results.distances)]
    found = finished(stacked(parts), results.models)
    nothing = found["evaluation"].map(attack_title) + "\nnothing found"
    failing = nothing.where(found["unit"] != "score", "Attacks\nwithout a start")
    return found.assign(failing=failing)[[*SCORE_COLUMNS, "n", "n_failed", "failing"]]


def summarized(values: pd.DataFrame, by: list[str], value: str = "value") -> pd.DataFrame:
    """Mean, SEM (n - 1; missing for one seed) and n over the seeds of each group, groups in order of appearance."""
    grouped = values.dropna(subset=value).groupby(by, sort=False, dropna=False)[value]
    return grouped.agg(mean="mean", sem="sem", n="count").reset_index()


def baselines(conditions: pd.DataFrame) -> dict[str, str]:
    """The condition that each other is compared with, where the suite has one; conditions: see `Results`."""
    free = conditions[conditions["free"]].drop_duplicates("baseline")
    by_digest = dict(zip(free["baseline"], free["condition"], strict=True))
    others = conditions[~conditions["free"]]
    return {row.condition: by_digest[row.baseline] for row in records(others) if row.baseline in by_digest}


def compared(conditions: pd.DataFrame, against: str | None) -> dict[str, str]:
    """What each condition is compared with: `against`, or its baseline if None; raises UnknownName if there is none."""
    if not against:
        return baselines(conditions)
    names = list(conditions["condition"])
    if against not in names:
        raise UnknownName("condition", against, names)
    return {each: against for each in names if each != against}


def paired_differences(values: pd.DataFrame, compared: Mapping[str, str]) -> pd.DataFrame:
    """Mean difference to the baseline over the seeds that both have, with a paired t interval, and tests of it.

    Columns: condition, baseline, evaluation, measure, label, unit, n (pairs), difference, low, high, holm_p (Student's
    t after Holm's correction over all rows), sign_flip_p, sure (whether both tests agree that it is not 0); low and
    high are missing where `t_interval` gives none. Pairs that are both infinite are not in n; the difference is missing
    where there is no other pair, and where some are infinitely larger and some smaller.

    compared: the baseline of each condition.
    """
    keys = ["condition", "baseline", *MEASURED]
    parts = []
    for condition, baseline in compared.items():
        own, base = (values[values["condition"] == name] for name in (condition, baseline))
        pairs = own.merge(base, on=["seed", *MEASURED], suffixes=("", "_baseline"))
        pairs["difference"] = pairs["value"] - pairs["value_baseline"]
        parts.append(pairs.assign(baseline=baseline))
    if not any(len(part) for part in parts):
        return pd.DataFrame(columns=[*keys, "n", "difference", "low", "high", *TESTED])
    together = stacked(parts)
    with np.errstate(invalid="ignore"):  # of infinite differences to both sides, whose mean is none
        grouped = together.groupby(keys, sort=False, dropna=False)["difference"]
        found = grouped.agg(difference="mean", sem="sem", n="count").reset_index()
    low, high = t_interval(found["difference"], found["sem"], found["n"])
    return _tested(found.assign(low=low, high=high).drop(columns="sem"), together, keys)


def _tested(found: pd.DataFrame, differences: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The rows with the columns `TESTED`; differences: by seed, behind each row, groups in the order of the rows."""
    samples = [list(own["difference"].dropna()) for _, own in groups(differences, keys)]
    known = [bool(np.isfinite(sample).all()) for sample in samples]
    corrected = holm([t_test(sample) if finite else 1.0 for sample, finite in zip(samples, known, strict=True)])
    exact = [sign_flip_test(sample) if finite else 1.0 for sample, finite in zip(samples, known, strict=True)]
    sure = [is_sure(len(sample), *ps) for sample, *ps in zip(samples, corrected, exact, strict=True)]
    return found.assign(holm_p=corrected, sign_flip_p=exact, sure=sure)


def gamma_means(results: Results) -> pd.DataFrame:
    """Mean gamma of each tap over the seeds of each regularized condition (Tables 2 and 3)."""
    return summarized(finished(results.gammas, results.models), ["condition", "tap"], "gamma")


def _clean(models: pd.DataFrame) -> pd.DataFrame:
    return models.assign(
        evaluation="clean",
        measure="clean",
        label=attack_title("clean"),
        unit="accuracy",
        value=models["clean_accuracy"],
    )


def _at_largest_sizes(curves: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Accuracy at the largest size of each attack, which the heading says; the conditions of two tasks may have two."""
    largest = curves.groupby(["condition", "evaluation"])["epsilon"].transform("max")
    reached = curves[curves["epsilon"] == largest].sort_values("epsilon", kind="stable")
    for evaluation in in_order(curves["evaluation"]):
        rows = reached[reached["evaluation"] == evaluation]
        several = rows["epsilon"].nunique() > 1
        for size, own in rows.groupby("epsilon"):
            yield own.assign(
                measure=f"{evaluation}_{size:g}" if several else evaluation,
                label=f"{attack_title(evaluation)}, ε = {size:g}",
                unit="accuracy",
                value=own["accuracy"],
            )


def _boundary_scores(boundary: pd.DataFrame, *columns: str) -> Iterator[pd.DataFrame]:
    """Columns of `v_boundary`, for each number of steps.

    The score of all images is shown where some had no start, which the score leaves out: infinite where half had none.
    """
    for steps, rows in boundary.groupby("steps"):
        for column in columns:
            everything = column == "score_all_images"
            if everything and not rows["n_failed"].any():
                continue
            yield rows.assign(
                evaluation="boundary",
                measure=f"boundary_{column}_{steps}",
                label=f"{BOUNDARY_SCORE}, {steps} steps{BOUNDARY_LABELS[column]}",
                unit="score",
                value=rows[column].fillna(np.inf) if everything else rows[column],
            )


def _median_distances(distances: pd.DataFrame) -> pd.DataFrame:
    """The median distance that an attack for the smallest perturbation found."""
    return distances.assign(
        measure=distances["evaluation"] + "_median_" + distances["norm"],
        label=distances["evaluation"].map(attack_title) + ", median distance",
        unit=distances["norm"],
        value=distances["distance"],
    )


def _band_scores(bands: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Mean accuracy over each band of frequencies of each Fourier heat map, from low to high."""
    for evaluation in in_order(bands["evaluation"]):
        for band in FREQUENCIES:
            rows = bands[(bands["evaluation"] == evaluation) & (bands["band"] == band)]
            yield rows.assign(
                measure=f"{evaluation}_{band}",
                label=f"{attack_title(evaluation)}, {band} frequencies",
                unit="accuracy",
                value=rows["accuracy"],
            )


def _corruption_scores(corruptions: pd.DataFrame) -> pd.DataFrame:
    """Mean over all corruptions and severities."""
    return corruption_means(corruptions).assign(
        evaluation="corruption",
        measure="corruption",
        label=attack_title("corruption"),
        unit="accuracy",
    )
