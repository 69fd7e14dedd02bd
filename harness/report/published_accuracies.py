"""What RobustBench publishes of its models, beside what was measured here: do the weights do what they should?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.spec.external import RobustBenchModel, ThreatModel

Measure = Literal["clean", "corruptions", "severity5", "autoattack"]
TITLES: Mapping[Measure, str] = {
    "clean": "clean accuracy",
    "corruptions": "mean accuracy on CIFAR-10-C",
    "severity5": "mean accuracy on CIFAR-10-C at severity 5",
    "autoattack": "accuracy under AutoAttack",
}

# Source: RobustBench's model_info/cifar10: a JSON file per model, and corruptions/unaggregated_results.csv, whose 75
# numbers per model the two means are of. It has no row of Carmon2019Unlabeled and none of Engstrom2019Robustness.
PUBLISHED: Mapping[RobustBenchModel, Mapping[Measure, float]] = {
    "Standard": {"clean": 0.9478, "corruptions": 0.7346, "severity5": 0.5649},
    "Carmon2019Unlabeled": {"clean": 0.8969, "autoattack": 0.5953},
    "Engstrom2019Robustness": {"clean": 0.9083, "autoattack": 0.6924},
    "Modas2021PRIMEResNet18": {"clean": 0.9306, "corruptions": 0.8905, "severity5": 0.8513},
}
"""Accuracies as fractions, rounded to 0.0001 there."""

AUTOATTACKS: Mapping[ThreatModel, tuple[Literal["linf", "l2"], float]] = {"Linf": ("linf", 8 / 255), "L2": ("l2", 0.5)}
"""In which norm and size AutoAttack is tried there on the models of a threat model, where it is."""

TOLERATED = 3
"""Standard errors by which a measured accuracy may differ; on 1000 images or more chance exceeds it once in 370."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A measured accuracy and the published one."""

    model: RobustBenchModel
    measure: Measure
    measured: float
    published: float
    n_images: int
    """Different test images behind the measured one."""

    @property
    def difference(self) -> float:
        """Measured minus published."""
        return self.measured - self.published

    @property
    def standard_error(self) -> float:
        """Of an accuracy on n images drawn at random, where the published one is true: binomial.

        For a mean over corruptions, which see the same images, it is an upper bound. So it is for a part of the very
        test images that the published number is of.
        """
        return math.sqrt(self.published * (1 - self.published) / self.n_images)

    @property
    def agrees(self) -> bool:
        """Whether they differ by no more than the sampling error explains."""
        return abs(self.difference) <= TOLERATED * self.standard_error

    @property
    def warning(self) -> str:
        """What is to be said where they do not agree."""
        return (
            f"{self.model}: {TITLES[self.measure]} is {self.measured:.2%} here and {self.published:.2%} at "
            f"RobustBench; {abs(self.difference):.2%} is more than the {TOLERATED * self.standard_error:.2%} "
            f"({TOLERATED} standard errors) that {self.n_images} images explain: look at the weights and the images"
        )


def compared(model: RobustBenchModel, measured: Mapping[Measure, tuple[float, int]]) -> tuple[Comparison, ...]:
    """Each measured accuracy of which there is a published one.

    measured: accuracies as fractions, and how many different test images are behind each; the means are over all
    corruptions of CIFAR-10-C, `corruptions` over all severities too.
    """
    return tuple(
        Comparison(model=model, measure=measure, measured=accuracy, published=PUBLISHED[model][measure], n_images=n)
        for measure, (accuracy, n) in measured.items()
        if measure in PUBLISHED[model]
    )
