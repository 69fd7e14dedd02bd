"""Lines over seeds with their SEM as a band: accuracy by epsilon, by severity, and the course of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from harness.report.figures.legends import legend
from harness.report.figures.looks import Look
from harness.report.figures.style import line, panels_for, passed, plain, sheet
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

    data: evaluation, condition, epsilon, mean, sem, n; accuracies as fractions.
    """
    names = in_order(data["evaluation"])
    figure, panels = panels_for(len(names))
    for panel, name in zip(panels, names, strict=True):
        lines(panel, data[data["evaluation"] == name], "epsilon", looks, 100.0)
        label = "ε (pixel range 0 to 1)" if name in SIZED else "ε in the attack's norm"
        panel.set(title=plain(attack_title(name)), xlabel=label, ylabel="Accuracy (%)")
        panel.margins(x=0.03)
        panel.locator_params(axis="x", nbins=6)
    legend(figure, data, looks)
    return figure


def severity_curves(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Mean accuracy over all corruptions by severity.

    data: condition, severity, mean, sem, n.
    """
    figure, (panel,) = sheet(1, 1, 2.1, width=3.6)
    lines(panel, data, "severity", looks, 100.0)
    panel.set(xlabel="Severity", ylabel="Mean accuracy (%)", xticks=sorted(data["severity"].unique()))
    legend(figure, data, looks)
    return figure


def training_curves(data: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Losses and accuracy by epoch.

    data: quantity, condition, epoch, mean, sem, n.
    """
    quantities = [name for name in TRAINING if name in set(data["quantity"])]
    figure, panels = panels_for(len(quantities))
    for panel, quantity in zip(panels, quantities, strict=True):
        title, label, factor = TRAINING[quantity]
        lines(panel, passed(data[data["quantity"] == quantity]), "epoch", looks, factor)
        panel.set(title=title, xlabel="Epoch", ylabel=label)
        panel.locator_params(axis="x", integer=True)
    legend(figure, data, looks)
    return figure


def lines(panel: Axes, data: pd.DataFrame, x: str, looks: Mapping[str, Look], factor: float) -> None:
    """The line of each condition."""
    for condition, look in looks.items():
        line(panel, data[data["condition"] == condition], x, look, factor)
