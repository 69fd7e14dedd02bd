"""How one model is trained (paper section 3 and 4, appendix 7.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from harness.spec.inputs import RECORDED, Input, Recorded
from harness.spec.own import SHAPE, Call, Function, MayCall, OwnOr, WithOptions, is_own
from harness.spec.spec import Spec, Table

Architecture = Annotated[str, OwnOr("resnet18", "resnet34")]
Color = Literal["gray", "rgb"]
CHANNELS: Mapping[Color, int] = {"gray": 1, "rgb": 3}
Target = Annotated[str, OwnOr("pixel", "threshold", "neural", "raw", "label", "features")]
PairRange = Literal["all", "high", "low", "high_positive", "positive", "negative", "double"]
Precision = Literal["float32", "bfloat16", "auto"]
TrainingPrecision = Literal[Precision, "tf32"]

FEATURES = "vgg19"
"""Name of the weights that the target `features` needs."""
FEATURE_LAYER = "conv3_1"
"""Whose feature maps are compared (Li et al. 2019)."""


class NetworkSpec(WithOptions):
    """A ResNet with a 7 x 7 stem of stride 1, no max-pool, and four stages; or a network of your own."""

    architecture: Architecture = "resnet18"
    """`FILE.py:NAME` for one of your own."""
    base_width: int = Field(default=64, ge=1, le=512)
    """Channels of the stem and the first stage; later stages have 2, 4 and 8 times as many. A network of your own is
    told it, and does with it what it likes."""

    @property
    def is_own(self) -> bool:
        """Whether the network is none of this program's."""
        return is_own(self.architecture)

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        if self.options and not self.is_own:
            raise ValueError(f"options are for a network of your own, not for {self.architecture!r}")
        return self


class RegularizerSpec(WithOptions):
    """The similarity loss L_sim: its target, its images, its weight (equations 2 to 6)."""

    target: Target
    """`pixel`: S_pixel. `threshold`: S_Th, which is 1, 0 or -1. `neural`: of denoised recordings. The controls of Li et
    al. 2019: `raw`: of single-trial responses; `label`: 1 within a class, 0 across; `features`: of VGG19's conv3_1.
    `FILE.py:NAME`: the cosine of what a function of your own makes of each image."""
    shuffled: bool = False
    """The target of other images: the target matrix with its images permuted, a control."""
    alpha: float = Field(ge=0)
    """Weight of L_sim in the loss, in the released code's convention (Table 1)."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Th (Th1 of `double`), a cosine similarity; needed by the threshold target and by every pair range but `all`."""
    threshold_low: float | None = Field(default=None, gt=0, lt=1)
    """Th2 of the pair range `double`, smaller than Th1."""
    pair_range: PairRange = "all"
    """Which pairs are drawn (appendix 7.7)."""
    images: str
    """Data set that the pairs come from; for `neural` and `raw` the similarity that `harness neural similarity` made,
    which brings its own images."""
    n_images: int = Field(default=5000, ge=2)
    """The first N images of its training split, or of the similarity."""
    pairs_per_batch: int = Field(default=16, ge=1)
    """k, image pairs per training step."""
    transform: Literal["arctanh", "none"] = "arctanh"
    """g of the loss; `none` is the plain squared error."""
    reading: Literal["code", "paper"] = "code"
    """`code`: mean over the pairs of squared differences of 2 arctanh. `paper`: equation 3, their sum with arctanh."""

    @property
    def target_name(self) -> str:
        """The target as tables call it, for instance "shuffled neural"."""
        return f"shuffled {self.target}" if self.shuffled else self.target

    @property
    def images_input(self) -> Input:
        """What its pairs come from."""
        if self.target in RECORDED:
            return Input.recorded(self.images, cast(Recorded, self.target))
        return Input.images(self.images, "train")

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it reads."""
        return (self.images_input, Input.weights(FEATURES)) if self.target == "features" else (self.images_input,)

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        if self.options and not is_own(self.target):
            raise ValueError(f"options are for a target of your own, not for {self.target!r}")
        return self

    @model_validator(mode="after")
    def _thresholds_fit(self) -> Self:
        if self.pair_range != "all" and self.target not in {"pixel", "threshold"}:
            raise ValueError(
                f"pair_range {self.pair_range!r} is one of pixel similarities; target {self.target!r} has all"
            )
        needed = self.target == "threshold" or self.pair_range != "all"
        if needed and self.threshold is None:
            raise ValueError(
                f"threshold is missing: target {self.target!r} with pair_range {self.pair_range!r} needs it, in (0, 1)"
            )
        if not needed and self.threshold is not None:
            raise ValueError(f"threshold has no effect with target {self.target!r} and pair_range 'all'; leave it out")
        if (self.pair_range == "double") != (self.threshold_low is not None):
            raise ValueError("threshold_low goes with pair_range 'double', and only with it")
        if self.threshold_low is not None and self.threshold is not None and self.threshold_low >= self.threshold:
            raise ValueError(
                f"threshold_low (Th2) must be below threshold (Th1), got {self.threshold_low} and {self.threshold}"
            )
        return self


class PenaltySpec(WithOptions):
    """A regularizer of your own: a number that is added to the loss, beside L_sim or in its place."""

    function: Function
    """`FILE.py:NAME`."""
    weight: float = Field(ge=0)
    """Of the penalty in the loss."""


class PerturbationSpec(WithOptions):
    """What is done to the images that a network learns from, after crop and flip: noise, or an attack on it."""

    kind: Annotated[str, OwnOr("gaussian", "adversarial")]
    """`gaussian`: noise of a standard deviation that is drawn for each image, uniformly up to epsilon. `adversarial`:
    projected gradient descent in the largest norm against the network as it is (Madry et al. 2018), which with one step
    is the fast training of Wong et al. 2020. `FILE.py:NAME` for one of your own."""
    epsilon: float | None = Field(default=None, gt=0, le=1)
    """Largest size, in [0, 1] pixel units; one of your own takes its sizes from `options`."""
    steps: int | None = Field(default=None, ge=1)
    """Of `adversarial`, along the gradient's sign."""

    @property
    def is_own(self) -> bool:
        """Whether it is none of this program's."""
        return is_own(self.kind)

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        if self.options and not self.is_own:
            raise ValueError(f"options are for a perturbation of your own, not for {self.kind!r}")
        needed = {"epsilon": not self.is_own, "steps": self.kind == "adversarial"}
        for name, is_needed in needed.items():
            if is_needed and getattr(self, name) is None:
                raise ValueError(f"{name} is missing: {self.kind!r} needs it")
            if not is_needed and getattr(self, name) is not None:
                instead = "give it what it needs by `options`" if self.is_own else "leave it out"
                raise ValueError(f"{name} has no effect with {self.kind!r}; {instead}")
        return self


