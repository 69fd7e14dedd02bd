from __future__ import annotations

import pytest
import torch
from torchvision.transforms import functional

from harness.data.augmentation import PADDING, crop_flip, crop_flip_padded, draw, padded
from harness.seeding import stream


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 32, 32), (3, 36, 64), (1, 5, 9)])
def test_a_batch_is_bit_for_bit_what_torchvision_does_to_each_image(shape: tuple[int, int, int]) -> None:
    n, (_, height, width) = 60, shape
    images = torch.randint(256, (n, *shape), dtype=torch.uint8, generator=stream(0, "test"))
    offsets, flips = draw(n, stream(0, "crop"))
    found = crop_flip(images, offsets, flips)
    for image, (top, left), flip, mine in zip(images, offsets.tolist(), flips.tolist(), found, strict=True):
        one = functional.crop(functional.pad(image, [PADDING], padding_mode="reflect"), top, left, height, width)
        assert torch.equal(mine, functional.hflip(one) if flip else one)


def test_the_middle_crop_without_a_flip_changes_nothing() -> None:
    images = torch.randint(256, (6, 3, 32, 32), dtype=torch.uint8, generator=stream(0, "test"))
    unmoved = torch.full((6, 2), PADDING)
    assert torch.equal(crop_flip(images, unmoved, torch.zeros(6, dtype=torch.bool)), images)


def test_padding_once_and_cropping_by_batches_is_the_same() -> None:
    images = torch.randint(256, (40, 1, 32, 32), dtype=torch.uint8, generator=stream(0, "test"))
    offsets, flips = draw(40, stream(0, "crop"))
    stored = padded(images)
    batches = [
        crop_flip_padded(stored[start : start + 16], offsets[start : start + 16], flips[start : start + 16])
        for start in range(0, 40, 16)
    ]
    assert torch.equal(torch.cat(batches), crop_flip(images, offsets, flips))


def test_every_offset_and_both_sides_are_drawn_alike() -> None:
    offsets, flips = draw(9000, stream(0, "crop"))
    assert offsets.shape == (9000, 2)
    for counts in (offsets[:, 0].bincount(), offsets[:, 1].bincount()):
        assert len(counts) == 2 * PADDING + 1
        assert counts.min() > 850  # 1000 expected, deviation 30
    assert 0.47 < flips.float().mean() < 0.53


def test_what_is_drawn_depends_on_the_generator_alone() -> None:
    first, second, other = draw(8, stream(0, "a")), draw(8, stream(0, "a")), draw(8, stream(0, "b"))
    assert torch.equal(first.offsets, second.offsets)
    assert torch.equal(first.flips, second.flips)
    assert not torch.equal(first.offsets, other.offsets)
