"""All that a report knows of one suite at one profile: the store's frames, restricted to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from harness.data.sets import CORRUPTED, DATASETS
from harness.errors import HarnessError
from harness.measurement import LEFT_BY
from harness.report.missing import read_missing
from harness.report.rows import in_order_of, records
from harness.report.vocabulary import UNREGULARIZED, scale
from harness.store import read, relations
from harness.store.engine import Database, schema_version
from harness.store.intact import require_intact
from harness.store.origins import Origins, SplitOrigin, origins

NUMBERS = {
    "v_models": ("clean_accuracy",),
    "v_gammas": ("gamma",),
    "v_curves": ("epsilon", "accuracy"),
    "v_corruptions": ("accuracy",),
    "v_boundary": ("score", "queries", "start_score", "score_all_images"),
    "v_spectra": ("power",),
    "v_analyses": ("value",),
    "v_arrays": (),
    "v_acceptable": ("alpha", "threshold", "epsilon", "r0", "u0", "rd", "ud", "clean_ratio", "distorted_ratio"),
    "placed_comparison": ("epsilon", "clean", "distorted", "baseline_clean", "baseline_distorted"),
    "epoch": ("task_loss", "similarity_loss", "validation_loss", "validation_accuracy"),
    "gamma": ("gamma",),
}
"""Columns that are numbers even where the database has nothing but NULL in them."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """One suite at one profile, as the database holds it; frames have the columns of the views named like them."""

    suite: str
    profile: str
    title: str
    """What the suite asks."""
    conditions: pd.DataFrame
    """In the suite's order: condition, target, regularization, baseline (the same digest for a condition and what it is
    compared with), free (whether it is unregularized, or what one that was trained elsewhere is compared with)."""
    models: pd.DataFrame
    gammas: pd.DataFrame
    curves: pd.DataFrame
    corruptions: pd.DataFrame
    boundary: pd.DataFrame
    distances: pd.DataFrame
    """condition, seed, evaluation, norm, distance (missing where the median is infinite), n, n_failed."""
    queries: pd.DataFrame
    """condition, seed, evaluation, queries (per attacked image), n: of those of these attacks that count them."""
    left: pd.DataFrame
    """condition, seed, evaluation, epsilon, attack, left: what each attack of AutoAttack and those before it left."""
    bands: pd.DataFrame
    """condition, seed, evaluation, band ("low", "medium", "high"), accuracy, n: of Fourier heat maps."""
    spectra: pd.DataFrame
    """condition, seed, evaluation, frequency (cycles per image), power."""
    analyses: pd.DataFrame
    """analysis, kind, metric, point, value, n: what was computed of data alone."""
    arrays: pd.DataFrame
    """condition, seed (both missing for an analysis), evaluation, kind, name, file, sha256, shape."""
    acceptable: pd.DataFrame
    comparisons: pd.DataFrame
    """condition, seed, evaluation, epsilon, compared (0: what has no baseline), clean, distorted, baseline_clean,
    baseline_distorted: each model's numbers beside those of its baseline, of which `acceptable` has the means."""
    epochs: pd.DataFrame
    """condition, seed, epoch, and the quantities of each epoch."""
    gamma_epochs: pd.DataFrame
    """condition, seed, epoch, tap, gamma."""
    specs: pd.DataFrame
    """condition, evaluation (missing for the training itself), spec: what the suite asks for, in its order."""
    substitutes: pd.DataFrame
    """condition, evaluation, seed, twin: what transferred attacks are made with (see `read.substitutes`)."""
    images: pd.DataFrame
    """condition, evaluation, kind, n: the test images that each of an evaluation's numbers is of."""
    missing: pd.DataFrame
    """condition, evaluation, name, seed, state, reason of what the suite asks for and the database does not hold."""
    origins: Origins
    schema: str
    """Version of the database's schema."""

    @property
    def order(self) -> tuple[str, ...]:
        """The conditions' names in the suite's order."""
        return tuple(self.conditions["condition"])

    @property
    def scale(self) -> str:
        """The profile as every title says it."""
        return scale(self.profile)

    @property
    def remark(self) -> str:
        """What the summary and the page say of data that are not the official ones."""
        return self.remark_on(corrupted=True)

    def remark_on(self, *, corrupted: bool) -> str:
        """What is to be said of the data behind a table or figure."""
        return remark_on(self.origins.data, corrupted=corrupted)

    def of_data(self) -> Results:
        """The same as made with nothing but the data that its analyses read, which need no model."""
        return replace(self, origins=replace(self.origins, data=self.origins.analysed))

    @property
    def scope(self) -> str:
        """Suite and profile, for titles."""
        return f"{self.suite} ({self.scale})"


def remark_on(data: Iterable[SplitOrigin], *, corrupted: bool) -> str:
    """What is to be said of data that are not the official ones; corrupted: also of sets of corrupted images."""
    shown = [split for split in data if corrupted or not split.name.endswith(CORRUPTED)]
    named = {
        "Stand-ins": {split.name for split in shown if split.stand_in},
        "Generated images": {split.name for split in shown if split.generated and not split.stand_in},
        "Parts of the official sets": {split.name for split in shown if _is_part(split)},
    }
    return " ".join(f"{what}: {', '.join(sorted(names))}." for what, names in named.items() if names)