OF_PHASES = ("decay", "epochs_per_phase", "phases_per_cycle")
"""What has an effect only where the learning rate falls in phases."""


class OptimisationSpec(Spec):
    """Stochastic gradient descent with a step-wise cyclic learning rate; or AdamW, or a cosine."""

    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=64, ge=2)
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """`adamw`: Loshchilov and Hutter 2019, whose first beta is `momentum` and whose second is 0.999."""
    schedule: Literal["phases", "cosine"] = "phases"
    """Of the learning rate, which changes between epochs. `cosine`: half of one over all epochs, down to 0."""
    learning_rate: float = Field(default=0.1, gt=0)
    """The largest: at the start of each cycle of phases, or of the cosine."""
    decay: float = Field(default=0.3, gt=0, le=1)
    """Factor from one phase to the next."""
    epochs_per_phase: int = Field(default=4, ge=1)
    phases_per_cycle: int = Field(default=5, ge=1)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    validation_fraction: float = Field(default=0.01, gt=0, lt=0.5)
    """Share of the training images held out to choose the epoch."""

    @model_validator(mode="after")
    def _schedule_has_effect(self) -> Self:
        for name in OF_PHASES:
            default = type(self).model_fields[name].default
            if self.schedule != "phases" and getattr(self, name) != default:
                raise ValueError(
                    f"{name} has no effect with schedule {self.schedule!r}; leave it out, or say {name} = {default} "
                    "over a table that sets it"
                )
        return self

    @model_serializer(mode="wrap")
    def _of_effect(self, dumped: SerializerFunctionWrapHandler) -> Table:
        """What is kept and reported names no settings of phases where there are none."""
        settings: Table = dumped(self)
        return {k: v for k, v in settings.items() if self.schedule == "phases" or k not in OF_PHASES}


class TrainingSpec(MayCall):
    """Everything that decides a trained model's weights, but for the seed and the data's content."""

    version: ClassVar[int] = 1
    has_seeds: ClassVar[bool] = True
    classification: str
    """Data set of the task."""
    color: Color = "gray"
    n_train: int | None = Field(default=None, ge=10)
    """The first n training images; all if absent."""
    network: NetworkSpec = NetworkSpec()
    regularizer: RegularizerSpec | None = None
    """The similarity loss; absent for a model without."""
    penalty: PenaltySpec | None = None
    """A regularizer of your own."""
    perturbation: PerturbationSpec | None = None
    """Of the images that are learned from; absent where they are learned from as they are."""
    optimisation: OptimisationSpec = OptimisationSpec()
    augmentation: Literal["auto", "crop_flip", "none"] = "auto"
    """`auto`: what the data set's table entry says (crop and flip for CIFAR)."""
    precision: TrainingPrecision = "float32"
    """Of the convolutions; part of the identity. `tf32`: float32 whose operands are rounded to 10 bits of fraction, as
    PyTorch does unless told on GPUs that can, Ampere's and later. `bfloat16`: autocast. `auto`: bfloat16 where the
    device has instructions for it, else float32."""
    channels_last: bool = False
    """Memory order of the network's convolutions; the same numbers up to rounding. A CPU needs a base width of 16."""

    @property
    def unregularized(self) -> TrainingSpec:
        """The same training without regularizers and perturbation: the baseline, and what transferred attacks use."""
        return self.replaced(regularizer=None, penalty=None, perturbation=None)

    @property
    def calls(self) -> tuple[Call, ...]:
        """How its own code is called."""
        network, regularizer, penalty, perturbation = self.network, self.regularizer, self.penalty, self.perturbation
        given = ("model", "images", "labels")
        named = [Call(function=network.architecture, named=(*SHAPE, "base_width", *network.options))]
        if regularizer:
            named.append(Call(function=regularizer.target, arguments=("images",), named=(*regularizer.options,)))
        if penalty:
            named.append(Call(function=penalty.function, arguments=given, named=(*penalty.options,)))
        if perturbation:
            named.append(Call(function=perturbation.kind, arguments=given, named=(*perturbation.options,)))
        return tuple(call for call in named if is_own(call.function))

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What it reads, each once: digests of their content are part of a training's identity."""
        regularizer = self.regularizer.inputs if self.regularizer else ()
        images = Input.images(self.classification, "train")
        return tuple(dict.fromkeys((images, *regularizer, *map(Input.code, self.functions))))
