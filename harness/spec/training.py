"""How one model is trained (paper section 3 and 4, appendix 7.1)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from harness.spec.model import Spec

Architecture = Literal["resnet18", "resnet34"]
Color = Literal["gray", "rgb"]
Target = Literal["pixel", "threshold"]
PairRange = Literal["all", "high", "low", "high_positive", "positive", "negative", "double"]
Precision = Literal["float32", "bfloat16", "auto"]


class NetworkSpec(Spec):
    """A ResNet with a 7 x 7 stem of stride 1, no max-pool, and four stages."""

    architecture: Architecture = "resnet18"
    base_width: int = Field(default=64, ge=1, le=512)
    """Channels of the stem and the first stage; later stages have 2, 4 and 8 times as many."""


class RegularizerSpec(Spec):
    """The similarity loss L_sim: its target, its images, its weight (equations 2 to 6)."""

    target: Target
    """`pixel`: S_pixel. `threshold`: S_Th, which is 1, 0 or -1."""
    alpha: float = Field(ge=0)
    """Weight of L_sim in the loss, in the released code's convention (Table 1)."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Th (Th1 of `double`), a cosine similarity; needed by the threshold target and by every pair range but `all`."""
    threshold_low: float | None = Field(default=None, gt=0, lt=1)
    """Th2 of the pair range `double`, smaller than Th1."""
    pair_range: PairRange = "all"
    """Which pairs are drawn (appendix 7.7)."""
    images: str
    """Data set that the pairs come from."""
    n_images: int = Field(default=5000, ge=2)
    """The first N images of its training split."""
    pairs_per_batch: int = Field(default=16, ge=1)
    """k, image pairs per training step."""
    transform: Literal["arctanh", "none"] = "arctanh"
    """g of the loss; `none` is the plain squared error."""
    reading: Literal["code", "paper"] = "code"
    """`code`: mean over the pairs of squared differences of 2 arctanh. `paper`: equation 3, their sum with arctanh."""

    @model_validator(mode="after")
    def _thresholds_fit(self) -> Self:
        needed = self.target == "threshold" or self.pair_range != "all"
        if needed and self.threshold is None:
            raise ValueError(
                f"threshold is missing: target {self.target!r} with pair_range {self.pair_range!r} needs it, in (0, 1)"
            )
        if not needed and self.threshold is not None:
            raise ValueError("threshold has no effect with target 'pixel' and pair_range 'all'; leave it out")
        if (self.pair_range == "double") != (self.threshold_low is not None):
            raise ValueError("threshold_low goes with pair_range 'double', and only with it")
        if self.threshold_low is not None and self.threshold is not None and self.threshold_low >= self.threshold:
            raise ValueError(
                f"threshold_low (Th2) must be below threshold (Th1), got {self.threshold_low} and {self.threshold}"
            )
        return self


class OptimisationSpec(Spec):
    """Stochastic gradient descent with a step-wise cyclic learning rate."""

    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=0.1, gt=0)
    """At the start of each cycle."""
    decay: float = Field(default=0.3, gt=0, le=1)
    """Factor from one phase to the next."""
    epochs_per_phase: int = Field(default=4, ge=1)
    phases_per_cycle: int = Field(default=5, ge=1)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    validation_fraction: float = Field(default=0.01, gt=0, lt=0.5)
    """Share of the training images held out to choose the epoch."""


class TrainingSpec(Spec):
    """Everything that decides a trained model's weights, but for the seed and the data's content."""

    classification: str
    """Data set of the task."""
    color: Color = "gray"
    n_train: int | None = Field(default=None, ge=10)
    """The first n training images; all if absent."""
    network: NetworkSpec = NetworkSpec()
    regularizer: RegularizerSpec | None = None
    """Absent for an unregularized model."""
    optimisation: OptimisationSpec = OptimisationSpec()
    augmentation: Literal["auto", "crop_flip", "none"] = "auto"
    """`auto`: what the data set's table entry says (crop and flip for CIFAR)."""
    precision: Precision = "float32"
    """`auto`: bfloat16 (autocast) where the device has instructions for it, else float32; part of the identity."""
    channels_last: bool = False
    """Memory order of the network's convolutions; the same numbers up to rounding. A CPU needs a base width of 16."""

    @property
    def unregularized(self) -> TrainingSpec:
        """The same training without a regularizer: the baseline, and the substitute of transferred attacks."""
        return self.replaced(regularizer=None)

    @property
    def splits(self) -> tuple[str, ...]:
        """The data splits that it reads, each once as "name/split": what a training's identity takes digests of."""
        names = [self.classification, *([self.regularizer.images] if self.regularizer else [])]
        return tuple(f"{name}/train" for name in dict.fromkeys(names))
