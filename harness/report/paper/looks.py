"""How the paper's figures draw each condition: regularization sets in the paper's colours, everything else in order."""

from __future__ import annotations

from collections.abc import Mapping

from harness.report.figures.style import Look, looks

# Source: captions of Figures 5, 10 and 23: CIFAR-10 blue, CIFAR-100 purple, ImageNet red; here in shades that the
# colour-blind tell apart.
SET_COLORS = {"cifar10": "#0072B2", "cifar100": "#CC79A7", "imagenet": "#D55E00"}


def paper_looks(conditions: Mapping[str, str]) -> dict[str, Look]:
    """The look of each condition of a figure."""
    found = looks(tuple(conditions), ("none",))
    return {name: look._replace(color=SET_COLORS[name]) if name in SET_COLORS else look for name, look in found.items()}
