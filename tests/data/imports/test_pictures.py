from __future__ import annotations

import contextlib
import zlib
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, PILToTensor, Resize

from harness.data.imports.pictures import pixels
from harness.data.sets import DATASETS
from harness.errors import ImportRefused

CIFAR, MNIST, IMAGENET = DATASETS["cifar10"], DATASETS["mnist"], DATASETS["imagenet"]


def random_image(width: int, height: int, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return Image.fromarray(values[:, :, :3]).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def test_a_png_comes_back_pixel_for_pixel() -> None:
    color, gray = random_image(32, 32), random_image(28, 28, "L")
    np.testing.assert_array_equal(pixels(encoded(color), "a", CIFAR), np.asarray(color).transpose(2, 0, 1))
    np.testing.assert_array_equal(pixels(encoded(gray), "a", MNIST)[0], np.asarray(gray))


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA"])
def test_other_pixel_types_of_8_bits_become_the_sets(mode: str) -> None:
    image = random_image(32, 32, mode)
    expected = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(pixels(encoded(image), "a", CIFAR), expected)


def test_sixteen_bits_are_refused_not_cut() -> None:
    image = Image.fromarray(np.full((28, 28), 300, np.uint16))
    with pytest.raises(ImportRefused, match=r"'a\.png' has pixels of type I;16"):
        pixels(encoded(image), "a.png", MNIST)


@pytest.mark.parametrize("size", [(31, 32), (32, 31), (64, 64)])
def test_an_odd_sized_image_is_refused_by_name(size: tuple[int, int]) -> None:
    with pytest.raises(ImportRefused, match=rf"'cat/7\.png' is {size[0]} x {size[1]} pixels; cifar10 has 32 x 32"):
        pixels(encoded(random_image(*size)), "cat/7.png", CIFAR)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_refused_by_name(kind: str, part: float) -> None:
    content = encoded(random_image(32, 32), kind)
    with pytest.raises(ImportRefused, match=r"'cat/7' cannot be read as an image"):
        pixels(content[: int(part * len(content))], "cat/7", CIFAR)


def test_bytes_that_are_no_image_or_another_format_are_refused() -> None:
    for content in (b"GIF89a not really", b"\x89PNG\r\n\x1a\n" + b"\xff" * 50, encoded(random_image(32, 32), "BMP")):
        with pytest.raises(ImportRefused, match="cannot be read as an image"):
            pixels(content, "a", CIFAR)


def test_damaged_bytes_never_end_in_another_error() -> None:
    numbers = np.random.default_rng(0)
    for kind in ("PNG", "JPEG"):
        whole = encoded(random_image(32, 32), kind)
        for _ in range(300):
            content = bytearray(whole)
            for position in numbers.integers(0, len(content), 3):
                content[position] = numbers.integers(256)
            with contextlib.suppress(ImportRefused):
                assert pixels(bytes(content), "a", CIFAR).shape == (3, 32, 32)


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    small = encoded(Image.new("1", (8, 8)))
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + small[24:29]
    bomb = small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]
    with pytest.raises(ImportRefused, match="'a'"):
        pixels(bomb, "a", IMAGENET)


@pytest.mark.parametrize("size", [(500, 375), (256, 144), (257, 145), (301, 400)])
def test_photographs_are_cropped_and_brought_to_size_as_torchvision_does(size: tuple[int, int]) -> None:
    image = random_image(*size)
    reference = Compose([CenterCrop((144, 256)), Resize((36, 64)), PILToTensor()])
    assert torch.equal(torch.from_numpy(pixels(encoded(image), "a", IMAGENET).copy()), reference(image))


@pytest.mark.parametrize("size", [(100, 100), (300, 100), (200, 400), (1, 1)])
def test_a_photograph_smaller_than_the_crop_is_enlarged_to_cover_it(size: tuple[int, int]) -> None:
    white = Image.new("RGB", size, "white")
    found = pixels(encoded(white), "a", IMAGENET)
    assert found.shape == (3, 36, 64)
    assert found.min() == 255  # no black border


def test_a_cmyk_photograph_is_read_as_torchvision_would() -> None:
    image = random_image(400, 300).convert("CMYK")
    content = encoded(image, "JPEG")
    with Image.open(BytesIO(content)) as opened:
        plain = opened.convert("RGB")
    np.testing.assert_array_equal(pixels(content, "a", IMAGENET), pixels(encoded(plain), "a", IMAGENET))
