"""The table of data sets: what each is, where it comes from, and what the paper does with it; and sets of one's own.

Free of torch, so that planning and `harness data list` start at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from harness.errors import SpecError

Role = Literal["classification", "regularization", "corruption"]
Frequency = Literal["low", "medium", "high"]
PixelScaling = Literal["centered", "raw"]
"""What a network sees of pixels x in [0, 1]: `centered` is 5 * (x - 0.5), `raw` is x."""

# Source: paper, appendix 7.10; the order is that of the official archives' evaluation.
FREQUENCY: dict[str, Frequency] = {
    "gaussian_noise": "high",
    "shot_noise": "high",
    "impulse_noise": "high",
    "defocus_blur": "medium",
    "glass_blur": "medium",
    "motion_blur": "medium",
    "zoom_blur": "medium",
    "snow": "low",
    "frost": "low",
    "fog": "low",
    "brightness": "low",
    "contrast": "low",
    "elastic_transform": "medium",
    "pixelate": "medium",
    "jpeg_compression": "medium",
}
SEVERITIES = (1, 2, 3, 4, 5)
CORRUPTED = "-c"
"""How the names of corruption sets end, and no others."""
BRING_OWN = "harness data import {} PATH --own"


class Task(NamedTuple):
    """What a network must know of the images that it classifies."""

    classes: int
    size: tuple[int, int]
    """Height and width."""
    pixel_scaling: PixelScaling


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One row of the table."""

    name: str
    title: str
    role: Role
    channels: int
    size: tuple[int, int]
    """Stored height and width."""
    crop: tuple[int, int] | Literal["largest"] | None = None
    """Height and width of the center that is brought to `size` on import; `largest`: the largest with the proportions
    of `size`; None: images must have `size` already."""
    classes: int | None
    """None where the labels do not matter."""
    class_names: tuple[str, ...] = ()
    """In the order of the labels that published models and corrupted images go by; empty where none do."""
    splits: tuple[str, ...] = ("train", "test")
    """A corruption set's splits are its corruptions, each with all severities stacked."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Images per split of the official set."""
    augmentation: Literal["crop_flip", "none"] = "none"
    pixel_scaling: PixelScaling = "raw"
    max_epsilon: Mapping[str, float] = field(default_factory=dict)
    """Largest perturbation by kind of evaluation, in [0, 1] pixel units."""
    bring: str
    """The command that brings it."""
    bundled: bool = False
    """It is made without a download."""
    generated: bool = False
    """Nobody hands it out: this program makes it of its clean set."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: channels, height, width."""
        return (self.channels, *self.size)

    @property
    def task(self) -> Task:
        """For networks that classify its images; raises SpecError if it is no classification set."""
        if self.role != "classification" or self.classes is None:
            raise SpecError(f"classification: {self.name} is a {self.role} set, a network cannot be trained on it")
        return Task(self.classes, self.size, self.pixel_scaling)

    @property
    def clean(self) -> str:
        """For a corruption set, the set whose test images are corrupted; else the set itself."""
        return self.name.removesuffix(CORRUPTED)


def _max_epsilon(random: float, salt_pepper: float, fgsm: float) -> dict[str, float]:
    return {"gaussian": random, "uniform": random, "salt_pepper": salt_pepper, "fgsm_transfer": fgsm}


def _digits_like(name: str, title: str) -> DataSet:
    return DataSet(
        name=name,
        title=title,
        role="classification",
        channels=1,
        size=(28, 28),
        classes=10,
        counts={"train": 60_000, "test": 10_000},
        max_epsilon=_max_epsilon(0.5, 0.3, 0.5),
        bring=f"harness data prepare {name}",
    )


