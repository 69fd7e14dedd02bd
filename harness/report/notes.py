"""What is said below tables and figures: of which images, attacks and regularizers their numbers are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import pandas as pd

from harness.report.arrays import HEAT_MAP, Arrays
from harness.report.cells import INFINITE, span
from harness.report.results import Results
from harness.report.rows import groups, records
from harness.report.summary import baselines
from harness.report.vocabulary import BOUNDARY_SCORE, ELSEWHERE, NORMS, SPECTRUM, attack_title, in_order

SEEDS_ONLY = (
    "SEM, intervals and p are over seeds alone, given these test images and their number. The accuracy of one model on "
    "them is up to 98/√n points (95 %, n images) from that on all images of their kind: 1 for 10,000, 10 for 100."
)
"""The bound is the normal approximation of a binomial share at 50 %, where its standard error is largest. Two sets of
as many images differ by up to √2 times as much."""
SETTINGS = {"alpha": "α", "threshold": "Th", "threshold_low": "Th2", "regularization_images": "N"}
"""How readers call the hyperparameters of a regularizer."""
MOST = 8
"""Different settings that a note has room for."""


def hyperparameters(results: Results) -> pd.DataFrame:
    """`condition` and the columns `SETTINGS` of each regularized condition that has a model."""
    trained = records(results.specs[results.specs["evaluation"].isna()])
    lower = {row.condition: (row.spec.get("regularizer") or {}).get("threshold_low") for row in trained}
    models = results.models.rename(columns={"n_images": "regularization_images"})
    models = models.assign(threshold_low=models["condition"].map(lower).astype(float))
    found = models.loc[models["alpha"].notna(), ["condition", *SETTINGS]].drop_duplicates("condition")
    return found.astype({"regularization_images": "Int64"})


def hyperparameters_note(settings: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[str]:
    """Which conditions have which hyperparameters; settings: rows of `hyperparameters`, labels: what to call them."""
    each = settings.drop_duplicates().set_index("condition")
    own = each.loc[[name for name in labels if name in each.index]]
    told = []
    for values, same in groups(own.reset_index(), list(SETTINGS)):
        known = zip(SETTINGS.values(), values, strict=True)
        setting = ", ".join(f"{symbol} = {value:g}" for symbol, value in known if pd.notna(value))
        told.append(f"{', '.join(labels[name] for name in same['condition'])}: {setting}")
    if len(told) > MOST:
        yield "α, Th and N (regularization images) of each condition are columns of the CSV."
    elif told:
        yield f"Regularizers (N: regularization images): {'; '.join(told)}."


def perturbations_note(specs: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[str]:
    """Which conditions learned from perturbed images; specs: see `Results`, labels: what to call the conditions."""
    told = []
    for row in records(specs[specs["evaluation"].isna()]):
        perturbation = row.spec.get("perturbation")
        if perturbation and row.condition in labels:
            given = {"ε": perturbation["epsilon"], "steps": perturbation["steps"], **perturbation["options"]}
            settings = [f"{name} = {value}" for name, value in given.items() if value is not None]
            told.append(f"{labels[row.condition]}: {', '.join([perturbation['kind'], *settings])}")
    if len(told) > MOST:
        yield "How images were perturbed before they were learned from is in the table of trainings."
    elif told:
        yield f"Perturbed before they were learned from: images of {'; '.join(told)}."


def seeds_note(data: pd.DataFrame, by: str) -> Iterator[str]:
    """How many seeds each panel is of, where they differ; by: the column that says a number's panel.

    A condition that has no number in a panel is of no seed there.
    """
    told, conditions = {}, data["condition"].nunique()
    for panel, own in groups(data, [by]):
        none = [0] if own["condition"].nunique() < conditions else []
        told[panel[0]] = span([*own["n"], *none])
    if len(set(told.values())) > 1:
        yield f"n by panel: {'; '.join(f'{attack_title(panel)} {counts}' for panel, counts in told.items())}."


def spectra_note(specs: pd.DataFrame) -> Iterator[str]:
    """With how many steps the smallest perturbations were looked for, and what their power is."""
    steps = [spec["steps"] for spec in specs.loc[specs["evaluation"] == SPECTRUM, "spec"]]
    if steps:
        yield (
            "Power: squared amplitude (unitary Fourier transform) of the smallest perturbations that the Boundary "
            f"attack found in {span(steps)} steps, mean over the images that have a start, pixels in [0, 1]; maps have "
            "frequency zero in the middle."
        )


def spectra_starts(results: Results) -> pd.DataFrame:
    """condition, n, n_failed of each model that has a spectrum: attacks that had a start, and those that had none."""
    spectra, images = (frame[frame["evaluation"] == SPECTRUM] for frame in (results.spectra, results.images))
    asked = images[["condition", "n"]].rename(columns={"n": "asked"})
    found = spectra.drop_duplicates(["condition", "seed"]).merge(asked, on="condition")
    return found.assign(n_failed=found["asked"] - found["n"])[["condition", "n", "n_failed"]]


def fourier_note(specs: pd.DataFrame) -> Iterator[str]:
    """What is added for Fourier heat maps, and which frequencies their bands have; specs: see `Results`."""
    asked = [(row.evaluation, row.spec) for row in records(specs) if row.spec.get("kind") == "fourier"]
    for name in dict.fromkeys(name for name, _ in asked):
        sizes = span((spec["epsilon"] for evaluation, spec in asked if evaluation == name), "g")
        yield (
            f"{attack_title(name)}: accuracy on images to which one wave is added, in each channel with a random sign "
            f"and an L2 norm of {sizes}, pixels in [0, 1]. Its frequency is low below 1/6 of a cycle per pixel, high "
            "from 1/3 on, and medium between."
        )


def absent_note(arrays: Arrays) -> Iterator[str]:
    """Which models' Fourier heat maps are not drawn, because their arrays are in another folder."""
    absent = arrays.of_models(*HEAT_MAP).query("not here")
    seeds = absent.groupby("condition", sort=False)["seed"].agg(lambda own: ", ".join(map(str, sorted(set(own)))))
    if len(seeds):
        told = "; ".join(f"{condition} ({own})" for condition, own in seeds.items())
        yield f"Fourier heat maps that lie in another results folder, by condition (seeds): {told}."


