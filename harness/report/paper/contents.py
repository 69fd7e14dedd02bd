"""What the paper shows, figure by figure: which suite has the numbers, which panels there are, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.report.vocabulary import BLACK_BOX, NOISES

NONE = {"none": "unregularized"}
TARGETS = {**NONE, "pixel": "$S^{pixel}$", "threshold": "$S^{Th}$"}
NEURAL = {**TARGETS, "neural": "neural"}
SETS = {**NONE, "cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "imagenet": "ImageNet"}
DIGITS = {**NONE, "mnist": "MNIST", "fashionmnist": "FashionMNIST"}
RANGES = ("threshold", "low", "high", "positive", "negative", "double")
RANGE_SYMBOLS = ("$S^{Th}$", "$S_{low}$", "$S_{high}$", "$S_{+}$", "$S_{-}$", "$S_{double}$")


@dataclass(frozen=True, kw_only=True)
class PaperFigure:
    """One figure of the paper."""

    number: int
    title: str
    suites: tuple[str, ...]
    """Those that have its numbers; of panels, each condition is the first's that has it."""
    content: tuple[str, ...] | str
    """Panels beside each other, names in `panels.PANELS`; or a picture's name in `pictures.PICTURES`."""
    conditions: Mapping[str, str]
    """What the legend calls each condition, in its order; empty where none is shown, or all are."""

    @property
    def id(self) -> str:
        """As the paper says it, "Figure 5"."""
        return f"Figure {self.number}"


def _ranges(images: str) -> dict[str, str]:
    """The pair ranges on one set of images."""
    return NONE | {f"{name}[images={images}]": symbol for name, symbol in zip(RANGES, RANGE_SYMBOLS, strict=True)}


def _figure(
    number: int,
    title: str,
    suites: str | tuple[str, ...],
    content: tuple[str, ...] | str,
    conditions: Mapping[str, str] | None = None,
) -> PaperFigure:
    suites = (suites,) if isinstance(suites, str) else suites
    return PaperFigure(number=number, title=title, suites=suites, content=content, conditions=conditions or {})


_PAIRS = {f"threshold[pairs_per_batch={k}]": f"k = {k}" for k in (4, 8, 16, 32)}
_COUNTS = {f"threshold[n_images={n}]": f"N = {n}" for n in (32, 64, 100, 300, 1000, 5000)}
_ROBUSTBENCH = {
    **NONE,
    "threshold": "$S^{Th}$, CIFAR-100",
    "standard": "Standard",
    "carmon2019unlabeled": "Carmon2019 (L∞)",
    "engstrom2019robustness": "Engstrom2019 (L2)",
    "modas2021primeresnet18": "Modas2021 (corruptions)",
}
_GRAY = "gray CIFAR-10, ResNet18, ImageNet pairs"

_TARGETS = ("grayscale-cifar10", "neural")  # seven seeds, and five of the neural models
_PIXEL_AND_NEURAL = {**NONE, "pixel": "$S^{pixel}$", "neural": "neural"}
_CLOSE = ("fgsm_transfer", "boundary")
_RANGES = "Similarity ranges (appendix 7.7), {} pairs; gray CIFAR-10, ResNet18"
_ZOO = "CIFAR-10-C against RobustBench's models; color CIFAR-10, ResNet18"
_SPECTRA = "Frequencies: corruptions by group, and the smallest perturbations; gray CIFAR-10, ResNet18"

FIGURES: tuple[PaperFigure, ...] = (
    _figure(1, "Neural and pixel similarity of the same image pairs", "neural", "similarity"),
    _figure(2, f"Pixel and neural targets; {_GRAY}", _TARGETS, BLACK_BOX, _PIXEL_AND_NEURAL),
    _figure(3, f"Thresholded, pixel and neural targets; {_GRAY}", _TARGETS, BLACK_BOX, NEURAL),
    _figure(4, f"Acceptable (alpha, Th) for each attack; {_GRAY}", "hyperparameters", "regions"),
    _figure(5, "Regularization sets; gray CIFAR-10, ResNet18", "regularization-sets", BLACK_BOX, SETS),
    _figure(6, f"CIFAR-10-C; {_GRAY}", "grayscale-cifar10", ("severity", "corruptions"), TARGETS),
    _figure(7, _SPECTRA, ("regularization-sets", "frequency"), "spectra", SETS),
    _figure(8, f"Pairs per step; {_GRAY}", "pair-batch-size", BLACK_BOX, NONE | _PAIRS),
    _figure(9, f"Regularization images; {_GRAY}", "image-count", BLACK_BOX, NONE | _COUNTS),
    _figure(10, "Regularization sets; color CIFAR-10, ResNet18", "color-cifar10", BLACK_BOX, SETS),
    _figure(11, "The three noises", "grayscale-cifar10", "noises"),
    _figure(12, f"Pixel target under noise; {_GRAY}", _TARGETS, NOISES, _PIXEL_AND_NEURAL),
    _figure(13, f"Thresholded target under noise; {_GRAY}", _TARGETS, NOISES, NEURAL),
    _figure(14, "Regularization sets; MNIST under noise, ResNet18", "mnist", NOISES, DIGITS),
    _figure(15, "Regularization sets; FashionMNIST under noise, ResNet18", "fashionmnist", NOISES, DIGITS),
    _figure(16, "Regularization sets; gray CIFAR-100 under noise, ResNet34", "grayscale-cifar100", NOISES, SETS),
    _figure(17, "Regularization sets; MNIST, ResNet18", "mnist", _CLOSE, DIGITS),
    _figure(18, "Regularization sets; FashionMNIST, ResNet18", "fashionmnist", _CLOSE, DIGITS),
    _figure(19, "Regularization sets; gray CIFAR-100, ResNet34", "grayscale-cifar100", _CLOSE, SETS),
    _figure(20, _RANGES.format("ImageNet"), "similarity-ranges", BLACK_BOX, _ranges("imagenet")),
    _figure(21, _RANGES.format("CIFAR-10"), "similarity-ranges", BLACK_BOX, _ranges("cifar10")),
    _figure(22, _RANGES.format("CIFAR-100"), "similarity-ranges", BLACK_BOX, _ranges("cifar100")),
    _figure(23, "Regularization sets; color CIFAR-100, ResNet34", "color-cifar100", BLACK_BOX, SETS),
    _figure(24, _ZOO, "robustbench", "robustbench", _ROBUSTBENCH),
    _figure(25, "What each corruption changes, by frequency", "frequency", "corruption_spectra"),
)
"""Every figure of the paper, in its order."""
