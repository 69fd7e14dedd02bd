"""Which spatial frequencies a model's decision hangs on: the spectrum of the smallest perturbations that change it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.data.frequencies import radii
from harness.evaluations.boundary.evaluation import attacked_repeats, image_results, summary
from harness.evaluations.setting import Setting
from harness.measurement import EvaluationResult, Measurement
from harness.spec import SpectrumSpec


def spectrum(model: nn.Module, setting: Setting, spec: SpectrumSpec) -> EvaluationResult:
    """Mean power by frequency of the perturbations that a long Boundary attack ends with, and the attack's own numbers.

    Arrays: `perturbations` float32 (n, c, h, w), those of the images that had a start; `power` float32 (h, w), the mean
    of their power spectra; `power_of_mean`, the spectrum of their mean. Frequency zero is in the middle.

    Source: section 5.5, Figure 7. The paper does not say whether it averages perturbations or spectra: the sign of a
    perturbation is arbitrary, so most of a mean perturbation cancels, and the mean of the spectra is what is measured.

    Raises:
        NotEvaluable: some logits are not finite.
    """
    [(victims, attacked, classified)] = attacked_repeats(model, setting, spec)
    rows = image_results(victims, attacked, repeat=0)
    perturbations = (attacked.images - victims.images)[attacked.found].double()
    measurements = summary(rows, victims.labels)
    arrays = {}
    if len(perturbations):
        power = power_spectra(perturbations).mean(0)
        measurements += _by_radius(power, len(perturbations))
        arrays = {
            "perturbations": perturbations.float(),
            "power": power.float(),
            "power_of_mean": power_spectra(perturbations.mean(0, keepdim=True))[0].float(),
        }
    return EvaluationResult(
        measurements=tuple(measurements),
        images=tuple(rows),
        arrays={name: array.cpu().contiguous().numpy() for name, array in arrays.items()},
        images_classified=classified,
    )


def power_spectra(images: Tensor) -> Tensor:
    """Squared amplitude by frequency, mean over channels: (n, h, w), frequency zero in the middle.

    images: (n, c, h, w). The mean over all frequencies is the mean square of the image (Parseval).
    """
    spectra: Tensor = torch.fft.fft2(images, norm="ortho").abs().square().mean(1)
    centered: Tensor = torch.fft.fftshift(spectra, dim=(-2, -1))
    return centered


def _by_radius(power: Tensor, n: int) -> list[Measurement]:
    """The mean power at each distance from frequency zero."""
    power = power.cpu()  # where sums have one order: on a GPU they differ from run to run
    distances = torch.from_numpy(radii(*power.shape)).flatten()
    sums = torch.zeros(int(distances.max()) + 1, dtype=power.dtype)
    means = sums.index_add(0, distances, power.flatten()) / distances.bincount()
    return [Measurement(metric="power", value=value, n=n, radius=radius) for radius, value in enumerate(means.tolist())]