def baselines_note(conditions: pd.DataFrame) -> Iterator[str]:
    """What is compared of models that were trained elsewhere, which only the suite says; conditions: see `Results`."""
    elsewhere = set(conditions.loc[conditions["target"] == ELSEWHERE, "condition"])
    told = [f"{name} and {baseline}" for name, baseline in baselines(conditions).items() if name in elsewhere]
    if told:
        yield f"R and U of what was trained elsewhere, as the suite names them: {'; '.join(told)}."


def images_note(images: pd.DataFrame) -> Iterator[str]:
    """How many test images are behind each number of one model; evaluations that have as many share a part of it."""
    if images.empty:
        return
    order = list(dict.fromkeys(("clean", *in_order(images["evaluation"]))))
    counts = images.groupby("evaluation")["n"].agg(["min", "max"]).sort_index(key=lambda names: names.map(order.index))
    parts = [
        f"{', '.join(map(attack_title, rows.index))} {span(ends)}" for ends, rows in groups(counts, ["min", "max"])
    ]
    severity = " (of corruptions at each severity)" if (images["kind"] == "corruption").any() else ""
    yield f"Test images behind each model's number: {'; '.join(parts)}{severity}."


def zero_note(images: pd.DataFrame, curves: pd.DataFrame) -> Iterator[str]:
    """Why curves do not begin at the clean accuracy, where they are of other images than that."""
    counts = images.groupby("evaluation")["n"].max()
    own = sorted({counts[name] for name in curves["evaluation"].unique() if name in counts})
    if "clean" in counts and any(n != counts["clean"] for n in own):
        told = f"{counts['clean']} images, accuracies by ε of {' or '.join(map(str, own))}"
        yield f"Clean accuracy is of {told}: at ε = 0 the two need not agree."


def attacks_note(results: Results, evaluations: Iterable[str]) -> Iterator[str]:
    """What the numbers of those evaluations do not say of the attacks: their norms and substitutes."""
    shown = {*evaluations}
    yield from norms_note(results.specs, shown)
    yield from substitutes_note(results.substitutes, shown, {})


def norms_note(specs: pd.DataFrame, evaluations: Collection[str]) -> Iterator[str]:
    """In which norm those attacks are sized that have one, and how often HopSkipJump may ask; specs: see `Results`."""
    rows = (row for row in records(specs) if row.evaluation in evaluations)
    asked = {row.evaluation: row.spec for row in rows if row.spec.get("norm") in NORMS}
    told = []
    for name in in_order(asked):
        spec = asked[name]
        most = f", at most {spec['queries']} queries for each image" if spec["kind"] == "hop_skip_jump" else ""
        told.append(f"{attack_title(name)} {NORMS[spec['norm']]}{most}")
    if told:
        yield f"Norm of ε and of distances, pixels in [0, 1]: {'; '.join(told)}."


