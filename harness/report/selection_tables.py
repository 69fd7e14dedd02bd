"""A selection as readers see it: the pairs under each attack, and how far the attacks agree."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.cells import bracketed, number
from harness.report.rows import by_key, records
from harness.report.selection import Selection, agreement_frame
from harness.report.statistics import CONFIDENCE
from harness.report.table import Table
from harness.report.vocabulary import attack_title, in_order


def selection_table(selection: Selection) -> Table:
    """One row per condition, the largest RD/UD first; one column per attack, the one chosen by first."""
    ratios, by = selection.ratios, selection.by
    others = [name for name in in_order(ratios["evaluation"]) if name != by]
    cells = by_key(ratios, ["condition", "evaluation"])
    ranked = ratios[ratios["evaluation"] == by].sort_values("distorted_ratio", ascending=False, kind="stable")
    rows = tuple(
        (
            row.condition + (" (chosen)" if row.condition == selection.chosen else ""),
            *(f"{value:g}" if pd.notna(value) else "–" for value in (row.alpha, row.threshold)),
            str(row.n_seeds),
            bracketed(row.clean_ratio, row.clean_low, row.clean_high),
            *(_cell(cells.get((row.condition, name)), row.n_seeds) for name in (by, *others)),
        )
        for row in records(ranked)
    )
    heads = (f"{attack_title(name)}\nRD/UD" for name in (by, *others))
    return Table(
        name="selection",
        title=f"Choice of (α, Th) in {selection.scope}: R0/U0 ≥ {selection.least_clean_ratio:g} and RD/UD > 1",
        columns=("Condition", "α", "Th", "Seeds", "R0/U0", *heads),
        rows=rows,
        notes=(*_told(selection), _interval_note(ratios)),
        corrupted=False,
        data=ratios,
    )


def agreement_table(selection: Selection) -> Table:
    """One row per other attack: how many pairs both accept, and whether they rank them alike."""
    rows = tuple(
        (
            attack_title(each.evaluation),
            str(each.n),
            str(each.n_acceptable),
            str(each.n_both),
            f"{number(100 * each.same_verdict, 0)} %",
            *("–" if pd.isna(value) else number(value, 2) for value in (each.jaccard, each.rank_correlation)),
        )
        for each in selection.agreements
    )
    return Table(
        name="agreement",
        title=f"How far other attacks agree with {attack_title(selection.by)} in {selection.scope}",
        columns=("Attack", "Conditions", "Acceptable", "Under both", "Same verdict", "Jaccard", "Spearman"),
        rows=rows,
        notes=(
            "Jaccard: acceptable under both attacks, of those acceptable under either. Spearman: rank correlation of "
            "RD/UD (means over seeds) over the conditions. – where it is not defined: nothing is acceptable, or "
            "fewer than three conditions have an RD/UD.",
        ),
        corrupted=False,
        data=agreement_frame(selection),
    )


def _told(selection: Selection) -> tuple[str, ...]:
    """The recommendation in words, and what stands beside it."""
    attack = attack_title(selection.by)
    if selection.chosen is None:
        return (f"No condition is acceptable under {attack}: none is recommended.",)
    own = selection.ratios[selection.ratios["condition"] == selection.chosen]
    accepted = dict(zip(own["evaluation"], own["acceptable"], strict=True))
    told = [
        f"Recommended: {selection.chosen}, the acceptable condition with the largest RD/UD under {attack}. "
        "It was chosen by the test images and seeds that these numbers are of, as in the paper, so its own flatter it."
    ]
    if selection.tied:
        told.append(
            f"Tied with the same RD/UD: {', '.join(selection.tied)}; the larger R0/U0 decided, then the suite's order."
        )
    if selection.close:
        told.append(f"The seeds cannot tell its RD from that of: {', '.join(selection.close)}.")
    against = [attack_title(name) for name, fine in accepted.items() if not fine]
    others = len(accepted) - 1
    if others:
        held = f"acceptable under {others - len(against)} of {others} other attacks"
        told.append(f"The choice is {held}" + (f", not under {', '.join(against)}." if against else "."))
    return tuple(told)


def _interval_note(ratios: pd.DataFrame) -> str:
    if (ratios["n_seeds"] == 1).all():
        return "One seed: no interval can be given, nor can the seeds tell conditions apart. yes: acceptable."
    return (
        f"Ratios of means over seeds. Brackets: {CONFIDENCE:.0%} interval, Fieller's, paired by seed, over that "
        "many seeds; none without scatter. yes: acceptable."
    )


def _cell(found: Any | None, seeds: int) -> str:
    """The ratio under an attack, its verdict, and its n where it differs from the row's."""
    if found is None:
        return "missing"
    ratio = bracketed(found.distorted_ratio, found.distorted_low, found.distorted_high)
    text = f"{'yes' if found.acceptable else 'no'} {ratio}"
    return text if found.n_seeds == seeds else f"{text} (n = {found.n_seeds})"
