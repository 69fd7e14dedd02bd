"""What a name means that users give data, and what is said of the data once they are there."""

from __future__ import annotations

from typing import Literal

from harness.cli.quantities import few, megabytes
from harness.errors import UnknownName
from harness.settings import settings

SHOWN_CLASSES = 12
"""In the order of their labels."""

Kind = Literal["weights", "own", "corruption", "table"]
"""Weights, a set of one's own, a corrupted one, another one of the table."""


def data_kind(name: str) -> Kind:
    """What a name is of; raises UnknownName if it is of nothing."""
    from harness.data.catalogue import get_dataset, own_names, unknown_dataset
    from harness.data.sets import DATASETS
    from harness.data.weights import WEIGHTS

    if name in WEIGHTS:
        return "weights"
    data_dir = settings().data_dir
    try:
        role = get_dataset(data_dir, name).role
    except UnknownName:
        known = [*DATASETS, *WEIGHTS, *own_names(data_dir)]
        raise unknown_dataset(name, known, "data set or weights") from None
    if role == "corruption":
        return "corruption"
    return "table" if name in DATASETS else "own"


def ready_line(name: str) -> str:
    """What there is under a name, now that it is ready."""
    from harness.data.catalogue import get_manifest
    from harness.data.weights import get_weights_manifest

    data_dir = settings().data_dir
    if data_kind(name) == "weights":
        weights = get_weights_manifest(data_dir, name)
        return f"{name} is ready: {megabytes(weights.bytes)}, SHA-256 {weights.sha256} ({weights.origin.source})"
    manifest = get_manifest(data_dir, name)
    counts = few([f"{split} {entry.shape[0]}" for split, entry in manifest.splits.items()])
    names = ", ".join(manifest.classes[:SHOWN_CLASSES]) + (", ..." if manifest.classes[SHOWN_CLASSES:] else "")
    return f"{name} is ready: {counts} images, {len(manifest.classes)} classes: {names} ({manifest.origin.source})"
