from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.data.catalogue import get_manifest
from harness.data.regularization_images import regularization_images
from harness.data.sets import DATASETS, FREQUENCY
from harness.data.splits import open_split, verify
from harness.regularization.ranges import pair_counts
from harness.regularization.similarity import unit_rows
from harness.spec import TrainingSpec
from harness.stand_ins.images import CLASSES, COUNTS, drawn_images
from harness.training.images import training_images
from harness.training.loop import train

TASKS = ("mnist", "fashionmnist", "cifar10", "cifar100")
CPU = torch.device("cpu")


@pytest.mark.parametrize("name", [*TASKS, "imagenet"])
def test_a_stand_in_has_the_shape_splits_and_classes_of_the_real_set(data: Path, name: str) -> None:
    dataset = DATASETS[name]
    for split in dataset.splits:
        found = open_split(data, name, split)
        assert found.images.shape == (COUNTS[split], *dataset.shape)
        assert found.labels.unique().tolist() == list(range(dataset.classes or CLASSES))
    assert get_manifest(data, name).origin.stand_in
    verify(data, name)


def test_its_images_are_the_same_everywhere_and_those_of_no_other_set_or_split() -> None:
    images, labels = drawn_images(DATASETS["cifar10"], "train")
    again, same = drawn_images(DATASETS["cifar10"], "train")
    assert torch.equal(images, again)
    assert torch.equal(labels, same)
    test, _ = drawn_images(DATASETS["cifar10"], "test")
    other, _ = drawn_images(DATASETS["cifar100"], "train")
    assert not torch.equal(images[:100], test)
    assert not torch.equal(images, other)


@pytest.mark.parametrize("name", TASKS)
def test_test_images_are_nearest_to_the_mean_of_their_own_class(data: Path, name: str) -> None:
    train, test = (open_split(data, name, split) for split in ("train", "test"))
    means = torch.stack([train.images[train.labels == label].float().mean(0) for label in train.labels.unique()])
    nearest = torch.cdist(test.images.float().flatten(1), means.flatten(1)).argmin(1)
    assert (nearest == test.labels).double().mean() > 0.95


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_tiny_network_learns_it_in_two_epochs(data: Path, tmp_path: Path, name: str) -> None:
    optimisation = {"epochs": 2, "batch_size": 16, "learning_rate": 0.05, "validation_fraction": 0.1}
    spec = TrainingSpec.model_validate(
        {
            "classification": name,
            "n_train": 600,
            "network": {"base_width": 4},
            "augmentation": DATASETS[name].augmentation,
            "optimisation": optimisation,
        }
    )
    result = train(spec, 0, training_images(spec, data, CPU), device=CPU, folder=tmp_path)
    assert max(epoch.validation_accuracy for epoch in result.epochs) > 0.4  # chance: 0.1, of 60 images


@pytest.mark.parametrize("threshold", [0.3, 0.8])
@pytest.mark.parametrize("name", ["imagenet", "cifar10", "cifar100"])
def test_few_of_its_images_have_pairs_in_every_range(data: Path, name: str, threshold: float) -> None:
    rows = unit_rows(regularization_images(data, name, 64, "gray"))
    counts = pair_counts(rows, threshold, 0.2)
    assert set(counts) == {"all", "high", "low", "high_positive", "positive", "negative", "double"}
    assert all(counts.values())


def test_what_is_made_of_a_stand_in_is_one(data: Path) -> None:
    assert get_manifest(data, "mnist-c").origin.stand_in
    clean = open_split(data, "mnist", "test")
    for corruption in FREQUENCY:
        found = open_split(data, "mnist-c", corruption)
        assert torch.equal(found.labels, clean.labels.repeat(5))
