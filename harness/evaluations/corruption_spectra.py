"""Which spatial frequencies each common corruption changes (paper, appendix 7.10, Figure 25)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from harness.data.catalogue import get_dataset
from harness.data.frequencies import radii
from harness.data.grayscale import as_color
from harness.data.sets import SEVERITIES
from harness.data.splits import open_split
from harness.errors import DataDamaged
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.spec import CorruptionSpectraSpec

_CHUNK = 1000  # images at once


def corruption_spectra(spec: CorruptionSpectraSpec, data_dir: Path) -> EvaluationResult:
    """E|F(C(X) - X)| of each corruption at one severity, an array float32 (h, w) by the corruption's name.

    Pixels in [0, 1], F with numpy's default norm, frequency zero in the middle; the figure draws log(1 + x).
    Measurements: `mean_radius` of each corruption, its mean spatial frequency in cycles per image, weighted by
    amplitude.

    Raises:
        DataMissing, DataDamaged: a set cannot be used, or the corrupted images are not those of the clean set.
    """
    if spec.corruptions is None:
        raise ValueError("a spec of spectra is resolved when its corruptions are named")
    task = get_dataset(data_dir, spec.images).clean
    clean = open_split(data_dir, task, "test")
    total = len(clean.images)
    n = min(spec.n_images or total, total)
    spectra = {}
    for corruption in spec.corruptions:
        stacked = open_split(data_dir, spec.images, corruption)
        if len(stacked.images) != len(SEVERITIES) * total:
            raise DataDamaged(
                f"{spec.images}/{corruption} holds {len(stacked.images)} images, not {len(SEVERITIES)} severities of "
                f"the {total} test images of {task}"
            )
        first = (spec.severity - 1) * total
        if not torch.equal(stacked.labels[first : first + total], clean.labels):
            raise DataDamaged(
                f"{spec.images}/{corruption} does not hold the test images of {task} in their order: official "
                f"corruptions belong to what `harness data prepare {task}` brings, those of an imported set are made "
                f"with: harness data corrupt {task} --replace"
            )
        spectra[corruption] = _mean_amplitude(stacked.images[first : first + n], clean.images[:n], spec)
    distances = torch.from_numpy(radii(*clean.images.shape[2:]))
    return EvaluationResult(
        measurements=tuple(
            Measurement(
                metric="mean_radius",
                value=float((amplitude * distances).sum() / amplitude.sum()),
                n=n,
                corruption=corruption,
                severity=spec.severity,
            )
            if bool(amplitude.any())
            else Measurement(
                metric="mean_radius",
                value=None,
                reason="it changes no pixel",
                n=n,
                corruption=corruption,
                severity=spec.severity,
            )
            for corruption, amplitude in spectra.items()
        ),
        arrays={corruption: amplitude.float().numpy() for corruption, amplitude in spectra.items()},
    )


def _mean_amplitude(corrupted: Tensor, clean: Tensor, spec: CorruptionSpectraSpec) -> Tensor:
    """Mean over images and channels of |F(corrupted - clean)|: (h, w) float64. Both uint8 (n, c, h, w)."""
    total = torch.zeros(clean.shape[2:], dtype=torch.float64)
    for changed, before in zip(torch.split(corrupted, _CHUNK), torch.split(clean, _CHUNK), strict=True):
        difference = unit_pixels(as_color(changed, spec.color)) - unit_pixels(as_color(before, spec.color))
        total += torch.fft.fft2(difference).abs().mean(1).sum(0, dtype=torch.float64)
    centered: Tensor = torch.fft.fftshift(total / len(clean))
    return centered
