"""Finished fits on the disk: one weights file per scan and settings, so that none is repeated."""

from __future__ import annotations

import contextlib
from pathlib import Path

import torch

from harness.data.progress import OnProgress, ignore_progress
from harness.data.recordings import Recording
from harness.errors import WeightsDamaged
from harness.models import weights
from harness.regularization.neural.fitting import Fit, fit
from harness.regularization.neural.network import build_model
from harness.spec.digest import digest
from harness.spec.neural import FitSpec

FIT_VERSION = 1  # raised when a fit of the same recording and spec would have other weights

_MODEL, _TRIAL, _ORACLE = "model.", "trial_correlation", "oracle_correlation"


def fit_once(
    folder: Path, recording: Recording, spec: FitSpec, device: torch.device, on_epoch: OnProgress = ignore_progress
) -> tuple[Fit, bool]:
    """Fit a scan, unless its fit is there and not damaged; the fit, and whether it was made only now.

    Raises:
        HarnessError: the fit diverged, or the folder cannot be written.
    """
    with contextlib.suppress(WeightsDamaged):
        found = find_fit(folder, recording, spec, device)
        if found:
            return found, False
    made = fit(recording, spec, device, on_epoch)
    for damaged in _files(folder, recording, spec):
        damaged.unlink()
    _save(folder, recording, spec, made)
    return made, True


def find_fit(folder: Path, recording: Recording, spec: FitSpec, device: torch.device) -> Fit | None:
    """The finished fit, its model on the device; None if there is none.

    Raises:
        WeightsDamaged: its file is truncated or altered.
    """
    files = _files(folder, recording, spec)
    if not files:
        return None
    tensors, metadata = weights.load(files[0])
    model = build_model(recording, spec)
    model.load_state_dict(weights.below(_MODEL, tensors))
    return Fit(
        model=model.to(device).eval().requires_grad_(False),
        epochs=metadata["epochs"],
        best_epoch=metadata["best_epoch"],
        trial_correlation=tensors[_TRIAL],
        oracle_correlation=tensors.get(_ORACLE),
    )


def _save(folder: Path, recording: Recording, spec: FitSpec, made: Fit) -> None:
    tensors = {_MODEL + name: tensor for name, tensor in made.model.state_dict().items()}
    tensors[_TRIAL] = made.trial_correlation
    if made.oracle_correlation is not None:
        tensors[_ORACLE] = made.oracle_correlation
    metadata = {"spec": spec.model_dump(mode="json"), "epochs": made.epochs, "best_epoch": made.best_epoch}
    weights.save(folder, _stem(recording, spec), tensors, metadata)


def _files(folder: Path, recording: Recording, spec: FitSpec) -> list[Path]:
    return sorted(folder.glob(f"{_stem(recording, spec)}-*.safetensors"))


def _stem(recording: Recording, spec: FitSpec) -> str:
    """What the name of the fit's file begins with: a function of the scan's content and the settings."""
    return f"{recording.scan}-{digest('neural fit', FIT_VERSION, spec, recording.digest)}"
