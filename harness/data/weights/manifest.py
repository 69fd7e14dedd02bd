"""What is written beside a file of weights: its length and digest, and where it came from.

A file of weights has a fixed name, so it cannot be replaced in one step with its manifest. The old manifest goes
first and the new one comes last: whatever is interrupted in between leaves weights that are not there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from harness.data.manifest_file import AnyManifest, ManifestFile
from harness.data.origin import Origin
from harness.data.weights.table import get_weights
from harness.errors import DataMissing


class WeightsManifest(AnyManifest):
    """A file of weights on the disk."""

    bytes: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the file as it was published or generated."""
    origin: Origin


def weights_manifest_file(data_dir: Path, name: str) -> ManifestFile[WeightsManifest]:
    """Where the weights' manifest lies, if the weights are there."""
    weights = get_weights(name)
    path = weights.path(data_dir)
    remedy = f"bring the weights again with: {weights.bring} --replace"
    return ManifestFile(path.with_name(f"{path.name}.json"), WeightsManifest, name, remedy)


def find_weights(data_dir: Path, name: str) -> WeightsManifest | None:
    """The weights' manifest after a look at the file's size, or None if they are not there.

    Raises:
        DataDamaged: the manifest makes no sense, or the file is gone or has another size.
    """
    place = weights_manifest_file(data_dir, name)
    manifest = place.find()
    if manifest:
        place.check_size(get_weights(name).path(data_dir), manifest.bytes)
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
    path, manifest = get_weights(name).path(data_dir), get_weights_manifest(data_dir, name)
    weights_manifest_file(data_dir, name).check_sha256(path, manifest.sha256, on_bytes)
    return path
