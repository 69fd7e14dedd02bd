"""The values that work hands to the runner, who alone stores them.

Accuracies are fractions in [0, 1]; epsilons and distances are in [0, 1] pixel units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

Outcome = Literal["ok", "no_start"]

LEFT_BY = {
    "left_by_apgd_ce": "apgd-ce",
    "left_by_apgd_t": "apgd-t",
    "left_by_fab_t": "fab-t",
    "left_by_square": "square",
}
"""By metric the attack of AutoAttack which left so many, it and those before it."""

LEAST_AGREEMENT = 0.99
"""Share of the images that must get the same class in bfloat16 as in float32, or float32 it is. Their accuracies then
differ by one percentage point at most, and by far less in practice, since about as many become right as wrong."""

LEAST_CLEAN_RATIO = 0.9
"""A0 of section 5.2: how much of the clean accuracy must remain. The view `v_acceptable` has this one, a report may
choose another."""


ROUNDING = 1e-12
"""Share by which numbers that are equal may differ through rounding alone, means of accuracies for instance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One number of one evaluation, or the reason why there is none.

    A value that is not finite is refused: databases keep NaN as NULL, or worse, as 0. Say
    `value=None, reason="..."` instead.
    """

    metric: str
    """What was measured: "accuracy", "accuracy_low" and so on for each band of frequencies, "score", "start_score",
    "queries", "median_l2" and "median_linf" (distances), "left_by_apgd_ce" and so on (`LEFT_BY`), "power",
    "correlation", "mean_radius", "gaussian_distance" and so on for each noise, or "agreement": the share of clean test
    images that get the same class in bfloat16 as in float32."""
    value: float | None
    n: int
    """Images behind the number."""
    epsilon: float | None = None
    """Size of the perturbation in [0, 1] pixel units."""
    corruption: str | None = None
    severity: int | None = None
    repeat: int | None = None
    """Which repeat of a random evaluation, from 0."""
    radius: int | None = None
    """Spatial frequency of a spectrum, in cycles per image, rounded."""
    n_failed: int = 0
    """Images that the evaluation could not score; they are not in `n`. A median distance counts them as infinite."""
    reason: str | None = None
    """Why there is no value."""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError(f"{self.metric} needs either a value or a reason, not both or neither")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.metric} is {self.value}, which is not a number to store")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageResult:
    """What an attack did to one image."""

    image: int
    """Position in the test split."""
    repeat: int
    distance: float | None
    """||x - x_adv||^2 / d in [0, 1] pixel units, d the number of pixel values; None without a start."""
    start_distance: float | None
    """The same for the attack's starting point."""
    queries: int
    """Decisions of the model that this attack used for this image; one about a noise image may serve several images."""
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationResult:
    """All numbers of one evaluation of one model, or of one analysis of data."""

    measurements: tuple[Measurement, ...]
    images: tuple[ImageResult, ...] = ()
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What is no number and belongs to the result, by name."""
    images_classified: int = 0
    """Forward passes behind the result, in images: with the seconds they give the rate. Predictions on clean images
    count in each result that uses them; what is asked of a substitute and the trial of bfloat16 in none."""
    warning: str | None = None
    """What is to be told of how it was done, if it was not done as the spec says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochReport:
    """One epoch of training."""

    epoch: int
    """From 0."""
    learning_rate: float
    task_loss: float
    """Mean cross-entropy over the epoch's classification batches."""
    similarity_loss: float | None
    """Mean L_sim over the epoch's steps, before alpha; None without a regularizer."""
    train_accuracy: float
    """Over the epoch's own augmented batches, as they were trained on."""
    validation_loss: float
    validation_accuracy: float
    gammas: tuple[float, ...]
    """Weight of each tap at the end of the epoch; empty without a regularizer."""
    images_per_second: float
    """Training images (pairs not counted) per second of the epoch's steps."""
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingResult:
    """A finished training: its curve, and where its weights lie. An external model has no curve."""

    status: Literal["ok", "diverged"]
    reason: str | None
    """For a diverged training: at which epoch and step, and what was not finite."""
    epochs: tuple[EpochReport, ...]
    best_epoch: int | None
    """The epoch with the lowest validation loss, whose weights are kept; None if diverged, or not trained here."""
    weights: str | None
    """File name inside the model's folder; it carries the content's SHA-256."""
    weights_sha256: str | None
    parameters: int
    """Parameters of the network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a running job is, for display only."""

    done: int
    total: int
    """In the job's own unit: training steps, or images to classify."""
    text: str = ""
    """For instance "epoch 3/40, loss 1.234"."""
    images_per_second: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFacts:
    """Where a job ran, as the process that ran it saw it."""

    device: str
    """The hardware's own name, for instance "NVIDIA H100 80GB HBM3" or "AMD EPYC"."""
    driver: str | None
    """Version of the GPU driver; None on a CPU."""
    threads: int
    """CPU threads that torch used."""
