"""How a visual cortex is simulated, and how a predictive model is fitted to a scan (Li et al. 2019)."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from harness.spec.spec import Spec

LEAST_IMAGES = 20  # fewer leave nothing to fit, to stop by and to test on
LEAST_REPEATED = 10  # repeats of fewer images do not tell signal from noise


class SimulationSpec(Spec):
    """A simulated V1: how much of it is recorded, and how noisy it is."""

    images: str = "imagenet"
    """Data set whose first training images are shown."""
    n_images: int = Field(default=1000, ge=LEAST_IMAGES)
    oracle_images: int = Field(default=100, ge=0)
    """Images that are shown `repeats` times; the others are shown once. None, or at least 10."""
    repeats: int = Field(default=10, ge=2)
    scans: int = Field(default=2, ge=1, le=99)
    neurons: int = Field(default=300, ge=2)
    """Per scan; each scan has other neurons."""
    mean_response: float = Field(default=0.5, gt=0)
    """Spikes per trial of the average neuron: with Poisson noise, the fewer the noisier."""
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _oracle_images_are_some_of_the_images(self) -> Self:
        if 0 < self.oracle_images < LEAST_REPEATED:
            raise ValueError(f"oracle_images can be 0 or at least {LEAST_REPEATED}, got {self.oracle_images}")
        if self.oracle_images > self.n_images // 2:
            raise ValueError(
                f"oracle_images can be at most half of the {self.n_images} images, got {self.oracle_images}"
            )
        return self


class FitSpec(Spec):
    """The predictive model of one scan and its training; defaults that a CPU can do."""

    channels: int = Field(default=16, ge=1)
    """Feature maps of each of the core's three layers."""
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=1e-2, gt=0)
    """Of Adam; it falls whenever the validation loss stops falling."""
    max_epochs: int = Field(default=100, ge=1)
    patience: int = Field(default=5, ge=1)
    """Epochs without a lower validation loss after which the learning rate falls, and at last the fit ends."""
    seed: int = Field(default=0, ge=0)
