"""Recordings of visual cortex on the disk: one safetensors file per scan. See docs/recordings.md.

    DATA_DIR/recordings/NAME/manifest.json
    DATA_DIR/recordings/NAME/SCAN-<first 12 digits of its SHA-256>.safetensors

All scans of a recording show the same images, so that their similarities can be averaged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data.manifest_file import MANIFEST, AnyManifest, ArrayFile, ManifestFile, checked_name, names_in
from harness.data.origin import Origin
from harness.errors import DataMissing

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FOLDER = "recordings"
BRING = "harness neural import {0} PATH, or harness neural simulate {0}"


class ScanFile(ArrayFile):
    """One scan's file."""

    neurons: int
    trials: int
    repeated_images: int
    """Images shown more than once."""


class RecordingManifest(AnyManifest):
    """A recording: the scans of one set of images."""

    origin: Origin
    images: tuple[int, int, int]
    """How many, height, width."""
    scans: dict[str, ScanFile]

    @property
    def array_files(self) -> Iterable[ArrayFile]:
        """One for each scan."""
        return self.scans.values()

    @property
    def generated(self) -> bool:
        """It was simulated."""
        return self.origin.generated

    @property
    def digest(self) -> str:
        """SHA-256 over the scans' own."""
        return hashlib.sha256("".join(sorted(scan.sha256 for scan in self.scans.values())).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One scan."""

    scan: str
    digest: str
    """SHA-256 of its file."""
    images: Tensor
    """uint8 (images, 1, h, w)."""
    responses: Tensor
    """float32 (trials, neurons), not negative."""
    trial_images: Tensor
    """Which image each trial showed: int64 (trials,)."""
    pupil_position: Tensor | None = None
    """float32 (trials, 2)."""
    pupil_size: Tensor | None = None
    """float32 (trials,)."""
    running_speed: Tensor | None = None
    """float32 (trials,)."""
    noise_free: Tensor | None = None
    """The true mean responses, float32 (images, neurons), which only a simulation knows."""

    def moved(self, device: torch.device) -> Recording:
        """The same on a device."""
        return replace(self, **{name: value.to(device) for name, value in vars(self).items() if hasattr(value, "to")})


def recording_manifest_file(data_dir: Path, name: str) -> ManifestFile[RecordingManifest]:
    """Where the recording's manifest lies, if the recording is there."""
    path = data_dir / FOLDER / checked_name("recording", name) / MANIFEST
    remedy = f"bring the recording again with: {BRING.format(name)}, --replace"
    return ManifestFile(path, RecordingManifest, name, remedy)


def find_recording_manifest(data_dir: Path, name: str) -> RecordingManifest | None:
    """The recording's manifest, or None if it is not there; raises DataDamaged if it makes no sense."""
    return recording_manifest_file(data_dir, name).find()


def get_recording_manifest(data_dir: Path, name: str) -> RecordingManifest:
    """The recording's manifest, after a look at its files' sizes.

    Raises:
        DataMissing: says the commands that bring it.
        DataDamaged: a file is gone or has another size.
    """
    place = recording_manifest_file(data_dir, name)
    manifest = place.find()
    if manifest is None:
        raise DataMissing(f"there is no recording {name} in {data_dir}; bring it with: {BRING.format(name)}")
    for entry in manifest.array_files:
        place.sized(entry)
    return manifest


def recording_names(data_dir: Path) -> list[str]:
    """Names of the recordings that are there, damaged or not."""
    return names_in(data_dir / FOLDER)


def open_scan(data_dir: Path, name: str, scan: str) -> Recording:
    """A scan, memory-mapped; its SHA-256 is compared, so what was validated when it was written still holds.

    Raises:
        DataMissing: says the commands that bring the recording.
        DataDamaged: the file is not what was written.
    """
    from harness.data.array_files import open_arrays  # needs torch, which a look at manifests does without

    entry = get_recording_manifest(data_dir, name).scans[scan]
    arrays = open_arrays(recording_manifest_file(data_dir, name), entry)
    return Recording(scan=scan, digest=entry.sha256, **arrays)
