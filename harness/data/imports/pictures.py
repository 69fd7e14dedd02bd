"""One image file -> the pixels of a data set, or a refusal by name."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from harness.data.sets import DATASETS, DataSet
from harness.errors import ImportRefused

FORMATS = ("PNG", "JPEG")
SUFFIXES = (".png", ".jpg", ".jpeg")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")  # 8 bits or less; anything else would be cut without a word
MAX_PIXELS = 64 << 20  # a larger image is no photograph from a data set

# What Pillow is known to raise for files that are not what they say.
_UNREADABLE = (
    *(UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


def size_of(content: bytes, name: str) -> tuple[int, int]:
    """Height and width that an image file says it has; raises ImportRefused if it is none."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            return image.height, image.width
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error


def pixels(content: bytes, name: str, dataset: DataSet) -> NDArray[np.uint8]:
    """The pixels of an image file, as the data set stores them: uint8 (c, h, w).

    name: what the image is called in a refusal.

    Raises:
        ImportRefused: unreadable, cut short, of a depth or size that does not fit, or too large to be an image.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            _check(image, name, dataset)
            wanted = "L" if dataset.channels == 1 else "RGB"
            image.load()
            plain = image if image.mode == wanted else image.convert(wanted)
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error
    if dataset.crop:
        crop = _largest(plain, dataset.size) if dataset.crop == "largest" else dataset.crop
        plain = _fitted(plain, crop, dataset.size)
    return np.asarray(plain).reshape(*dataset.size, dataset.channels).transpose(2, 0, 1)


def _unreadable(name: str, error: BaseException) -> ImportRefused:
    return ImportRefused(f"{name!r} cannot be read as an image: {str(error) or type(error).__name__}")


def _check(image: Image.Image, name: str, dataset: DataSet) -> None:
    """Refuse by what the header says, before anything is decoded."""
    height, width = dataset.size
    if image.width * image.height > MAX_PIXELS:
        raise ImportRefused(
            f"{name!r} would unpack to {image.width} x {image.height} pixels, too many for an image of a data set"
        )
    if not dataset.crop and image.size != (width, height):
        remedy = "" if dataset.name in DATASETS else "; --size brings all images to one size"
        raise ImportRefused(
            f"{name!r} is {image.width} x {image.height} pixels; {dataset.name} has {width} x {height}{remedy}"
        )
    if image.mode not in MODES:
        raise ImportRefused(f"{name!r} has pixels of type {image.mode}; 8 bits per channel are needed")


def _largest(image: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the largest part of an image with the proportions of `size`."""
    scale = min(image.height / size[0], image.width / size[1])
    return (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))


def _fitted(image: Image.Image, crop: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """The center of an image, brought to a size (height, width) with Pillow's bilinear filter.

    Source: released code, torchvision's CenterCrop and Resize. Difference: there, an image smaller than the crop gets a
    black border; here it is first enlarged to cover the crop, so that no edge is added that the photograph has not.
    """
    height, width = crop
    scale = max(height / image.height, width / image.width)
    if scale > 1:
        larger = (max(width, round(image.width * scale)), max(height, round(image.height * scale)))
        image = image.resize(larger, Image.Resampling.BILINEAR)
    top, left = round((image.height - height) / 2), round((image.width - width) / 2)
    center = image.crop((left, top, left + width, top + height))
    return center.resize((size[1], size[0]), Image.Resampling.BILINEAR)
