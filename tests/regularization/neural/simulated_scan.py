"""A small simulated scan of the digits, and its fit."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch

from harness.data.bundled import prepare_bundled
from harness.data.recordings import Recording, open_scan
from harness.data.simulated_v1.scan import simulate
from harness.regularization.neural.fits import fit_once
from harness.regularization.neural.fitting import Fit
from harness.spec.neural import FitSpec, SimulationSpec

CPU = torch.device("cpu")


class Simulated(NamedTuple):
    """A simulated recording `v1` with one scan, fitted."""

    data_dir: Path
    fits: Path
    recording: Recording
    spec: FitSpec
    fit: Fit


def simulated_and_fitted(data_dir: Path) -> Simulated:
    """Takes seconds."""
    fits = data_dir / "fits"
    prepare_bundled(data_dir, "digits")
    spec = SimulationSpec(images="digits", n_images=200, oracle_images=20, neurons=40, scans=1, mean_response=1)
    simulate(data_dir, "v1", spec)
    recording = open_scan(data_dir, "v1", "simulated-00")
    fit_spec = FitSpec(channels=4, max_epochs=15)
    fit, made = fit_once(fits, recording, fit_spec, CPU)
    assert made
    return Simulated(data_dir, fits, recording, fit_spec, fit)
