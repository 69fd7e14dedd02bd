"""The report's tables: cells that people read (percent, mean ± SEM) over frames of `summary`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import floor, log10
from typing import Any

import numpy as np
import pandas as pd

from harness.report import notes
from harness.report.cells import INFINITE, POINTS, UNITS, plus_minus, signed
from harness.report.missing import Reasons
from harness.report.results import Results
from harness.report.rows import by_key, groups, records, stacked
from harness.report.statistics import CONFIDENCE, LEAST_SEEDS, SIGNIFICANCE
from harness.report.summary import MEASURED, queries, summarized
from harness.report.table import Table
from harness.report.vocabulary import attack_title, in_order, tap_title
from harness.spec.job import DATA


def summary_table(values: pd.DataFrame, failures: pd.DataFrame, results: Results) -> Table:
    """One row per condition, one column per measure: mean ± SEM over seeds.

    values: rows of `summary.scores`; beside them stand those of `summary.queries`. failures: rows of
    `summary.failures`, which also tell of models without a number.
    """
    asked = queries(results)
    values = stacked([values, asked])
    missing, settings = results.missing, notes.hyperparameters(results)
    names = dict(zip(results.order, results.order, strict=True))
    means = summarized(values, ["condition", *MEASURED])
    measured = _measures(stacked(frame[MEASURED] for frame in (means, failures)))
    columns = pd.concat([measured, _unmeasured(measured, missing)], ignore_index=True)
    units = _shown_units(columns, means)
    cells, reasons = by_key(means, ["condition", "measure"]), Reasons(missing)
    known = {key: set(rows["seed"]) for key, rows in groups(values, ["condition", "measure"])}
    failing = list(dict.fromkeys(failures["failing"]))
    failed = failures.groupby(["condition", "failing"])[["n", "n_failed"]].sum()
    counts = means.groupby("condition")["n"].max()
    rows = []
    for condition in results.order:
        seeds = int(counts.get(condition, 0))
        row = [condition, str(seeds)]
        for column in records(columns):
            key = (condition, column.measure)
            absent = reasons.counts(condition, column.evaluation, known.get(key, ()))
            row.append(_summary_cell(cells.get(key), seeds, *units[column.measure], absent))
        rows.append((*row, *(_failure_cell(failed, (condition, what)) for what in failing)))
    heads = [_head(column.label, UNITS[column.unit].title) for column in records(columns)]
    return Table(
        name="summary",
        title=f"Summary of {results.scope}: mean ± SEM over seeds",
        columns=("Condition", "Seeds", *heads, *failing),
        rows=tuple(rows),
        notes=(
            *notes.images_note(results.images),
            *notes.zero_note(results.images, results.curves),
            *notes.attacks_note(results, values["evaluation"]),
            notes.SEEDS_ONLY,
            *notes.hyperparameters_note(settings, names),
            *notes.perturbations_note(results.specs, names),
            *notes.score_note(results.boundary, beside=True),
            *notes.distance_note(failures),
            *notes.queries_note(asked),
            *notes.fourier_note(results.specs),
            *notes.diverged_note(missing),
            *reasons.notes(),
        ),
        data=means.merge(settings, on="condition", how="left"),
    )


def difference_table(
    differences: pd.DataFrame, scope: str, told: Iterable[str] = (), against: str | None = None
) -> Table:
    """Seed-paired differences with their confidence intervals.

    differences: rows of `summary.paired_differences`. told: what is said below it first. against: the condition that
    all are compared with; each with its own baseline if None.
    """
    columns = _measures(differences)
    units = _shown_units(columns, differences.rename(columns={"difference": "mean"}))
    rows = []
    for (condition, baseline), own in groups(differences, ["condition", "baseline"]):
        cells, pairs = by_key(own, ["measure"]), int(own["n"].max())
        row = [condition, baseline, str(pairs)]
        for column in records(columns):
            found = cells.get(column.measure)
            row.append(_difference_cell(found, pairs, *units[column.measure]))
        rows.append(tuple(row))
    interval = f"Brackets: {CONFIDENCE:.0%} confidence interval of the mean difference, paired t over seeds."
    told = [*told, *([interval] if (differences["n"] > 1).any() else [])]
    told += [_sure_note(len(differences))] if (differences["n"] >= LEAST_SEEDS).any() else []
    told += ["One pair of seeds has no interval."] if (differences["n"] == 1).any() else []
    equal = (differences["n"] > 1) & np.isfinite(differences["difference"].astype(float)) & differences["low"].isna()
    told += ["Pairs whose differences are all equal have no interval: they have no scatter."] if equal.any() else []
    told += [notes.SEEDS_ONLY] if (differences["n"] > 1).any() else []
    heads = [_head(column.label, POINTS.get(column.unit, UNITS[column.unit].title)) for column in records(columns)]
    return Table(
        name="differences",
        title=f"Difference to {against or 'the baseline'} in {scope}, paired by seed",
        columns=("Condition", "Baseline", "Pairs", *heads),
        rows=tuple(rows),
        notes=tuple(told),
        data=differences,
    )


def gamma_table(
    means: pd.DataFrame, conditions: Iterable[str], scope: str, published: Mapping[str, Sequence[float]]
) -> Table:
    """Gamma of each tap at the best epoch, as in the paper's Tables 2 and 3.

    published: the paper's own values by condition, which get a row below the measured ones.
    """
    taps = sorted(means["tap"].unique())
    rows = []
    for condition in conditions:
        own = means[means["condition"] == condition]
        if len(own):
            found = by_key(own, ["tap"])
            cells = (plus_minus(found[tap].mean, found[tap].sem, 3) for tap in taps)
            rows.append((condition, str(int(own["n"].max())), *cells))
            if condition in published:
                rows.append((f"{condition}, published", "7", *(f"{published[condition][tap]:.3f}" for tap in taps)))
    return Table(
        name="gammas",
        title=f"Weight γ of each tap after training in {scope}: mean ± SEM over seeds",
        columns=("Condition", "Seeds", *(tap_title(tap) for tap in taps)),
        rows=tuple(rows),
        notes=("Taps of ResNet18: convolutions 1, 5, 9, 13, 17; of ResNet34: 1, 7, 15, 27, 33.",),
        corrupted=False,
        data=means,
    )


def missing_table(missing: pd.DataFrame, scope: str, told: Iterable[str] = ()) -> Table:
    """What is not there yet, and why: one row for the results that the same seeds lack for the same reason.

    told: what is said below it.
    """
    lacking: dict[tuple[str, ...], list[str]] = {}
    for (condition, name, state, reason), same in groups(missing, ["condition", "name", "state", "reason"]):
        seeds = ", ".join(str(seed) for seed in sorted(same["seed"]))
        lacking.setdefault((condition, seeds, state, reason), []).append(name)
    rows = tuple(
        (condition, seeds, ", ".join(names), state, reason)
        for (condition, seeds, state, reason), names in lacking.items()
    )
    return Table(
        name="missing",
        title=f"Missing from {scope}",
        columns=("Condition", "Seeds", "Results", "State", "Reason"),
        rows=rows,
        notes=(*(() if rows else ("Nothing is missing.",)), *told),
        words=True,
        data=missing,
    )


def _head(label: str, unit: str) -> str:
    """A column's heading on two lines at most."""
    return f"{label.replace(', ', chr(10), 1)} ({unit})"


