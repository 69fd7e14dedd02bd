"""The spatial frequencies of images of a size. Free of torch, so that reports count them too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def radii(height: int, width: int) -> NDArray[np.int64]:
    """Each frequency's distance from zero in cycles per image, rounded: (h, w), zero in the middle."""
    down, across = (np.fft.fftshift(np.fft.fftfreq(size, d=1 / size)) for size in (height, width))
    return np.hypot(down[:, None], across).round().astype(np.int64)
