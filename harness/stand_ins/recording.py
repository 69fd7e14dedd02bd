"""A recording `v1` of few simulated neurons, and its similarity: what the neural suite reads."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from harness.data.grayscale import as_color
from harness.data.progress import OnProgress
from harness.data.recordings import find_recording_manifest, open_scan
from harness.data.sets import DATASETS
from harness.data.similarities import find_similarity_manifest
from harness.data.simulated_v1.scan import record
from harness.data.writing import RefuseOrReplace
from harness.regularization.neural.fits import fit_once
from harness.regularization.neural.recorded_similarity import store_similarities
from harness.spec.neural import FitSpec, SimulationSpec
from harness.stand_ins.images import drawn_images

SIMULATION = SimulationSpec(images="imagenet", n_images=128, oracle_images=32, repeats=3, scans=2, neurons=24)
FIT = FitSpec(channels=4, max_epochs=3)


def find_recording_kind(data_dir: Path, name: str) -> str | None:
    """Where the recording or its similarity that is there came from; None if none is, or a stand-in that is unfinished.

    Raises:
        DataDamaged: a manifest makes no sense.
    """
    similarity = find_similarity_manifest(data_dir, name)
    recording = find_recording_manifest(data_dir, name)
    if recording and not recording.origin.stand_in:
        return recording.origin.kind
    if similarity:
        return "stand-in" if similarity.stand_in else "similarity"
    return None


def make_recording(data_dir: Path, name: str, *, existing: RefuseOrReplace, on_progress: OnProgress) -> None:
    """Simulate a recording of the stand-in images of `SIMULATION`, fit it for a few epochs, and store its similarity.

    existing: `replace` also puts the similarity in the place of one that is there.
    on_progress: told (done, total) steps.

    Raises:
        DataError: the recording is there and is not to be replaced, or cannot be written.
    """
    images, _ = drawn_images(DATASETS[SIMULATION.images], "train")
    shown = as_color(images[: SIMULATION.n_images], "gray")
    before = find_recording_manifest(data_dir, name)
    if before and before.origin.stand_in:  # unfinished
        existing = "replace"
    manifest = record(data_dir, name, shown, SIMULATION, kind="stand-in", existing=existing)
    steps = len(manifest.scans) + 1
    device = torch.device("cpu")
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        fits = Path(folder)
        for done, scan in enumerate(manifest.scans, start=1):
            fit_once(fits, open_scan(data_dir, name, scan), FIT, device)
            on_progress(done, steps)
        store_similarities(data_dir, name, fits, FIT, device)
    on_progress(steps, steps)
