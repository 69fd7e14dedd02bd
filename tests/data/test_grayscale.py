from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from harness.data.augmentation import crop_flip, draw
from harness.data.grayscale import as_color, luma
from harness.seeding import stream


def random_images(n: int, channels: int, height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.randint(256, (n, channels, height, width), dtype=torch.uint8, generator=stream(0, "test"))


def test_luma_is_pillows_l_for_every_pixel() -> None:
    images = random_images(40, 3, 64, 48)
    images[0, :, 0, 0], images[0, :, 0, 1] = 0, 255
    pillow = [np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L")) for image in images]
    assert torch.equal(luma(images), torch.from_numpy(np.stack(pillow))[:, None])


def test_luma_commutes_with_crop_and_flip() -> None:
    images, drawn = random_images(50, 3), draw(50, stream(0, "crop"))
    assert torch.equal(luma(crop_flip(images, *drawn)), crop_flip(luma(images), *drawn))


def test_color_is_kept_made_gray_or_repeated() -> None:
    color, gray = random_images(5, 3), random_images(5, 1)
    assert torch.equal(as_color(color, "rgb"), color)
    assert torch.equal(as_color(color, "gray"), luma(color))
    assert torch.equal(as_color(gray, "gray"), gray)
    assert torch.equal(luma(as_color(gray, "rgb")), gray)
