"""What the three noises look like (paper, Figure 11)."""

from __future__ import annotations

from pathlib import Path

import torch

from harness.data.grayscale import as_color
from harness.data.splits import open_split
from harness.evaluations.curve import bounds
from harness.evaluations.noise import NOISES, noise_of
from harness.measurement import EvaluationResult, Measurement
from harness.models.pixels import unit_pixels
from harness.spec import NoiseExamplesSpec, NoiseSpec


def noise_examples(spec: NoiseExamplesSpec, data_dir: Path) -> EvaluationResult:
    """The first test images with each noise on them, exactly as models are tested with it.

    Arrays float32 (n, c, h, w) in [0, 1]: `clean`, `gaussian`, `uniform`, `salt_pepper`. Measurements: for each
    noise the mean of ||x - noisy||^2 / d over the images.

    Raises:
        DataMissing, DataDamaged: the set cannot be used.
    """
    stored = open_split(data_dir, spec.images, "test").images[: spec.n_images]
    images = unit_pixels(as_color(stored, spec.color))
    arrays = {"clean": images}
    for kind in NOISES:
        noise = NoiseSpec.model_validate({"kind": kind})
        perturbed = images + noise_of(noise, torch.arange(len(images)), images.shape[1:], spec.epsilon)
        arrays[kind] = perturbed.clamp(*bounds(images, noise.clip))
    return EvaluationResult(
        measurements=tuple(
            Measurement(
                metric=f"{kind}_distance",
                value=float((arrays[kind] - images).double().square().mean()),
                n=len(images),
                epsilon=spec.epsilon,
            )
            for kind in NOISES
        ),
        arrays={name: array.numpy() for name, array in arrays.items()},
    )