def _cifar(name: str, title: str, classes: int, fgsm: float, class_names: tuple[str, ...] = ()) -> DataSet:
    return DataSet(
        name=name,
        title=title,
        role="classification",
        channels=3,
        size=(32, 32),
        classes=classes,
        class_names=class_names,
        counts={"train": 50_000, "test": 10_000},
        augmentation="crop_flip",
        pixel_scaling="centered",
        max_epsilon=_max_epsilon(0.1, 0.1, fgsm),
        bring=f"harness data prepare {name}",
    )


def _corrupted(clean: DataSet, title: str, *, bundled: bool = False, generated: bool = False) -> DataSet:
    name = clean.name + CORRUPTED
    return DataSet(
        name=name,
        title=title,
        role="corruption",
        channels=clean.channels,
        size=clean.size,
        classes=clean.classes,
        splits=tuple(FREQUENCY),
        counts=dict.fromkeys(FREQUENCY, len(SEVERITIES) * clean.counts["test"]),
        bring=f"harness data corrupt {clean.name}" if generated and not bundled else f"harness data prepare {name}",
        bundled=bundled,
        generated=generated,
    )


_MNIST = _digits_like("mnist", "MNIST")
_FASHIONMNIST = _digits_like("fashionmnist", "Fashion-MNIST")
_CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR10 = _cifar("cifar10", "CIFAR-10", 10, 0.02, _CIFAR10_CLASSES)
_CIFAR100 = _cifar("cifar100", "CIFAR-100", 100, 0.005)
_DIGITS = replace(
    _digits_like("digits", "scikit-learn's digits, 8 x 8 brought to 32 x 32"),
    size=(32, 32),
    counts={"train": 1437, "test": 360},
    bundled=True,
)
_IMAGENET = DataSet(
    name="imagenet",
    title="ImageNet, center 144 x 256 brought to 36 x 64",
    role="regularization",
    channels=3,
    size=(36, 64),
    crop=(144, 256),
    classes=None,
    splits=("train",),
    counts={"train": 1_281_167},
    bring="harness data import imagenet PATH",
)

DATASETS: dict[str, DataSet] = {
    row.name: row
    for row in (
        _MNIST,
        _FASHIONMNIST,
        _CIFAR10,
        _CIFAR100,
        _IMAGENET,
        _DIGITS,
        _corrupted(_CIFAR10, "CIFAR-10-C"),
        _corrupted(_CIFAR100, "CIFAR-100-C"),
        # not Mu and Gilmer's MNIST-C of 2019, which has corruptions of its own
        _corrupted(_MNIST, "MNIST with CIFAR-10-C's corruptions", generated=True),
        _corrupted(_FASHIONMNIST, "Fashion-MNIST with CIFAR-10-C's corruptions", generated=True),
        _corrupted(_DIGITS, "digits, corrupted on the spot", bundled=True, generated=True),
    )
}


def own_set(
    name: str,
    shape: tuple[int, int, int],
    classes: int,
    counts: Mapping[str, int],
    crop: Literal["largest"] | None = None,
) -> DataSet:
    """A set of one's own: treated like CIFAR-10 in color and like MNIST in gray, but not augmented unless a suite says
    so. Without test images it is good for pairs alone.

    shape: channels, height, width. counts: images per split.
    """
    channels, *size = shape
    like = _CIFAR10 if channels == 3 else _MNIST
    return DataSet(
        name=name,
        title=f"{name}, a set of your own",
        role="classification" if "test" in counts else "regularization",
        channels=channels,
        size=(size[0], size[1]),
        crop=crop,
        classes=classes,
        splits=tuple(counts),
        counts=counts,
        pixel_scaling=like.pixel_scaling,
        max_epsilon=like.max_epsilon,
        bring=BRING_OWN.format(name),
    )


def undescribed_set(name: str) -> DataSet:
    """A set of one's own of which no more than its name is known."""
    return own_set(name, (0, 0, 0), 0, {})


def corrupted_set(clean: DataSet) -> DataSet:
    """The corruption set of a set of one's own that has test images."""
    return _corrupted(clean, f"{clean.name} with CIFAR-10-C's corruptions", generated=True)
