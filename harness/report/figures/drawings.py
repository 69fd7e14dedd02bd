"""The figures of one suite's report: what each shows, says, and is drawn from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from harness.report.figures import numbers
from harness.report.figures.bars import boundary_bars, corruption_bars, distance_bars
from harness.report.figures.curves import attack_curves, severity_curves, training_curves
from harness.report.figures.facets import facets
from harness.report.figures.gammas import MOST, gamma_curves
from harness.report.figures.looks import Look, family_looks, looks
from harness.report.figures.region import REGIONS, acceptable_regions
from harness.report.figures.style import headed_pictures, styled
from harness.report.notes import (
    attacks_note,
    baselines_note,
    images_note,
    missing_note,
    score_note,
    seeds_note,
    starts_note,
    zero_note,
)
from harness.report.ratios import Ratios
from harness.report.results import Results
from harness.report.rows import in_order_of
from harness.report.vocabulary import SEVERITY

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawing(NamedTuple):
    """One figure: what it shows, and the numbers that it is drawn from."""

    name: str
    """Stem of its files."""
    caption: str
    data: pd.DataFrame
    draw: Callable[[pd.DataFrame, Mapping[str, Look]], Figure]
    corrupted: bool = False
    """It shows accuracies on corrupted images."""

    def remark(self, results: Results) -> str:
        """What is to be said of the data behind it."""
        return results.remark_on(corrupted=self.corrupted)

    def parts(self, order: Sequence[str], most: int) -> list[Drawing]:
        """As few drawings as have `most` conditions each, in that order, and about as many each."""
        names = in_order_of(self.data, "condition", order)["condition"].unique()
        count = math.ceil(len(names) / most)
        if count < 2:
            return [self]
        return [
            self._replace(
                name=f"{self.name}-{number}",
                caption=f"{self.caption} {PART.format(number=number, count=count)}",
                data=self.data[self.data["condition"].isin(part)],
            )
            for number, part in enumerate(np.array_split(names, count), start=1)
        ]


# Captions.
CURVES = "Accuracy under perturbations of growing size. Mean over n seeds; bands: SEM."
BOUNDARY = "Mean over n seeds; error bars: SEM. Dashed: the attack's start."
DISTANCES = (
    "Attacks for the smallest perturbation: median over all images of the distance to the closest misclassified image "
    "found, pixels in [0, 1]; higher is more robust. Mean over the n seeds whose median is finite; error bars: SEM."
)
SEVERITIES = "Mean accuracy over all corruptions by severity. Mean over n seeds; bands: SEM."
CORRUPTIONS = (
    "Accuracy on each corruption at severity {severity}, grouped by the frequencies that it changes. Mean over n "
    "seeds; error bars: SEM."
)
ACCEPTABLE = f"{REGIONS} Labels: what the conditions differ in."
TRAINING = "Training by epoch. Mean over n seeds; bands: SEM."
GAMMAS = "Weight γ of each tap by epoch (tap 0: stem, 1 to 4: stages). Mean over n seeds; bands: SEM."

PART = "Part {number} of {count}; all have one scale."
ROWS = "Each row has a part of the conditions beside the baselines; the numbers of all are in the CSV."
DIVIDED = (attack_curves, severity_curves, training_curves, corruption_bars)
"""What shows many conditions in several rows."""
EACH = {
    attack_curves: None,
    distance_bars: None,
    boundary_bars: "boundary",
    severity_curves: "corruption",
    corruption_bars: "corruption",
}
"""What has a line or bar for each condition, and of which evaluation where its numbers do not say it."""


def drawings(results: Results, ratios: Ratios) -> list[Drawing]:
    """The figures that the results can fill, in the order of the page; ratios: theirs."""
    corruptions = numbers.single_corruption_means(results)
    severity = corruptions["severity"].iloc[0] if len(corruptions) else SEVERITY
    region, boundary = numbers.region(ratios), numbers.boundary_means(results)
    acceptable = " ".join([ACCEPTABLE.format(least=ratios.least_clean_ratio), *baselines_note(results.conditions)])
    families = family_looks(results.conditions)
    starts = starts_note(results.boundary, {name: name for name in results.order})
    every = [
        Drawing("curves", CURVES, numbers.curve_means(results), attack_curves),
        Drawing("boundary", " ".join([*score_note(results.boundary), BOUNDARY, *starts]), boundary, boundary_bars),
        Drawing("distances", DISTANCES, numbers.distance_means(results), distance_bars),
        Drawing(
            "corruptions-by-severity", SEVERITIES, numbers.severity_means(results), severity_curves, corrupted=True
        ),
        Drawing("corruptions", CORRUPTIONS.format(severity=severity), corruptions, corruption_bars, corrupted=True),
        Drawing("acceptable", acceptable, region, lambda data, _: acceptable_regions(data, families)),
        Drawing("training", TRAINING, numbers.epoch_means(results), training_curves),
        *Drawing("gammas", GAMMAS, numbers.gamma_epoch_means(results), gamma_curves).parts(results.order, MOST),
    ]
    return [captioned(drawing, results) for drawing in every if len(drawing.data)]


def captioned(drawing: Drawing, results: Results) -> Drawing:
    """Says also how it is divided, of which seeds, images and attacks its numbers are, and what conditions it lacks."""
    divided = drawing.draw in DIVIDED and len(facets(drawing.data, looks(results.conditions))) > 1
    named = "evaluation" in drawing.data
    counts = seeds_note(drawing.data, "evaluation") if named else ()
    images = images_note(_images(drawing, results))
    zero = zero_note(results.images, results.curves) if "epsilon" in drawing.data else ()
    attacks = attacks_note(results, drawing.data["evaluation"]) if named else ()
    missing = missing_note(_absent(drawing, results), {})
    told = [drawing.caption, *([ROWS] if divided else []), *counts, *images, *zero, *attacks, *missing]
    return drawing._replace(caption=" ".join(told))


def _absent(drawing: Drawing, results: Results) -> pd.DataFrame:
    """The rows of `Results.missing` of the conditions that have no line or bar where those with results have one."""
    missing, keys = results.missing, ["evaluation", "condition"]
    if drawing.draw not in EACH:
        return missing.iloc[:0]
    rows = drawing.data.assign(evaluation=EACH[drawing.draw] or drawing.data["evaluation"])
    shown = pd.MultiIndex.from_frame(rows.loc[rows["n"] > 0, keys])
    asked = missing[missing["evaluation"].isin(rows["evaluation"])]
    own: pd.DataFrame = asked[~pd.MultiIndex.from_frame(asked[keys]).isin(shown)]
    return own


def _images(drawing: Drawing, results: Results) -> pd.DataFrame:
    """The rows of `Results.images` of the evaluations that it shows; the Boundary attack's own caption says its."""
    shown = set(drawing.data["evaluation"]) if "evaluation" in drawing.data else set()
    own: pd.DataFrame = results.images[
        results.images["evaluation"].isin(shown) | (drawing.corrupted & (results.images["kind"] == "corruption"))
    ]
    return own


def pictures(drawing: Drawing, results: Results, kinds: tuple[str, ...]) -> dict[str, bytes]:
    """The figure in each file format; suite and profile stand above it."""
    with styled():
        figure = drawing.draw(drawing.data, looks(results.conditions))
        return headed_pictures(figure, f"{results.scope} {drawing.remark(results)}".strip(), kinds)
