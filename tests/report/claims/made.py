"""Results whose clean accuracies are given by hand, and claims about them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from invented import condition, results

from harness.report.claims.claim import Claim, Part
from harness.report.claims.outcome import ClaimOutcome, tested
from harness.report.results import Results

SUITE = "study"


def accuracies(**by_condition: list[float]) -> Results:
    """A suite with the clean accuracy of each condition's models, from seed 0; NaN for one that has none."""
    targets = {name: "none" if name == "none" else "threshold" for name in by_condition}
    made = results(tuple(condition(name, target) for name, target in targets.items()), seeds=1, epochs=1)
    rows = [
        {"condition": name, "seed": seed, "status": "ok", "clean_accuracy": value}
        for name, values in by_condition.items()
        for seed, value in enumerate(values)
    ]
    return replace(made, suite=SUITE, models=pd.DataFrame(rows))


def part(condition: str = "own", side: str = "higher", **more: object) -> Part:
    """A comparison of clean accuracies with the condition `none`."""
    return Part(
        **({"suite": SUITE, "condition": condition, "against": "none", "measure": "clean", "side": side} | more)
    )


def outcome(given: Results | None, *parts: Part, needs: str = "all") -> ClaimOutcome:
    """A claim of those parts, tested."""
    claim = Claim(name="claim", sentence="It is so.", where="Section 1", parts=parts, needs=needs)
    [found] = tested([claim], {SUITE: given} if given else {}, "small")
    return found


def differing(*differences: float) -> Results:
    """Models of the condition `own` that differ so much from those of `none`."""
    base = [0.5 + 0.01 * seed for seed in range(len(differences))]
    return accuracies(none=base, own=[value + by for value, by in zip(base, differences, strict=True)])
