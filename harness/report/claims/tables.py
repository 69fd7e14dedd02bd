"""The claims as readers see them: one table of verdicts, one of the comparisons behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain

import pandas as pd

from harness.report.cells import POINTS, UNITS, number, signed, span
from harness.report.claims.claim import MARGIN, SHARE, Part
from harness.report.claims.findings import Findings
from harness.report.claims.measures import MEASURES
from harness.report.claims.outcome import ClaimOutcome, PartOutcome, relative_margin
from harness.report.statistics import CONFIDENCE, LEAST_SEEDS, SIGNIFICANCE
from harness.report.table import Table
from harness.report.vocabulary import SEVERITY, scale

SHOWN = {"accuracy": (100.0, 1, POINTS["accuracy"]), "score": (UNITS["score"].factor, 2, UNITS["score"].title)}
"""Factor, decimals and unit of an effect; what has no unit is shown as it is."""

RULE = (
    "Decided where Student's t, paired over seeds, puts the effect on one side of the claim's bound (p ≤ "
    f"{SIGNIFICANCE:.2g} after Holm's correction over the claim's comparisons), and the exact sign-flip test agrees: "
    f"p ≤ {SIGNIFICANCE:.2g}, or, with four or five seeds, the smallest p that they can give (2/2^n: all on one "
    "side). Supported: on the claimed side in all comparisons (in any, where the claim is that some do). Contradicted: "
    "on the other side in any (in all). Everything else is undecided, as are "
    f"fewer than {LEAST_SEEDS} seeds. Values that are all equal have no scatter: for Student's p stands that of their "
    "signs, 2/2^n, corrected alike. Claims are not corrected for one another, and speak of other seeds on these test "
    "images, not of other images."
)
MARGINS = (
    f"“No lower”, “no higher”, “same” and “different” allow a margin: {100 * MARGIN:.0f} points of accuracy, or "
    f"{SHARE:.0%} of the Boundary score, or clean accuracy, that is compared with. “Above” is a level of ours: 0.6 is "
    "the weight that three of five taps start with, 0.5 the rank correlation from which we call attacks consistent. "
    f"Attacks at their largest size; single corruptions and groups of them at severity {SEVERITY}, or the largest that "
    "was measured."
)
LACKING = "“3 of 5” seeds: the others diverged, were not measured, or measured without a number."


def claims_table(findings: Findings) -> Table:
    """One row per claim: the sentence, where it stands, the verdict and what it rests on."""
    suites = dict.fromkeys(suite for each in findings.outcomes for suite in each.claim.suites)
    remarks = (f"{suite}: {findings.remarks[suite]}" for suite in suites if suite in findings.remarks)
    lacking = dict.fromkeys(what for each in findings.outcomes for what in each.lacking)
    numbers = {what: number for number, what in enumerate(lacking, start=1)}
    measured = [[part for part in each.parts if part.effect.n] for each in findings.outcomes]
    return Table(
        name="claims",
        title=f"The paper's claims ({scale(findings.profile)})",
        columns=("Claim", "The paper says", "Verdict", "Comparisons", "Seeds", "Smallest\npossible p"),
        rows=tuple(
            (
                each.claim.name,
                f"{each.claim.sentence} ({each.claim.where})",
                each.verdict,
                _counts(each) + "".join(f" [{numbers[what]}]" for what in each.lacking),
                _seeds(*parts),
                span((part.smallest_p for part in parts), ".3g"),
            )
            for each, parts in zip(findings.outcomes, measured, strict=True)
        ),
        notes=(
            RULE,
            *_lacking_note(chain(*measured)),
            *remarks,
            *(f"[{number}] not run: {what}" for what, number in numbers.items()),
        ),
        words=True,
        data=evidence_frame(findings),
    )


def evidence_table(findings: Findings) -> Table:
    """One row per comparison that was measured, also in vain."""
    shown = [(each, part) for each in findings.outcomes for part in each.parts if part.verdict != "not run"]
    rows = tuple(
        (
            each.claim.name,
            _compared(part),
            MEASURES[part.part.measure].label,
            _claimed(part.part),
            _effect(part),
            _seeds(part),
            f"{_p(part.p)} (least {_p(part.smallest_p)})" if part.effect.n else "–",
            _p(part.holm_p) if part.effect.n else "–",
            part.verdict,
        )
        for each, part in shown
    )
    return Table(
        name="evidence",
        title=f"What the verdicts rest on ({scale(findings.profile)})",
        columns=("Claim", "Compared", "Measure", "Claimed", "Effect", "Seeds", "p, exact", "p, t\n(Holm)", "Verdict"),
        rows=rows,
        notes=(
            f"Brackets: {CONFIDENCE:.0%} interval, paired t over seeds, uncorrected; none for one seed, or where all "
            "are equal. p against the claim's bound, of two the larger, two-sided: exact by sign flips, with the least "
            "that so many seeds can give, and of Student's t after Holm's correction over the claim's comparisons.",
            *_lacking_note(part for _, part in shown),
            MARGINS,
        ),
        words=True,
        data=evidence_frame(findings),
    )


def evidence_frame(findings: Findings) -> pd.DataFrame:
    """All comparisons in full precision, those without results too; accuracies and their effects are fractions."""
    rows = [
        {
            "claim": each.claim.name,
            "where": each.claim.where,
            "profile": findings.profile,
            "claim_verdict": each.verdict,
            "suite": part.part.suite,
            "condition": part.condition,
            "against": part.against,
            "measure": part.part.measure,
            "unit": MEASURES[part.part.measure].unit,
            "claimed": part.part.side,
            "lower_bound": part.bounds[0],
            "upper_bound": part.bounds[-1],
            "effect": part.effect.mean,
            "low": part.effect.low,
            "high": part.effect.high,
            "n": part.effect.n,
            "n_lacking": part.n_lacking,
            "p": part.p,
            "smallest_p": part.smallest_p,
            "holm_p": part.holm_p,
            "verdict": part.verdict,
        }
        for each in findings.outcomes
        for part in each.parts
    ]
    frame = pd.DataFrame(rows)
    if len(frame):
        frame.loc[frame["n"] == 0, ["p", "smallest_p", "holm_p"]] = float("nan")
    return frame


def _counts(outcome: ClaimOutcome) -> str:
    """How many comparisons say what."""
    counts = Counter(part.verdict for part in outcome.parts)
    enough = "; one is enough" if outcome.claim.needs == "any" else ""
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + enough


def _compared(outcome: PartOutcome) -> str:
    against = "" if outcome.against is None else f" − {outcome.against}"
    return f"{outcome.condition}{against} in {outcome.part.suite}"


def _claimed(part: Part) -> str:
    """Where the claim puts the effect, in words."""
    if part.against is None:
        return f"above {part.level:g}"
    if part.side in ("higher", "lower"):
        return part.side
    share = relative_margin(part)
    margin = f"{100 * MARGIN:.0f} points" if share is None else f"{share:.0%}"
    return f"{part.side} (by {margin})"


def _effect(outcome: PartOutcome) -> str:
    """The effect with its interval and unit, and the paper's own number; differences carry their sign."""
    factor, decimals, unit = SHOWN.get(MEASURES[outcome.part.measure].unit, (1.0, 3, ""))

    def shown(value: float) -> str:
        return (number if outcome.against is None else signed)(factor * value, decimals)

    effect = outcome.effect
    if not effect.n:
        return "no number"
    interval = "" if pd.isna(effect.low) else f" [{shown(effect.low)}, {shown(effect.high)}]"
    published = outcome.part.published
    beside = "" if published is None else f" (published: {number(published, decimals)})"
    return f"{shown(effect.mean)}{interval} {unit}".rstrip() + beside


def _seeds(*outcomes: PartOutcome) -> str:
    """How many seeds are behind them: "7", or "4 to 6 of 7" where some give no number."""
    n = span(each.effect.n for each in outcomes)
    asked = span(each.effect.n + each.n_lacking for each in outcomes)
    return f"{n} of {asked}" if any(each.n_lacking for each in outcomes) else n


def _lacking_note(shown: Iterable[PartOutcome]) -> tuple[str, ...]:
    return (LACKING,) if any(each.n_lacking for each in shown) else ()


def _p(value: float) -> str:
    """A p; one that decides nothing is never rounded to one that does."""
    if pd.isna(value):
        return "–"
    if value < 0.001:
        return "< 0.001"
    text = number(value, 3)
    return f"> {text}" if value > SIGNIFICANCE >= float(text) else text
