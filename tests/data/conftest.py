"""Small image folders, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeFolder = Callable[..., Path]


@pytest.fixture
def image_folder(tmp_path: Path) -> MakeFolder:
    """Writes train/CLASS/*.png and test/CLASS/*.png, gray and 28 x 28 if not told otherwise."""

    def make(
        size: tuple[int, int] = (28, 28), channels: int = 1, classes: int = 10, per_class: int = 3, suffix: str = "png"
    ) -> Path:
        root = tmp_path / "source" / "images"
        numbers = np.random.default_rng(0)
        shape = (*size, 3) if channels == 3 else size
        for split in ("train", "test"):
            for label in range(classes):
                folder = root / split / str(label)
                folder.mkdir(parents=True)
                for index in range(per_class):
                    pixels = numbers.integers(0, 256, shape, dtype=np.uint8)
                    Image.fromarray(pixels).save(folder / f"{index}.{suffix}")
        return root

    return make
