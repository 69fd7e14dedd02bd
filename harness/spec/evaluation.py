"""How one model is evaluated (paper section 2, appendix 7.1)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from harness.spec.own import Call, Function, MayCall, WithOptions
from harness.spec.spec import SomeOf, Spec
from harness.spec.training import Precision, TrainingPrecision

Clip = Literal["image", "unit"]


class _Evaluation(MayCall):
    version: ClassVar[int]
    """Of the algorithm: raised when its numbers change their meaning, since it is part of their identity."""
    n_images: int | None = Field(default=None, ge=1)
    """The first n images of the test split; all if absent or fewer, and reports say how many they were."""
    precision: Precision = "float32"
    """Of the evaluated model. In `bfloat16` it must first agree with itself in float32 on 99 % of clean test images, or
    the evaluation is done in float32 after all, with a warning. `auto`: bfloat16 where the device has instructions for
    it, else float32; part of the identity. A substitute's gradients are always float32."""


def _require_in_range(norm: str, max_epsilon: float | None) -> None:
    """Raises ValueError for a size in `linf` that exceeds the range of pixels."""
    if norm == "linf" and max_epsilon is not None and max_epsilon > 1:
        raise ValueError(f"max_epsilon should be at most 1 in linf, the whole range of pixels, got {max_epsilon:g}")


class CleanSpec(_Evaluation):
    """Accuracy without distortion."""

    version: ClassVar[int] = 1
    kind: Literal["clean"] = "clean"


class _Curve(_Evaluation):
    max_epsilon: float | None = Field(default=None, gt=0, le=1)
    """Largest perturbation in [0, 1] pixel units; if absent, the paper's for the data set."""
    sizes: int = Field(default=10, ge=2)
    """Evenly spaced perturbation sizes from 0 to the largest, both included."""


class NoiseSpec(_Curve):
    """Accuracy under random noise, at each size."""

    version: ClassVar[int] = 1
    kind: Literal["gaussian", "uniform", "salt_pepper"]
    clip: Clip = "image"
    """`image`: to the image's own minimum and maximum, as in the released code. `unit`: to [0, 1]."""
    noise_seed: int = Field(default=0, ge=0)
    """The noise is the same for every model."""


ATTACKED = "{condition}"
"""In an attack's `substitute_condition`: the condition of the model that is attacked."""


class WithSubstitute(Spec):
    """What attacks a model with what was made with another network, in the paper an unregularized one."""

    substitute_seed: int = Field(default=10_000, ge=0)
    """Seed of the substitute, a model of the same task that is never evaluated itself."""
    substitute_precision: TrainingPrecision | None = None
    """Of the substitute's training; the evaluated model's if absent."""
    substitute_condition: str | None = None
    """The condition of the suite that the substitute is trained as, its regularizer, penalty and perturbation included;
    `{condition}` for the attacked model's own. If absent, the attacked model's without them."""

    @model_validator(mode="after")
    def _says_one_precision(self) -> Self:
        if self.substitute_condition and self.substitute_precision:
            raise ValueError(
                f"substitute_precision has no effect with substitute_condition {self.substitute_condition!r}, whose "
                "precision the substitute has; leave it out"
            )
        return self


class FgsmTransferSpec(_Curve, WithSubstitute):
    """Accuracy on FGSM examples made with another network, in the paper an unregularized one (equation 1)."""

    version: ClassVar[int] = 1
    kind: Literal["fgsm_transfer"] = "fgsm_transfer"
    clip: Clip = "unit"


MOST_TARGETS = 9
"""Classes that a targeted attack of AutoAttack tries, those of the largest other logits; all where there are fewer."""
LEAST_CLASSES = 4
"""Of `apgd-t`, whose loss has the four largest logits in it."""


