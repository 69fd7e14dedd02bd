"""AutoAttack as a table: what each of its attacks leaves, and whether gradients seem to be masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from harness.report.cells import number, plus_minus
from harness.report.results import Results
from harness.report.rows import by_key, groups, in_order_of, records
from harness.report.statistics import CONFIDENCE, SIGNIFICANCE
from harness.report.summary import finished, summarized
from harness.report.table import Table
from harness.report.vocabulary import NORMS, attack_title

TITLES = {"apgd-ce": "APGD-CE", "apgd-t": "APGD-T", "fab-t": "FAB-T", "square": "Square"}
"""How readers call the attacks, in the order of columns."""
SEARCH = "square"
"""The attack that follows no gradient."""
MASKED = 0.002
"""Share of the images that it may find beyond those that do. Source: the check of AutoAttack's own program."""
_RUN = ["condition", "evaluation", "epsilon"]


def autoattack_table(results: Results, told: Iterable[str] = ()) -> Table:
    """One row per condition and size, one column per attack. told: what is said below it first."""
    left = in_order_of(finished(results.left, results.models), "condition", results.order)
    means = summarized(left, [*_RUN, "attack"], "left")
    attacks = [attack for attack in TITLES if attack in set(left["attack"])]
    asked = results.specs[results.specs["evaluation"].isin(left["evaluation"])].drop_duplicates("evaluation")
    norms = {row.evaluation: NORMS[row.spec["norm"]] for row in records(asked)}
    searched_last = [row.evaluation for row in records(asked) if row.spec["attacks"][-1] == SEARCH]
    rows = []
    for (condition, evaluation, epsilon), own in groups(means, _RUN):
        found = by_key(own, ["attack"])
        cells = (_cell(found.get(attack)) for attack in attacks)
        size = f"{epsilon:.4g} {norms[evaluation]}"
        rows.append((condition, attack_title(evaluation), size, str(own["n"].max()), *cells))
    return Table(
        name="autoattack",
        title=f"What AutoAttack leaves in {results.scope}: mean ± SEM over seeds",
        columns=("Condition", "Attack", "ε", "Seeds", *(f"{TITLES[attack]}\nleft (%)" for attack in attacks)),
        rows=tuple(rows),
        notes=(
            *told,
            "Left: what this attack and those before it did not get misclassified, in % of all images. APGD and FAB "
            "follow the model's gradient (T: towards one class after the other), Square asks for its logits alone.",
            *_masking_note(left[left["evaluation"].isin(searched_last)], results.images),
        ),
        corrupted=False,
        data=means,
    )


def _cell(found: Any | None) -> str:
    return "–" if found is None else plus_minus(100 * found.mean, 100 * found.sem, 1)


def _masking_note(left: pd.DataFrame, images: pd.DataFrame) -> Iterator[str]:
    """Whether the search found what the gradients did not lead to, and what so few images can tell of it.

    left: where it came after all others, or alone, which tells nothing. images: see `Results`.
    """
    by_model = left.pivot(index=["seed", *_RUN], columns="attack", values="left")
    if SEARCH not in by_model:
        return
    others = by_model.drop(columns=SEARCH).min(axis=1)
    beyond = (others - by_model[SEARCH]).dropna().clip(lower=0).round(9)
    if beyond.empty:
        return
    told = beyond.index.unique("evaluation")
    n_images = images.loc[images["evaluation"].isin(told), "n"].min()  # NaN if unknown
    means = beyond.groupby(_RUN, sort=False).mean().rename("share").reset_index()
    masked = [
        f"{row.condition} ({attack_title(row.evaluation)}, ε = {row.epsilon:.4g}) {number(100 * row.share, 1)} points"
        for row in records(means[means["share"] > MASKED])
    ]
    bound = f"{100 * MASKED:g} points beyond them"
    if masked:
        yield (
            f"Gradients seem to be masked where Square found more than {bound}: {'; '.join(masked)}. "
            "Stronger attacks may leave less there."
        )
    else:
        yield f"No sign of masked gradients where both were tried: Square found at most {bound}."
    if MASKED * n_images < 1:
        unseen = 1 - SIGNIFICANCE ** (1 / n_images)  # of a larger share so many images have at least one
        yield (
            f"One of {n_images:.0f} images is {100 / n_images:.1f} points; where Square found none, it may still be up "
            f"to {100 * unseen:.1f} points of all images ({CONFIDENCE:.0%})."
        )
