"""Which weights lie in a data folder, and what is visibly damaged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.data.manifest_file import State
from harness.data.weights.manifest import WeightsManifest, find_weights
from harness.data.weights.table import WEIGHTS, ExternalWeights
from harness.errors import DataDamaged


@dataclass(frozen=True, kw_only=True)
class WeightsDescription:
    """Weights as `harness data list` shows them."""

    weights: ExternalWeights
    state: State
    manifest: WeightsManifest | None = None
    problem: str = ""
    """What is damaged."""


def described_weights(data_dir: Path) -> list[WeightsDescription]:
    """All weights of the table, there or not; sizes are checked, contents are not."""
    return [_described(data_dir, weights) for weights in WEIGHTS.values()]


def _described(data_dir: Path, weights: ExternalWeights) -> WeightsDescription:
    try:
        manifest = find_weights(data_dir, weights.name)
    except DataDamaged as error:
        return WeightsDescription(weights=weights, state="damaged", problem=str(error))
    return WeightsDescription(weights=weights, state="ready" if manifest else "missing", manifest=manifest)
