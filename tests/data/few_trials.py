"""A scan of a few trials with made-up numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.data.imports.recording_files import write_recording
from harness.data.origin import Origin
from harness.data.recording_arrays import Arrays, checked_arrays
from harness.data.recordings import RecordingManifest
from harness.data.writing import RefuseOrReplace

IMAGES, TRIALS, NEURONS = 20, 60, 3
ORIGIN = Origin(kind="import", source="made-up", importer="0")


def scan_arrays(seed: int = 0) -> Arrays:
    """All arrays that a laboratory can give; each image is shown three times."""
    numbers = np.random.default_rng(seed)
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 1, 36, 64), dtype=np.uint8)
    return {
        "images": images,
        "responses": numbers.exponential(size=(TRIALS, NEURONS)).astype(np.float32),
        "trial_images": numbers.permutation(np.arange(TRIALS) % IMAGES),
        "pupil_position": numbers.normal(size=(TRIALS, 2)).astype(np.float32),
        "pupil_size": numbers.normal(size=TRIALS).astype(np.float32),
        "running_speed": numbers.normal(size=TRIALS).astype(np.float32),
    }


def write_scans(
    data_dir: Path, name: str = "mouse", scans: int = 2, *, existing: RefuseOrReplace = "refuse"
) -> RecordingManifest:
    made = ((f"scan-{number}", checked_arrays(scan_arrays(number), "here")) for number in range(scans))
    return write_recording(data_dir, name, made, origin=ORIGIN, existing=existing)
