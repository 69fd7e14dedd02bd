"""A training of seconds: 90 made-up images of three classes that a narrow network can tell apart."""

from __future__ import annotations

import pytest
import torch

from harness.data.sets import Task
from harness.spec.training import NetworkSpec, OptimisationSpec, RegularizerSpec, TrainingSpec
from harness.training.images import TrainingImages


@pytest.fixture
def spec() -> TrainingSpec:
    return TrainingSpec(
        classification="cifar10",
        network=NetworkSpec(base_width=2),
        regularizer=RegularizerSpec(
            target="threshold", alpha=2, threshold=0.1, images="cifar10", n_images=40, pairs_per_batch=4
        ),
        optimisation=OptimisationSpec(
            epochs=4, batch_size=16, learning_rate=0.05, epochs_per_phase=1, validation_fraction=0.1
        ),
        augmentation="crop_flip",
    )


@pytest.fixture
def images() -> TrainingImages:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    noise = torch.randint(100, (90, 1, 28, 28), generator=generator)
    return TrainingImages(
        images=(noise + 70 * labels[:, None, None, None]).to(torch.uint8),
        labels=labels,
        regularization=torch.randint(256, (40, 1, 28, 28), generator=generator).to(torch.uint8),
        task=Task(classes=3, size=(28, 28), pixel_scaling="centered"),
    )
