"""Lines over seeds with their SEM as a band: accuracy by epsilon, by severity, and the course of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.figures.facets import facets, rows_of_facets
from harness.report.figures.legends import legend
from harness.report.figures.looks import Look
from harness.report.figures.style import line, panels_for, passed, room_of, title
from harness.report.vocabulary import SIZED, attack_title, in_order

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAINING = {
    "task_loss": ("Training loss", "Cross-entropy (nats)", 1.0),
    "validation_loss": ("Validation loss", "Cross-entropy (nats)", 1.0),
    "validation_accuracy": ("Validation accuracy", "Accuracy (%)", 100.0),
    "similarity_loss": ("Similarity loss", "$L_{sim}$", 1.0),
}
"""Panels of the training figure: title, axis and factor of each stored quantity."""


def attack_curves(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Accuracy over epsilon, one panel per attack.

    data: evaluation, kind, condition, epsilon, mean, sem, n; accuracies as fractions.
    """

    def draw(panel: Axes, name: str, looks: Mapping[str, Look]) -> None:
        own = data[data["evaluation"] == name]
        lines(panel, own, "epsilon", looks, 100.0)
        label = "ε (pixel range 0 to 1)" if own["kind"].isin(SIZED).all() else "Size ε of the attack"
        panel.set(title=title(attack_title(name), room_of(panel)), xlabel=label, ylabel="Accuracy (%)")
        panel.margins(x=0.06)
        panel.locator_params(axis="x", nbins=3)

    return _panels(data, looks, in_order(data["evaluation"]), draw)


def severity_curves(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Mean accuracy over all corruptions by severity.

    data: condition, severity, mean, sem, n.
    """

    def draw(panel: Axes, name: str, looks: Mapping[str, Look]) -> None:
        lines(panel, data, "severity", looks, 100.0)
        panel.set(title=name, xlabel="Severity", ylabel="Accuracy (%)", xticks=sorted(data["severity"].unique()))

    return _panels(data, looks, ["Mean over corruptions"], draw)


def training_curves(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Losses and accuracy by epoch.

    data: quantity, condition, epoch, mean, sem, n.
    """

    def draw(panel: Axes, quantity: str, looks: Mapping[str, Look]) -> None:
        name, label, factor = TRAINING[quantity]
        lines(panel, passed(data[data["quantity"] == quantity]), "epoch", looks, factor)
        panel.set(title=name, xlabel="Epoch", ylabel=label)
        panel.locator_params(axis="x", integer=True)

    return _panels(data, looks, [name for name in TRAINING if name in set(data["quantity"])], draw)


def _panels(
    data: pd.DataFrame,
    looks: Mapping[str, Look],
    shown: Sequence[str],
    draw: Callable[[Axes, str, Mapping[str, Look]], None],
) -> Figure:
    """A panel of each of what is shown, with all conditions, or with few in each of several rows."""
    parts = facets(data, looks)
    if len(parts) > 1:
        return rows_of_facets(data, parts, shown, draw)
    figure, panels = panels_for(len(shown))
    for panel, each in zip(panels, shown, strict=True):
        draw(panel, each, looks)
    legend(figure, data, looks)
    return figure


def lines(panel: Axes, data: pd.DataFrame, x: str, looks: Mapping[str, Look], factor: float) -> None:
    """The line of each condition."""
    for condition, look in looks.items():
        line(panel, data[data["condition"] == condition], x, look, factor)
