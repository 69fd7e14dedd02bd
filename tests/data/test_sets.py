from __future__ import annotations

import subprocess
import sys

import pytest

from harness.data.sets import DATASETS, FREQUENCY

# science.md 5
PAPER_MAXIMA = {
    "cifar10": (0.1, 0.1, 0.1, 0.02),
    "cifar100": (0.1, 0.1, 0.1, 0.005),
    "mnist": (0.5, 0.5, 0.3, 0.5),
    "fashionmnist": (0.5, 0.5, 0.3, 0.5),
}


@pytest.mark.parametrize("name", PAPER_MAXIMA)
def test_largest_perturbations_are_the_papers(name: str) -> None:
    maxima = DATASETS[name].max_epsilon
    assert tuple(maxima[kind] for kind in ("gaussian", "uniform", "salt_pepper", "fgsm_transfer")) == PAPER_MAXIMA[name]


def test_cifar_is_augmented_and_centered_and_mnist_is_not() -> None:
    for name, dataset in DATASETS.items():
        if dataset.role == "classification":
            cifar = name.startswith("cifar")
            assert (dataset.augmentation == "crop_flip") == cifar
            assert (dataset.pixel_scaling == "centered") == cifar


def test_the_fifteen_corruptions_fall_into_the_papers_groups() -> None:
    groups = {group: {name for name, of in FREQUENCY.items() if of == group} for group in ("low", "medium", "high")}
    assert groups["low"] == {"snow", "frost", "fog", "brightness", "contrast"}
    assert groups["high"] == {"gaussian_noise", "shot_noise", "impulse_noise"}
    assert len(FREQUENCY) == 15
    assert len(groups["medium"]) == 7


@pytest.mark.parametrize("name", [name for name in DATASETS if name.endswith("-c")])
def test_a_corruption_set_stacks_five_severities_of_its_clean_test_set(name: str) -> None:
    corrupted, clean = DATASETS[name], DATASETS[DATASETS[name].clean]
    assert corrupted.shape == clean.shape
    assert set(corrupted.counts.values()) == {5 * clean.counts["test"]}
    assert corrupted.splits == tuple(FREQUENCY)


def test_every_set_says_a_command_that_brings_it() -> None:
    for name, dataset in DATASETS.items():
        assert dataset.bring.startswith("harness data ")
        assert dataset.bring.split()[3] == (dataset.clean if dataset.bring.startswith("harness data corrupt") else name)


def test_the_runners_part_does_without_torch() -> None:
    imports = ("imports.folder", "imports.own_folder", "imports.corruption_files")
    modules = [f"harness.data.{name}" for name in ("sets", "manifest", "splits", *imports, "bundled", "preparation")]
    code = f"import sys, {', '.join(modules)}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
