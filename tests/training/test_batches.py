from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness.data.sets import Task
from harness.errors import DataError
from harness.regularization.similarity import entries
from harness.spec.training import TrainingSpec
from harness.training.batch import Batch
from harness.training.batches import Batches
from harness.training.images import TrainingImages

CPU = torch.device("cpu")


def numbered(n: int) -> TrainingImages:
    """Images whose every pixel, and whose label, is their number."""
    numbers = torch.arange(n)
    images = numbers[:, None, None, None].expand(n, 1, 28, 28).to(torch.uint8)
    return TrainingImages(images=images, labels=numbers, regularization=None, task=Task(n, (28, 28), "raw"))


def labels_of(batches: list[Batch]) -> torch.Tensor:
    return torch.cat([batch.labels for batch in batches])


@pytest.mark.parametrize("augmentation", ["crop_flip", "none"])
def test_an_epoch_shows_each_image_once_with_its_label_and_none_of_validation(
    spec: TrainingSpec, augmentation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.training.batches._AT_ONCE", 40)  # so that augmenting takes more than one go
    batches = Batches(spec.replaced(augmentation=augmentation, regularizer=None), 0, numbered(100), CPU)
    shown = list(batches.epoch(0))
    labels = labels_of(shown)
    assert [len(batch.labels) for batch in shown] == [16, 16, 16, 16, 16, 10]
    assert len(shown) == batches.steps_per_epoch
    assert all(batch.images.shape[1:] == (1, 28, 28) and batch.images.dtype == torch.uint8 for batch in shown)
    assert torch.equal(torch.cat([batch.images for batch in shown])[:, 0, 5, 5].long(), labels)
    assert sorted((*labels.tolist(), *batches.validation.labels.tolist())) == list(range(100))
    assert len(batches.validation.labels) == 10


@pytest.mark.parametrize(("n", "shown"), [(90, 80), (91, 82), (16, 14), (11, 10)])
def test_a_last_batch_of_one_image_is_left_out(spec: TrainingSpec, n: int, shown: int) -> None:
    batches = Batches(spec.replaced(regularizer=None), 0, numbered(n), CPU)  # a tenth is held out
    assert len(labels_of(list(batches.epoch(0)))) == batches.images_per_epoch == shown


def test_an_epoch_is_a_function_of_seed_and_number(spec: TrainingSpec, images: TrainingImages) -> None:
    def epoch(seed: int, number: int) -> list[torch.Tensor]:
        shown = Batches(spec, seed, images, CPU).epoch(number)
        return [part for batch in shown for part in (batch.images, batch.labels, *(batch.pairs or ()))]

    first = epoch(0, 3)
    assert all(torch.equal(a, b) for a, b in zip(first, epoch(0, 3), strict=True))
    assert not torch.equal(first[0], epoch(0, 4)[0])
    assert not torch.equal(first[0], epoch(1, 3)[0])


def test_perturbations_draw_from_streams_of_image_epoch_and_seed(spec: TrainingSpec) -> None:
    perturbed = spec.replaced(regularizer=None, perturbation={"kind": "gaussian", "epsilon": 0.1})

    def streams(seed: int, number: int, size: int = 16) -> dict[int, int]:
        optimisation = spec.optimisation.replaced(batch_size=size).model_dump()
        shown = Batches(perturbed.replaced(optimisation=optimisation), seed, numbered(100), CPU).epoch(number)
        pairs = [(batch.labels, batch.streams) for batch in shown if batch.streams is not None]
        return dict(zip(*(torch.cat(parts).tolist() for parts in zip(*pairs, strict=True)), strict=True))

    first = streams(0, 0)
    assert len({*first.values()}) == len(first) == 90
    assert streams(0, 0, size=7) == {label: stream for label, stream in first.items() if label in streams(0, 0, size=7)}
    for others in (streams(0, 1), streams(1, 0)):
        assert not {*others.values()} & {*first.values()}


def test_a_training_that_an_earlier_version_began_goes_on_with_the_same_images(spec: TrainingSpec) -> None:
    """They are no part of a checkpoint, only drawn again: were it otherwise, it would learn its validation images."""
    rows, columns = torch.arange(28)[:, None], torch.arange(28)
    slopes = (8 * rows + columns).to(torch.uint8).expand(30, 1, 28, 28)
    pairs = numbered(12).images
    batches = Batches(spec, 3, replace(numbered(30), images=slopes, regularization=pairs), CPU)
    first = next(batches.epoch(2))
    assert batches.validation.labels.tolist() == [9, 12, 18]
    assert first.labels.tolist() == [14, 8, 23, 5, 16, 24, 3, 10, 28, 6, 1, 27, 20, 26, 4, 22]
    assert first.images[:8, 0, 14, 14].tolist() == [145, 100, 154, 110, 146, 159, 101, 96]
    assert first.pairs
    assert first.pairs.rows[:, 0, 0, 0].tolist() == [2, 9, 0, 5]
    assert first.pairs.columns[:, 0, 0, 0].tolist() == [11, 10, 10, 8]


def test_each_step_has_its_pairs_and_none_comes_twice_in_an_epoch(spec: TrainingSpec, images: TrainingImages) -> None:
    shown = list(Batches(spec, 0, images, CPU).epoch(0))
    pairs = [batch.pairs for batch in shown]
    assert all(pair and pair.rows.shape == pair.columns.shape == (4, 1, 28, 28) for pair in pairs)
    assert all(pair and pair.targets.shape == (4,) for pair in pairs)
    seen = {torch.cat((a, b)).numpy().tobytes() for pair in pairs if pair for a, b in zip(*pair[:2], strict=True)}
    assert len(seen) == 4 * len(shown)


def test_each_pair_has_the_similarity_of_its_own_images_as_target(spec: TrainingSpec) -> None:
    numbers = torch.arange(144.0).view(12, 12)  # each says of which two images it is
    recorded = spec.replaced(regularizer={"target": "neural", "alpha": 2, "images": "v1", "pairs_per_batch": 4})
    images = replace(numbered(90), regularization=numbered(12).images, similarity=entries(numbers))
    for batch in Batches(recorded, 0, images, CPU).epoch(0):
        assert batch.pairs
        rows, columns = (half[:, 0, 0, 0].long() for half in batch.pairs[:2])
        assert torch.equal(batch.pairs.targets, numbers[rows, columns])


def test_crops_and_flips_change_from_epoch_to_epoch(spec: TrainingSpec, images: TrainingImages) -> None:
    stored = {image.numpy().tobytes() for image in images.images}
    [plain] = [list(Batches(spec.replaced(augmentation="none"), 0, images, CPU).epoch(0))]
    augmented = [list(Batches(spec, 0, images, CPU).epoch(number)) for number in range(2)]
    assert all(image.numpy().tobytes() in stored for batch in plain for image in batch.images)
    moved = [{image.numpy().tobytes() for batch in epoch for image in batch.images} - stored for epoch in augmented]
    assert all(len(images_of_epoch) > 70 for images_of_epoch in moved)
    assert len(moved[0] & moved[1]) < 10


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_images_for_a_batch_are_refused(spec: TrainingSpec, n: int) -> None:
    with pytest.raises(DataError, match=f"{n} training images are too few: beside the 1 held out, a batch needs two"):
        Batches(spec.unregularized, 0, numbered(n), CPU)
    assert Batches(spec.unregularized, 0, numbered(3), CPU).steps_per_epoch == 1
