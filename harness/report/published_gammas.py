"""The paper's weights of the taps after training (Tables 2 and 3)."""

from __future__ import annotations

GAMMAS: dict[tuple[str, str], tuple[float, ...]] = {
    ("regularization-sets", "cifar10"): (0.0082, 0.56, 0.38, 0.052, 0),
    ("regularization-sets", "cifar100"): (0.62, 0.38, 0, 0, 0),
    ("regularization-sets", "imagenet"): (0.62, 0.38, 0, 0, 0),
    ("mnist", "mnist"): (0.5, 0.125, 0.25, 0.125, 0),
    ("mnist", "fashionmnist"): (0.125, 0.375, 0.5, 0, 0),
    ("fashionmnist", "mnist"): (0.75, 0.125, 0.125, 0, 0),
    ("fashionmnist", "fashionmnist"): (0.143, 0.286, 0.571, 0, 0),
    ("grayscale-cifar100", "cifar10"): (0.375, 0.375, 0.25, 0, 0),
    ("grayscale-cifar100", "cifar100"): (0.875, 0.125, 0, 0, 0),
    ("grayscale-cifar100", "imagenet"): (0.8, 0.2, 0, 0, 0),
}
"""Weight of each tap by suite and condition, in the tables' order: means over seven seeds."""
SAME: dict[tuple[str, str], tuple[str, str]] = {
    ("grayscale-cifar10", "threshold-cifar10"): ("regularization-sets", "cifar10"),
    ("grayscale-cifar10", "threshold"): ("regularization-sets", "imagenet"),
}
"""Conditions of other suites that are models of the tables too."""


def published_gammas(suite: str) -> dict[str, tuple[float, ...]]:
    """The paper's weight of each tap by condition of a suite, in the tables' order; empty where it prints none."""
    known = GAMMAS | {own: GAMMAS[other] for own, other in SAME.items()}
    return {condition: gammas for (name, condition), gammas in known.items() if name == suite}
