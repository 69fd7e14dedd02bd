"""The data sets that need no download: scikit-learn's digits, and the same corrupted.

What arrays need is imported where they are made: the runner only asks whether a set is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data.inventory import find_ready
from harness.data.manifest import Manifest
from harness.data.order import fair_positions
from harness.data.origin import new_origin
from harness.data.sets import DATASETS

if TYPE_CHECKING:
    from harness.data.writing import KeepOrReplace, SplitArrays


def prepare_bundled(data_dir: Path, name: str, *, existing: KeepOrReplace = "keep") -> Manifest:
    """Make `digits` or `digits-c` unless it is there, with all the splits that this version makes."""
    if not is_made(data_dir, name):
        existing = "replace"
    clean = DATASETS[name].clean
    if name != clean:
        from harness.data.corruptions import corrupt  # needs torch, which the runner does without

        prepare_bundled(data_dir, clean)
        return corrupt(data_dir, clean, existing=existing)
    import sklearn

    from harness.data.writing import write_set

    return write_set(
        data_dir,
        DATASETS[name],
        _digits(),
        classes=[str(digit) for digit in range(10)],
        origin=new_origin("bundled", f"scikit-learn {sklearn.__version__}"),
        existing=existing,
    )


def is_made(data_dir: Path, name: str) -> bool:
    """Whether a bundled set is there, not visibly damaged, and with all its splits: older versions made fewer."""
    dataset = DATASETS[name]
    manifest = find_ready(data_dir, dataset)
    return manifest is not None and manifest.splits.keys() >= {*dataset.splits}


def _digits() -> Iterator[SplitArrays]:
    """1437 training and 360 test images, uint8 (n, 1, 32, 32), in a fixed fair order.

    Source: sklearn.datasets.load_digits, 8 x 8 with values 0 to 16, enlarged with Pillow's bilinear filter.
    """
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    from harness.data.writing import SplitArrays

    small, labels = load_digits(return_X_y=True)
    pixels = np.round(small.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    large = np.stack([np.asarray(Image.fromarray(p).resize((32, 32), Image.Resampling.BILINEAR)) for p in pixels])
    order = np.array(fair_positions(len(labels)))
    first = 0
    for split, count in DATASETS["digits"].counts.items():
        chosen = order[first : first + count]
        yield SplitArrays(split, large[chosen, None], labels[chosen].astype(np.int64))
        first += count