def _is_part(split: SplitOrigin) -> bool:
    """Whether fewer images are there than the official set has. A suite says how many it regularizes with."""
    dataset = DATASETS.get(split.name)
    if dataset is None or dataset.role == "regularization" or split.n is None or split.stand_in:
        return False
    return split.n < dataset.counts.get(split.split, 0)


def read_results(db: Database, suite: str, profile: str) -> Results:
    """Everything that is stored for a suite at a profile, which must have been planned.

    Raises:
        DatabaseUnusable: something of it is not as it was recorded.
    """
    require_intact(db, suite, profile)
    [planned] = records(relations.frame(db, "suite", name=suite, profile=profile))
    places = relations.frame(db, "placed_model", suite=suite, profile=profile)
    written = relations.frame(db, "place", suite_id=planned.id).sort_values("id")
    order = written[["condition"]].drop_duplicates()
    ordered = partial(_ordered, evaluations=[*written["evaluation"].unique()])
    rows = places[["model_row", "condition", "seed"]].rename(columns={"model_row": "model_id"})

    def view(name: str) -> pd.DataFrame:
        return ordered(_frame(db, name, suite=suite, profile=profile))

    def of_models(name: str) -> pd.DataFrame:
        return ordered(_frame(db, name, model_id=read.models_of(suite, profile))).merge(rows, on="model_id")

    def told_apart(metrics: Mapping[str, str], label: str, value: str) -> pd.DataFrame:
        return ordered(_told_apart(numbers, metrics, label, value))

    boundary, corruptions = view("v_boundary"), view("v_corruptions")
    _refuse_twins(boundary, ["condition", "seed", "steps"], "Boundary attacks with the same steps")
    _refuse_twins(corruptions, ["condition", "seed", "corruption", "severity"], "corrupted sets")
    numbers = read.measured(db, suite, profile, (*read.MEDIANS, read.QUERIES, *LEFT_BY, *read.BANDS))
    distances = told_apart(read.MEDIANS, "norm", "distance")
    queries = numbers[(numbers["metric"] == read.QUERIES) & numbers["evaluation"].isin(distances["evaluation"])]
    return Results(
        suite=suite,
        profile=profile,
        title=planned.title,
        conditions=_conditions(order.merge(places.drop_duplicates("condition"))),
        models=view("v_models"),
        gammas=view("v_gammas"),
        curves=view("v_curves"),
        corruptions=corruptions,
        boundary=boundary,
        distances=distances,
        queries=ordered(queries.rename(columns={"value": "queries"})),
        left=told_apart(LEFT_BY, "attack", "left"),
        bands=told_apart(read.BANDS, "band", "accuracy"),
        spectra=view("v_spectra"),
        analyses=view("v_analyses"),
        arrays=view("v_arrays"),
        acceptable=view("v_acceptable"),
        comparisons=view("placed_comparison"),
        epochs=of_models("epoch"),
        gamma_epochs=of_models("gamma"),
        specs=read.specs(db, suite, profile),
        substitutes=read.substitutes(db, suite, profile),
        images=ordered(read.images_behind(db, suite, profile)),
        missing=read_missing(db, suite, profile),
        origins=origins(db, suite, profile),
        schema=schema_version(db) or "",
    )


def _conditions(places: pd.DataFrame) -> pd.DataFrame:
    """One row for each condition, from one of its places."""
    compared = places["compared"] == 1
    named = places["baseline"].isin(places.loc[compared, "baseline"])  # also a network that was trained elsewhere
    free = ~compared & (named | (places["target"] == UNREGULARIZED))
    return places[["condition", "target", "regularization", "baseline"]].assign(free=free)


def _frame(db: Database, name: str, **filters: object) -> pd.DataFrame:
    """A view's rows."""
    return relations.frame(db, name, **filters).astype(dict.fromkeys(NUMBERS[name], float))


def _ordered(frame: pd.DataFrame, evaluations: Sequence[str]) -> pd.DataFrame:
    """The rows in an order of their own, evaluations as in the suite: not even the kind of database shows."""
    rows = frame.sort_values(list(frame.columns))
    rows = in_order_of(rows, "evaluation", evaluations) if "evaluation" in rows else rows
    return rows.reset_index(drop=True)


def _told_apart(numbers: pd.DataFrame, metrics: Mapping[str, str], label: str, value: str) -> pd.DataFrame:
    """The numbers of some metrics; the columns `value` and `label` have the number, and what it is of by its metric."""
    own = numbers[numbers["metric"].isin(metrics)].replace({"metric": metrics})
    return own.rename(columns={"value": value, "metric": label})


def _refuse_twins(frame: pd.DataFrame, keys: list[str], what: str) -> None:
    """The views do not tell apart two evaluations that share those keys; their numbers must not be mixed."""
    if frame.duplicated(keys).any():
        suite = frame["suite"].iloc[0]
        raise HarnessError(f"suite {suite} has two {what}, which a report cannot tell apart; make two suites of it")