class AutoAttackSpec(_Curve):
    """Accuracy that AutoAttack leaves, at each size: of the model's own gradients, and of a search without them."""

    version: ClassVar[int] = 1
    kind: Literal["autoattack"] = "autoattack"
    n_images: int | None = Field(default=1000, ge=1)
    norm: Literal["linf", "l2"] = "linf"
    """In which sizes are measured, in [0, 1] pixel units."""
    max_epsilon: float = Field(gt=0)
    """Largest size, in that norm. RobustBench's for CIFAR-10: 8/255 = 0.03137 in `linf`, 0.5 in `l2`."""
    sizes: int = Field(default=2, ge=2)
    attacks: SomeOf[Literal["apgd-ce", "apgd-t", "fab-t", "square"]] = ("apgd-ce", "apgd-t", "fab-t", "square")
    """In this order, each on the images that those before it left. `square` alone is a black-box attack."""
    steps: int = Field(default=100, ge=1)
    """Of those along the gradient, for each target class."""
    queries: int = Field(default=5000, ge=1)
    """Of `square`, for each image at most."""
    batch_size: int = Field(default=250, ge=1)
    """Images attacked at once; part of the identity, as random numbers are drawn for a batch."""
    noise_seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _is_in_range(self) -> Self:
        _require_in_range(self.norm, self.max_epsilon)
        return self

    def refusal(self, classes: int, height: int, width: int) -> str | None:
        """Why the library's attacks are none for images of that size and that many classes; None if they are."""
        if "apgd-t" in self.attacks and classes < LEAST_CLASSES:
            return f"apgd-t needs {LEAST_CLASSES} classes or more, here are {classes}; leave it out of the attacks"
        if "square" in self.attacks and self.norm == "l2" and not _can_be_tiled(height, width):
            return f"the library's square in l2 cannot have images of {height} x {width}; leave it out of the attacks"
        return None


