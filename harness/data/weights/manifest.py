"""What is written beside a file of weights: its length and digest, and where it came from.

A file of weights has a fixed name, so it cannot be replaced in one step with its manifest. The old manifest goes
first and the new one comes last: whatever is interrupted in between leaves weights that are not there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.data.manifest_file import Record, check_sha256, check_size, find_record
from harness.data.origin import Origin
from harness.data.weights.table import ExternalWeights, get_weights
from harness.errors import DataDamaged, DataMissing


class WeightsManifest(Record):
    """A file of weights on the disk."""

    format: Literal[1] = 1
    name: str
    bytes: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the file as it was published or generated."""
    origin: Origin


def manifest_file(file: Path) -> Path:
    """Where the manifest of a file of weights lies."""
    return file.with_name(f"{file.name}.json")


def find_weights(data_dir: Path, name: str) -> WeightsManifest | None:
    """The weights' manifest after a look at the file's size, or None if they are not there.

    Raises:
        DataDamaged: the manifest makes no sense, or the file is gone or has another size.
    """
    weights = get_weights(name)
    path = weights.path(data_dir)
    manifest = find_record(manifest_file(path), WeightsManifest, partial(_damaged, weights))
    if manifest is None:
        return None
    if manifest.name != name:
        raise _damaged(weights, path, f"its manifest belongs to {manifest.name}")
    check_size(path, manifest.bytes, partial(_damaged, weights))
    return manifest


def get_weights_manifest(data_dir: Path, name: str) -> WeightsManifest:
    """As `find_weights`; raises DataMissing where they are not there, with the commands that bring them."""
    manifest = find_weights(data_dir, name)
    if manifest is None:
        raise DataMissing(
            f"the weights {name} are not in {data_dir}; bring them with: {get_weights(name).bring}, "
            f"or from a file that you have: harness data import {name} PATH"
        )
    return manifest


def weights_file(data_dir: Path, name: str, on_bytes: Callable[[int], None] | None = None) -> Path:
    """The file of weights, after every byte of it was read and its SHA-256 compared.

    on_bytes: told how many more bytes were read.

    Raises:
        DataMissing: says the commands that bring them.
        DataDamaged: the file is not the one that was brought.
    """
    weights, manifest = get_weights(name), get_weights_manifest(data_dir, name)
    path = weights.path(data_dir)
    check_sha256(path, manifest.sha256, partial(_damaged, weights), on_bytes)
    return path


def _damaged(weights: ExternalWeights, path: Path, what: str) -> DataDamaged:
    return DataDamaged(f"{path} is damaged: {what}; bring the weights again with: {weights.bring} --replace")
