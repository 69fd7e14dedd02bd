"""Images to corrupt."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@pytest.fixture(scope="session")
def photographs() -> Pixels:
    """Pieces of scikit-learn's two photographs, shrunk to a quarter: uint8 (30, 3, 32, 32)."""
    pieces = []
    for photograph in load_sample_images().images:
        small = np.asarray(Image.fromarray(photograph).reduce(4))[: 3 * 32, : 5 * 32]
        pieces.append(small.reshape(3, 32, 5, 32, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, 32, 32))
    return np.concatenate(pieces)


@pytest.fixture(scope="session")
def gray(photographs: Pixels) -> Pixels:
    """The same in gray: uint8 (30, 1, 32, 32)."""
    return np.ascontiguousarray(photographs[:, 1:2])