def _measures(frame: pd.DataFrame) -> pd.DataFrame:
    """The measures of a frame, in order."""
    return frame[MEASURED].drop_duplicates("measure").reset_index(drop=True)


def _unmeasured(measured: pd.DataFrame, missing: pd.DataFrame) -> pd.DataFrame:
    """A column for each evaluation of which no condition has a result yet."""
    asked = missing.loc[missing["condition"] != DATA, "evaluation"]
    names = [name for name in in_order(asked) if name not in {"training", *measured["evaluation"]}]
    rows = [(name, name, attack_title(name), "score" if name == "boundary" else "accuracy") for name in names]
    return pd.DataFrame(rows, columns=MEASURED)


def _shown_units(columns: pd.DataFrame, means: pd.DataFrame) -> dict[str, tuple[float, int]]:
    """Factor and decimals of each measure: one decimal of a percent, three digits of the largest score."""
    found = {}
    for column in records(columns):
        factor = UNITS[column.unit].factor
        largest = (factor * means.loc[means["measure"] == column.measure, "mean"]).abs().replace(np.inf, np.nan).max()
        digits = 2 - floor(log10(largest)) if largest > 0 else 0
        found[column.measure] = (factor, 1 if column.unit == "accuracy" else max(0, digits))
    return found


def _summary_cell(found: Any | None, seeds: int, factor: float, decimals: int, absent: dict[str, int]) -> str:
    """A cell of the summary: the number, its n where it differs from the row's, and what is missing."""
    if found is None:
        return f"missing: {', '.join(absent) or 'not measured'}"
    told = [f"n = {found.n}"] if found.n != seeds else []
    told += [f"{count} {mark}" for mark, count in absent.items()]
    text = plus_minus(factor * found.mean, factor * found.sem, decimals)
    return f"{text} ({'; '.join(told)})" if told else text


def _sure_note(count: int) -> str:
    return (
        f"* off 0: p ≤ {SIGNIFICANCE:.2g} of Student's t over seeds, after Holm's correction over the {count} "
        f"differences of this table, and the exact sign-flip test agrees; on fewer than {LEAST_SEEDS} seeds none is. "
        "Without any effect one table in twenty has a star."
    )


def _difference_cell(found: Any | None, pairs: int, factor: float, decimals: int) -> str:
    if found is None:
        return "missing"
    if pd.isna(found.difference):
        return f"{INFINITE} − {INFINITE}"
    text = signed(factor * found.difference, decimals) + ("*" if found.sure else "")
    if pd.notna(found.low):
        text += f" [{signed(factor * found.low, decimals)}, {signed(factor * found.high, decimals)}]"
    return text if found.n == pairs else f"{text} (n = {found.n})"


def _failure_cell(failed: pd.DataFrame, key: tuple[str, str]) -> str:
    if key not in failed.index:
        return "–"
    n_failed, n_scored = failed["n_failed"].loc[key], failed["n"].loc[key]
    return f"{n_failed:.0f} of {n_scored + n_failed:.0f}"
