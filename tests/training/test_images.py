from __future__ import annotations

from pathlib import Path

import pytest
import torch
from own_code import CODE

from harness.data.similarities import write_similarities
from harness.data.splits import open_split
from harness.errors import DataError, DataMissing, SpecError
from harness.regularization.own_target import own_similarity
from harness.spec.training import RegularizerSpec, TrainingSpec
from harness.training.images import training_images

CPU = torch.device("cpu")
SPEC = TrainingSpec(
    classification="digits",
    n_train=100,
    regularizer=RegularizerSpec(target="pixel", alpha=1, images="digits", n_images=50),
)


def test_the_first_images_are_taken_in_the_wanted_color(digits_dir: Path) -> None:
    stored = open_split(digits_dir, "digits", "train")
    gray = training_images(SPEC, digits_dir, CPU)
    assert torch.equal(gray.images, stored.images[:100])
    assert torch.equal(gray.labels, stored.labels[:100])
    assert gray.regularization is not None
    assert gray.regularization.shape == (50, 1, 32, 32)
    assert gray.similarity is None  # their own
    assert gray.task == (10, (32, 32), "raw")
    color = training_images(SPEC.replaced(color="rgb"), digits_dir, CPU)
    assert color.regularization is not None
    assert color.images.shape == (100, 3, 32, 32)
    assert color.regularization.shape == (50, 3, 32, 32)


def test_all_images_and_no_pairs_unless_asked_for(digits_dir: Path) -> None:
    found = training_images(SPEC.unregularized.replaced(n_train=None), digits_dir, CPU)
    assert len(found.images) == len(found.labels) == 1437
    assert found.regularization is None


def test_more_images_than_there_are_is_one_clear_error(digits_dir: Path) -> None:
    with pytest.raises(DataError, match=r"n_train is 2000, but digits .* has only 1437"):
        training_images(SPEC.replaced(n_train=2000), digits_dir, CPU)
    assert SPEC.regularizer
    greedy = SPEC.regularizer.replaced(n_images=2000)
    with pytest.raises(DataError, match=r"n_images is 2000, but digits .* has only 1437"):
        training_images(SPEC.replaced(regularizer=greedy.model_dump()), digits_dir, CPU)


def test_missing_data_says_the_command_that_brings_it(digits_dir: Path) -> None:
    with pytest.raises(DataMissing, match="harness data prepare cifar10"):
        training_images(SPEC.replaced(classification="cifar10"), digits_dir, CPU)


def test_a_set_without_classes_cannot_be_learned(digits_dir: Path) -> None:
    with pytest.raises(SpecError, match="imagenet is a regularization set"):
        training_images(SPEC.replaced(classification="imagenet"), digits_dir, CPU)


def test_splits_name_what_a_spec_reads() -> None:
    assert SPEC.inputs == (("digits", "train"),)
    assert SPEC.replaced(classification="cifar10").inputs == (("cifar10", "train"), ("digits", "train"))
    assert SPEC.unregularized.inputs == (("digits", "train"),)


def test_the_label_target_comes_with_the_classes_of_its_images(digits_dir: Path) -> None:
    regularizer = RegularizerSpec(target="label", alpha=1, images="digits", n_images=30)
    found = training_images(SPEC.replaced(regularizer=regularizer.model_dump()), digits_dir, CPU)
    labels = open_split(digits_dir, "digits", "train").labels[:30]
    i, j = torch.triu_indices(30, 30, offset=1)
    assert found.similarity is not None
    assert torch.equal(found.similarity(i, j), (labels[i] == labels[j]).float())


def test_a_target_of_ones_own_is_what_its_function_makes_of_the_regularization_images(digits_dir: Path) -> None:
    own = {"target": "gradients.py:coarse", "options": {"side": 4}, "alpha": 1, "images": "digits", "n_images": 30}
    regularizer = RegularizerSpec.model_validate(own)
    found = training_images(SPEC.replaced(regularizer=regularizer.model_dump()), digits_dir, CPU, CODE)
    assert found.regularization is not None
    assert found.similarity is not None
    pairs = torch.triu_indices(30, 30, offset=1)
    expected = own_similarity(regularizer, CODE, found.regularization)
    assert torch.equal(found.similarity(*pairs), expected(*pairs))


def test_a_recorded_target_brings_its_own_images(digits_dir: Path, tmp_path: Path) -> None:
    for folder in digits_dir.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    images = torch.randint(256, (12, 1, 36, 64), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    numbers = torch.arange(144.0).view(12, 12)  # each says of which two images it is
    matrices = {"neural": numbers, "raw": -numbers}
    about = {"generated": True, "recording_digest": "a" * 64, "fit": {}, "scans": {}, "noise_free_correlation": None}
    write_similarities(tmp_path, "v1", matrices, images, importer="test", **about)
    for target, n, value in (("neural", 10, 12 * 3 + 9), ("raw", 12, -(12 * 3 + 9))):
        regularizer = RegularizerSpec(target=target, alpha=1, images="v1", n_images=n)
        found = training_images(SPEC.replaced(regularizer=regularizer.model_dump(), color="rgb"), tmp_path, CPU)
        assert found.regularization is not None
        assert torch.equal(found.regularization, images[:n].repeat(1, 3, 1, 1))
        assert found.similarity is not None
        assert found.similarity(torch.tensor([3]), torch.tensor([9])).item() == value
    elsewhere = training_images(SPEC.replaced(regularizer=regularizer.model_dump()), tmp_path, torch.device("meta"))
    assert elsewhere.similarity is not None
    assert elsewhere.similarity(torch.tensor([3]), torch.tensor([9])).device.type == "meta"
    greedy = RegularizerSpec(target="raw", alpha=1, images="v1", n_images=13)
    with pytest.raises(DataError, match="the similarity v1 has only 12 images"):
        training_images(SPEC.replaced(regularizer=greedy.model_dump()), tmp_path, CPU)
