"""Targets that do not come from pixels: matrices, classes, features; and shuffled ones."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits

from harness.regularization.pairs import PairSampler
from harness.regularization.similarity import entries, row_similarity, same_class, similarity_matrix, unit_rows
from harness.seeding import stream
from harness.spec.training import RegularizerSpec

IMAGES = torch.from_numpy(load_digits().images[:40, None])
LABELS = torch.from_numpy(load_digits().target[:40])


def specification(target: str, **changes: object) -> RegularizerSpec:
    return RegularizerSpec.model_validate({"target": target, "alpha": 10, "images": "digits"} | changes)


def test_a_matrix_is_looked_up_pair_by_pair() -> None:
    matrix = torch.rand(40, 40, generator=torch.Generator().manual_seed(0))
    pairs = PairSampler(IMAGES, specification("neural"), entries(matrix)).draw(50, stream(0, "test"))
    assert torch.equal(pairs.targets, matrix[pairs.rows, pairs.columns])


def test_labels_are_alike_within_a_class_and_only_there() -> None:
    pairs = PairSampler(IMAGES, specification("label"), same_class(LABELS)).draw(300, stream(0, "test"))
    assert torch.equal(pairs.targets, (LABELS[pairs.rows] == LABELS[pairs.columns]).float())
    assert set(pairs.targets.tolist()) == {0.0, 1.0}


def test_rows_in_half_precision_give_cosines_to_a_thousandth() -> None:
    rows = unit_rows(IMAGES)
    i, j = torch.triu_indices(40, 40, offset=1)
    found = row_similarity(rows.half(), i, j)
    torch.testing.assert_close(found, similarity_matrix(rows)[i, j], rtol=0, atol=1e-3)


def test_a_shuffled_target_is_the_matrix_with_its_images_permuted() -> None:
    """The same values over all pairs, but no longer those of the pairs' own images, and always the same."""
    every = 40 * 39 // 2
    plain, shuffled, again = (
        PairSampler(IMAGES, specification("pixel", shuffled=is_shuffled)).draw(every, stream(0, "test"))
        for is_shuffled in (False, True, True)
    )
    assert torch.equal(plain.rows, shuffled.rows)
    assert torch.equal(shuffled.targets, again.targets)
    torch.testing.assert_close(plain.targets.sort().values, shuffled.targets.sort().values)
    assert abs(torch.corrcoef(torch.stack((plain.targets, shuffled.targets)))[0, 1]) < 0.2


def test_shuffling_is_the_same_forever_or_a_training_would_go_on_with_other_targets() -> None:
    numbers = torch.arange(1600.0).view(40, 40)  # each says of which two images it is
    sampler = PairSampler(IMAGES, specification("neural", shuffled=True), entries(numbers))
    pairs = sampler.draw(780, stream(0, "test"))
    first = [int(pairs.targets[(pairs.rows == 0) & (pairs.columns == image)]) for image in (1, 2, 3, 4)]
    assert first == [40 * 27 + image for image in (30, 16, 34, 7)]
