"""The arrays of a scan, and what each must be. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import ImportRefused
from harness.spec.neural import LEAST_IMAGES, LEAST_REPEATED

Arrays = dict[str, NDArray[Any]]


class Layout(NamedTuple):
    """What an array must be."""

    dtype: str
    shape: tuple[str | int, ...]
    """A word is a length that all arrays with that word share."""
    optional: bool = False


LAYOUTS: Mapping[str, Layout] = {
    "images": Layout("uint8", ("images", 1, "height", "width")),
    "responses": Layout("float32", ("trials", "neurons")),
    "trial_images": Layout("int64", ("trials",)),
    "pupil_position": Layout("float32", ("trials", 2), optional=True),
    "pupil_size": Layout("float32", ("trials",), optional=True),
    "running_speed": Layout("float32", ("trials",), optional=True),
    "noise_free": Layout("float32", ("images", "neurons"), optional=True),
}


def checked_arrays(arrays: Arrays, where: str, *, simulated: bool = False) -> Arrays:
    """The arrays of a scan, as they are, in the order in which they are stored.

    where: what the scan was read from, for errors.
    simulated: the scan may have `noise_free`.

    Raises:
        ImportRefused: names `where`, the array and what is wrong with it.
    """
    for name in arrays:
        if name not in LAYOUTS or (name == "noise_free" and not simulated):
            why = "only simulations have it" if name in LAYOUTS else f"known: {', '.join(LAYOUTS)}"
            raise ImportRefused(f"{where}: array {name!r} does not belong there; {why}")
    lengths: dict[str, tuple[int, str]] = {}
    for name, layout in LAYOUTS.items():
        if name in arrays:
            _check_layout(where, name, arrays[name], lengths)
            _check_numbers(where, name, arrays[name])
        elif not layout.optional:
            raise ImportRefused(f"{where} has no array {name!r}")
    _check_trials(where, arrays["trial_images"], len(arrays["images"]))
    # large items first, so that every array starts at a multiple of its items' size
    ordered = sorted((name for name in LAYOUTS if name in arrays), key=lambda name: -arrays[name].itemsize)
    return {name: arrays[name] for name in ordered}


def repeated_images(trial_images: NDArray[np.int64]) -> int:
    """How many images were shown more than once."""
    return int((np.bincount(trial_images) > 1).sum())


def _check_layout(where: str, name: str, array: NDArray[Any], lengths: dict[str, tuple[int, str]]) -> None:
    """Type and shape; `lengths` collects what each word of the layouts stands for, and in which array."""
    layout = LAYOUTS[name]
    if array.dtype != np.dtype(layout.dtype):
        raise ImportRefused(f"{where}: {name} has type {array.dtype}, not {layout.dtype}")
    if array.ndim != len(layout.shape) or 0 in array.shape:
        raise ImportRefused(f"{where}: {name} has shape {array.shape}, not ({', '.join(map(str, layout.shape))})")
    for length, wanted in zip(array.shape, layout.shape, strict=True):
        if isinstance(wanted, int):
            expected, source = wanted, "always"
        else:
            expected, source = lengths.setdefault(wanted, (length, name))
        if length != expected:
            as_in = "" if source == "always" else f", as in {source}"
            raise ImportRefused(f"{where}: {name} has shape {array.shape}, where {length} should be {expected}{as_in}")


def _check_numbers(where: str, name: str, array: NDArray[Any]) -> None:
    if array.dtype.kind != "f":
        return
    wrong = ~np.isfinite(array)
    if wrong.any():
        first = tuple(map(int, np.argwhere(wrong)[0]))
        raise ImportRefused(f"{where}: {name} is not a finite number at {first}, and {int(wrong.sum())} times in all")
    if name == "responses" and array.min() < 0:
        first = tuple(map(int, np.argwhere(array < 0)[0]))
        raise ImportRefused(
            f"{where}: {name} is negative at {first}; give spike counts or deconvolved activity, not standardised"
        )


def _check_trials(where: str, trial_images: NDArray[np.int64], images: int) -> None:
    low, high = int(trial_images.min()), int(trial_images.max())
    if low < 0 or high >= images:
        raise ImportRefused(f"{where}: trial_images has {low if low < 0 else high}; images are 0 to {images - 1}")
    if images < LEAST_IMAGES:
        raise ImportRefused(f"{where}: images has {images} images; a fit needs at least {LEAST_IMAGES}")
    shown = np.bincount(trial_images, minlength=images)
    if not shown.all():
        raise ImportRefused(
            f"{where}: trial_images never shows image {int(shown.argmin())}, and {int((shown == 0).sum())} in all; "
            "leave out images without a trial"
        )
    repeated = repeated_images(trial_images)
    if 0 < repeated < LEAST_REPEATED:
        raise ImportRefused(
            f"{where}: trial_images shows only {repeated} images more than once; signal and noise cannot be told "
            f"apart by fewer than {LEAST_REPEATED}: keep one trial of each, or give more repeats"
        )
