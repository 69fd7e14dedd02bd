"""The similarities of a recording: averaged over its scans, and stored for training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

import harness
from harness.data.progress import OnProgress, ignore_progress
from harness.data.recordings import Recording, get_recording_manifest, open_scan
from harness.data.similarities import ScanScore, SimilarityManifest, write_similarities
from harness.errors import DataMissing, HarnessError, WeightsDamaged
from harness.regularization.neural.denoising import denoised_responses, response_similarity, single_trial_responses
from harness.regularization.neural.fits import find_fit
from harness.regularization.neural.fitting import Fit
from harness.regularization.neural.reliability import off_diagonal_correlation
from harness.spec.inputs import Recorded
from harness.spec.neural import FitSpec

Kind = Literal[Recorded, "noise_free"]
"""Of a similarity: of denoised responses, of single-trial responses, or of true mean responses, which only a simulation
knows."""


def scan_similarities(recording: Recording, fit: Fit) -> dict[Kind, Tensor]:
    """The similarities of one scan, (images, images) float32 each, on the CPU."""
    found: dict[Kind, Tensor] = {
        "neural": response_similarity(denoised_responses(recording, fit)).cpu(),
        "raw": response_similarity(single_trial_responses(recording)),
    }
    if recording.noise_free is not None:
        found["noise_free"] = response_similarity(recording.noise_free)
    return found


def noise_free_correlation(found: Mapping[Kind, Tensor]) -> dict[Recorded, float] | None:
    """Of the other similarities' off-diagonals with that of true mean responses; None where these are not known."""
    if "noise_free" not in found:
        return None
    return {
        "neural": off_diagonal_correlation(found["neural"], found["noise_free"]),
        "raw": off_diagonal_correlation(found["raw"], found["noise_free"]),
    }


def store_similarities(
    data_dir: Path,
    name: str,
    fits: Path,
    spec: FitSpec,
    device: torch.device,
    on_scan: OnProgress = ignore_progress,
) -> SimilarityManifest:
    """Average a recording's similarities over its scans and store them with its images.

    fits: the folder with the recording's finished fits. on_scan: told (done, total) scans.

    Raises:
        HarnessError: a scan says nothing of how similar images are.
        DataMissing: the recording, or a scan's fit with these settings, is not there; says the command.
        DataDamaged, WeightsDamaged: a file is not what was written.
        DataError: the similarities cannot be written.
    """
    manifest = get_recording_manifest(data_dir, name)
    sums: dict[Kind, Tensor] = {}
    scores = {}
    for done, scan in enumerate(manifest.scans, start=1):
        recording = open_scan(data_dir, name, scan)
        fit = _get_fit(fits, recording, spec, device, f"harness neural fit {name}")
        found = scan_similarities(recording, fit)
        _require_structure(name, scan, found)
        sums = {kind: sums[kind].add_(matrix) if sums else matrix for kind, matrix in found.items()}
        scores[scan] = _score(recording, fit, manifest.scans[scan].repeated_images)
        on_scan(done, len(manifest.scans))
    mean = {kind: total / len(scores) for kind, total in sums.items()}
    return write_similarities(
        data_dir,
        name,
        {"neural": mean["neural"], "raw": mean["raw"]},
        recording.images,
        generated=manifest.generated,
        stand_in=manifest.origin.stand_in,
        recording_digest=manifest.digest,
        fit=spec.model_dump(mode="json"),
        scans=scores,
        noise_free_correlation=noise_free_correlation(mean),
        importer=harness.__version__,
    )


def _get_fit(fits: Path, recording: Recording, spec: FitSpec, device: torch.device, command: str) -> Fit:
    """The finished fit; the errors say the command that makes it."""
    try:
        fit = find_fit(fits, recording, spec, device)
    except WeightsDamaged as error:
        raise WeightsDamaged(f"{error} with: {command}") from error
    if fit is None:
        raise DataMissing(
            f"scan {recording.scan} has no finished fit with these settings in {fits}; "
            f"make it with: {command}, and the same options"
        )
    return fit


def _require_structure(name: str, scan: str, found: Mapping[Kind, Tensor]) -> None:
    """Raises HarnessError where no two images differ in the responses, of which no target can be made."""
    why: dict[Kind, str] = {
        "raw": "they are the same for all images",
        "neural": "its predictive model predicts no neuron, see its fit",
    }
    for kind, reason in why.items():
        if not found[kind].any():
            raise HarnessError(
                f"the responses of scan {scan} say nothing of how similar images are: {reason}; bring the recording "
                f"without it: harness neural import {name} PATH --replace"
            )


def _score(recording: Recording, fit: Fit, repeated: int) -> ScanScore:
    oracle = fit.oracle_correlation
    return ScanScore(
        sha256=recording.digest,
        neurons=recording.responses.shape[1],
        trial_correlation=fit.trial_correlation.mean().item(),
        oracle_correlation=None if oracle is None else oracle.mean().item(),
        weights="signal to noise and correlation" if repeated else "correlation",
    )