def _can_be_tiled(height: int, width: int) -> bool:
    """Whether all tiles that the library's search in L2 begins with lie within the image."""
    side = height // 5
    margin = (height - 5 * side) // 2
    return side == 1 or (side > 1 and all(margin + length // side * side <= length for length in (height, width)))


class SmallestSpec(_Curve):
    """Parameters of an attack for the smallest perturbation."""

    norm: Literal["linf", "l2"] = "l2"
    """In which distances are measured, in [0, 1] pixel units."""
    max_epsilon: float | None = Field(default=None, gt=0)
    """Largest size of the accuracy curve, in that norm; if absent, there is no curve."""

    @model_validator(mode="after")
    def _has_what_sizes_need(self) -> Self:
        _require_in_range(self.norm, self.max_epsilon)
        if self.max_epsilon is None and self.sizes != type(self).model_fields["sizes"].default:
            raise ValueError("max_epsilon is missing: without a largest size there is no curve to have sizes")
        return self


class HopSkipJumpSpec(SmallestSpec):
    """How far away the closest images are that HopSkipJump finds, which sees decisions only (Chen et al. 2020)."""

    version: ClassVar[int] = 1
    kind: Literal["hop_skip_jump"] = "hop_skip_jump"
    n_images: int | None = Field(default=1000, ge=1)
    precision: Literal["float32"] = "float32"
    """It asks about images that differ by less than bfloat16 sees."""
    queries: int = Field(default=5000, ge=1)
    """Decisions of the model that it may ask for each image, those for its start among them; a start it has anyway."""
    first_samples: int = Field(default=100, ge=1)
    """Queries for the direction of the first step; for that of step t it takes the root of t times as many."""
    start_draws: int = Field(default=100, ge=1)
    """Noise images tried per image before it starts from another test image."""
    noise_seed: int = Field(default=0, ge=0)


class AttackerSpec(_Curve, WithOptions):
    """Parameters of an attack of your own, whatever is asked of it."""

    function: Function
    """`FILE.py:NAME`."""
    arguments: ClassVar[tuple[str, ...]] = ("model", "images", "labels")
    """What it is given, before its options."""
    norm: Literal["linf", "l2", "none"] = "linf"
    """In which sizes are measured, in [0, 1] pixel units."""
    max_epsilon: float | None = Field(default=None, gt=0)
    """Largest size, in that norm: no image is farther away than 1 in `linf`, but it may be in `l2`."""
    batch_size: int = Field(default=100, ge=1)
    """Images that the attack is given at once; part of the identity, as its random numbers are drawn for a batch."""
    noise_seed: int = Field(default=0, ge=0)
    """Of torch's global generators, which are set for each batch, and for each size that the attack is told."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """How its own code is called."""
        return (Call(function=self.function, arguments=self.arguments, named=(*self.options,)),)

    @model_validator(mode="after")
    def _is_a_size(self) -> Self:
        _require_in_range(self.norm, self.max_epsilon)
        return self


class SizedAttackSpec(AttackerSpec):
    """Parameters of an attack of your own that is told its size."""

    arguments = (*AttackerSpec.arguments, "epsilon")
    norm: Literal["linf", "l2", "none"] = "linf"
    """What the size bounds: the attack must keep to it for each image, or there is no result. `none`: nothing."""

    @model_validator(mode="after")
    def _has_sizes(self) -> Self:
        if self.max_epsilon is None:
            raise ValueError("max_epsilon is missing: an attack of your own needs its largest size")
        return self


class OwnAttackSpec(SizedAttackSpec):
    """Accuracy under an attack of your own, at each size."""

    version: ClassVar[int] = 1
    kind: Literal["own_attack"] = "own_attack"


class OwnTransferredAttackSpec(SizedAttackSpec, WithSubstitute):
    """Accuracy, at each size, on what an attack of your own makes with another network."""

    version: ClassVar[int] = 1
    kind: Literal["own_transferred_attack"] = "own_transferred_attack"


class OwnMinimalAttackSpec(SmallestSpec, AttackerSpec):
    """How far away the closest images are that an attack of your own finds, and the accuracy that each size leaves."""

    version: ClassVar[int] = 1
    kind: Literal["own_minimal_attack"] = "own_minimal_attack"


class BoundaryAttackSpec(_Evaluation):
    """Parameters of the Boundary attack."""

    n_images: int | None = Field(default=1000, ge=1)
    """Test images, drawn at random once for all models."""
    steps: int = Field(default=50, ge=0)
    repeats: int = Field(default=5, ge=1)
    backend: Literal["own", "foolbox"] = "own"
    start_draws: int = Field(default=1000, ge=1)
    """Noise images tried per image before its start counts as failed."""
    start_blends: int = Field(default=50, ge=1)
    """Steps of the line search from the image to its noise image."""
    spherical_step: float = Field(default=1e-2, gt=0)
    source_step: float = Field(default=1e-2, gt=0)
    step_adaptation: float = Field(default=1.5, gt=1)
    source_step_convergence: float = Field(default=1e-7, gt=0)
    """An image is done when its source step falls below this."""
    noise_seed: int = Field(default=0, ge=0)


class BoundarySpec(BoundaryAttackSpec):
    """The decision-based Boundary attack, as Foolbox has it."""

    version: ClassVar[int] = 1
    kind: Literal["boundary"] = "boundary"


class SpectrumSpec(BoundaryAttackSpec):
    """The spectrum of the smallest perturbations that change the model's decision: those of a long Boundary attack."""

    version: ClassVar[int] = 1
    kind: Literal["spectrum"] = "spectrum"
    steps: int = Field(default=10_000, ge=0)
    repeats: int = Field(default=1, ge=1, le=1)
    """Each image is attacked once."""


class FourierSpec(_Evaluation):
    """Accuracy on images with one Fourier basis image added, for every spatial frequency (Yin et al. 2019)."""

    version: ClassVar[int] = 1
    kind: Literal["fourier"] = "fourier"
    n_images: int | None = Field(default=1000, ge=1)
    """The first n images of the test split; all if fewer. Yin et al. have 1000 of CIFAR-10, drawn at random."""
    epsilon: float | None = Field(default=None, gt=0)
    """L2 norm of what is added to each channel, in [0, 1] pixel units. If absent, an eighth of the root of the number
    of pixels: 4 for images of 32 x 32, as Yin et al. have it for CIFAR-10."""
    clip: Clip = "unit"
    noise_seed: int = Field(default=0, ge=0)
    """Of the sign in each channel of each image, the same for every model."""


class CorruptionSpec(_Evaluation):
    """Accuracy on each corruption and severity of a corrupted test set in CIFAR-10-C's format."""

    version: ClassVar[int] = 1
    kind: Literal["corruption"] = "corruption"
    images: str
    """The corrupted set, for instance cifar10-c."""
    corruptions: SomeOf[str] | None = None
    """All that the set has if absent."""
    severities: SomeOf[Annotated[int, Field(ge=1, le=5, strict=True)]] = (1, 2, 3, 4, 5)


EVALUATION_SPECS: dict[str, type[_Evaluation]] = {
    "clean": CleanSpec,
    "gaussian": NoiseSpec,
    "uniform": NoiseSpec,
    "salt_pepper": NoiseSpec,
    "fgsm_transfer": FgsmTransferSpec,
    "autoattack": AutoAttackSpec,
    "hop_skip_jump": HopSkipJumpSpec,
    "own_attack": OwnAttackSpec,
    "own_transferred_attack": OwnTransferredAttackSpec,
    "own_minimal_attack": OwnMinimalAttackSpec,
    "boundary": BoundarySpec,
    "spectrum": SpectrumSpec,
    "fourier": FourierSpec,
    "corruption": CorruptionSpec,
}

EvaluationSpec = Annotated[
    CleanSpec
    | NoiseSpec
    | FgsmTransferSpec
    | AutoAttackSpec
    | HopSkipJumpSpec
    | OwnAttackSpec
    | OwnTransferredAttackSpec
    | OwnMinimalAttackSpec
    | BoundarySpec
    | SpectrumSpec
    | FourierSpec
    | CorruptionSpec,
    Field(discriminator="kind"),
]