def substitutes_note(substitutes: pd.DataFrame, evaluations: Iterable[str], labels: Mapping[str, str]) -> Iterator[str]:
    """Which training each transferred attack is made with.

    substitutes: see `Results`. labels: what to call conditions, if not by their names.
    """
    shown = substitutes[substitutes["evaluation"].isin({*evaluations})]
    for name in in_order(shown["evaluation"]):
        used = [*groups(shown[shown["evaluation"] == name], ["twin", "seed"])]
        told = []
        for (twin, seed), rows in used:
            training = f"another training of {labels.get(twin, twin)}" if twin else "an unregularized training"
            attacked = ", ".join(labels.get(each, each) for each in rows["condition"])
            told.append(f"{training} (seed {seed})" + (f" for {attacked}" if len(used) > 1 else ""))
        yield f"{attack_title(name)}: made with {'; '.join(told)}."


def score_note(boundary: pd.DataFrame, *, beside: bool = False) -> Iterator[str]:
    """What the Boundary score is, of how many steps and of which attacks; boundary: rows of `Results.boundary`.

    beside: say also what the columns beside it are.
    """
    if boundary.empty:
        return
    attacked = (boundary["n"] + boundary["n_failed"]) // boundary["repeats"]
    steps, images, repeats = (span(column) for column in (boundary["steps"], attacked, boundary["repeats"]))
    start = " Its start: the same of where the attacks start." if beside else ""
    yield (
        f"{BOUNDARY_SCORE}: median, over the images that have a start, of the squared L2 distance per pixel value to "
        f"the nearest adversarial image found, pixels in [0, 1]; higher is more robust.{start} Attacks: {steps} steps "
        f"each, {images} images × {repeats} repeats × seeds."
    )
    if beside and boundary["n_failed"].any():
        yield (
            "All images: the same median with an image that has no start as infinitely far. No noise that was tried "
            "changes the model's decision on such an image, and a condition that has more of them than another looks "
            "less robust by the score, which leaves them out."
        )
    if beside and boundary["score_all_images"].isna().any():
        yield (
            f"{INFINITE}: of one seed at least, half of the images or more had no start in a repeat; "
            f"{INFINITE} − {INFINITE}: of both conditions."
        )


def starts_note(boundary: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[str]:
    """How many attacks of each condition had no start, where any had none; labels: what to call the conditions."""
    sums = boundary.groupby("condition")[["n", "n_failed"]].sum()
    own = sums.loc[[name for name in labels if name in sums.index]]
    tried = own["n"] + own["n_failed"]
    if not own["n_failed"].any():
        return
    if len(own) > MOST:
        yield f"Attacks without a start: {span(100 * own['n_failed'] / tried, '.1f')} % of a condition's."
        return
    counts = zip(own.index, own["n_failed"], tried, strict=True)
    told = [f"{labels[name]}: {failed:.0f} of {every:.0f}" for name, failed, every in counts]
    yield f"Attacks without a start: {'; '.join(told)}."


def distance_note(failures: pd.DataFrame) -> Iterator[str]:
    """What a median distance is, where there is one; failures: rows of `summary.failures`."""
    if (failures["unit"] != "score").any():
        yield (
            "Median distance: over all images, of the distance to the closest misclassified image that the attack "
            "found, pixels in [0, 1]; higher is more robust. What is misclassified already is at distance 0, what "
            "nothing was found for infinitely far away; an infinite median is in no mean."
        )


def queries_note(queries: pd.DataFrame) -> Iterator[str]:
    """What is counted of the attacks that ask for decisions; queries: rows of `summary.queries`."""
    if len(queries):
        yield "Queries: decisions of the model that an attack asked for, mean over the images that it attacked."


def missing_note(missing: pd.DataFrame, labels: Mapping[str, str], what: str = "Missing") -> Iterator[str]:
    """What a figure lacks, each state and reason once.

    missing: rows of `Results.missing`. labels: what to call conditions, if not by their names. what: how it begins.
    """
    for (state, reason), rows in groups(missing, ["state", "reason"]):
        names = dict.fromkeys(labels.get(name, name) for name in rows["condition"])
        count = f"{len(rows)} result{'s' if len(rows) > 1 else ''}"
        yield f"{what}: {', '.join(names)} ({count}, {state}: {reason})."


def diverged_note(missing: pd.DataFrame) -> Iterator[str]:
    """How many trainings of each condition diverged."""
    diverged = missing[missing["state"] == "diverged"]
    told = ", ".join(f"{count} of {name}" for name, count in diverged.groupby("condition", sort=False).size().items())
    if told:
        yield f"Diverged trainings, in no mean: {told}."
