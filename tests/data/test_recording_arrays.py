from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from few_trials import IMAGES, TRIALS, scan_arrays

from harness.data.recording_arrays import LAYOUTS, Arrays, checked_arrays, repeated_images
from harness.errors import ImportRefused


def test_a_whole_scan_is_left_as_it_is() -> None:
    arrays = scan_arrays()
    checked = checked_arrays(arrays, "a.npz")
    assert checked.keys() == arrays.keys()
    assert all(checked[name] is arrays[name] for name in arrays)


def test_large_items_come_first_so_that_every_array_is_aligned() -> None:
    sizes = [array.itemsize for array in checked_arrays(scan_arrays(), "a.npz").values()]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("name", ["pupil_position", "pupil_size", "running_speed"])
def test_behaviour_is_optional(name: str) -> None:
    arrays = scan_arrays()
    del arrays[name]
    assert name not in checked_arrays(arrays, "a.npz")


@pytest.mark.parametrize("name", ["images", "responses", "trial_images"])
def test_the_rest_is_not(name: str) -> None:
    arrays = scan_arrays()
    del arrays[name]
    with pytest.raises(ImportRefused, match=f"a.npz has no array '{name}'"):
        checked_arrays(arrays, "a.npz")


def _with(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Arrays:
    arrays = scan_arrays()
    return arrays | {name: change(arrays[name].copy())}


def _put(value: float, *place: int) -> Callable[[np.ndarray], np.ndarray]:
    def put(array: np.ndarray) -> np.ndarray:
        array[place] = value
        return array

    return put


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("responses", lambda a: a.astype(np.float64), "responses has type float64, not float32"),
        ("images", lambda a: a.astype(np.float32), "images has type float32, not uint8"),
        ("trial_images", lambda a: a.astype(np.int32), "trial_images has type int32, not int64"),
        ("images", lambda a: a[:, 0], r"images has shape \(20, 36, 64\), not \(images, 1, height, width\)"),
        ("images", lambda a: a.repeat(3, 1), r"images has shape \(20, 3, 36, 64\), where 3 should be 1$"),
        ("trial_images", lambda a: a[1:], r"trial_images has shape \(59,\), where 59 should be 60, as in responses"),
        ("pupil_position", lambda a: a[:, :1], r"pupil_position has shape \(60, 1\), where 1 should be 2"),
        ("pupil_size", lambda a: a[:-2], "pupil_size .* 58 should be 60, as in responses"),
        ("running_speed", lambda a: a[:0], r"running_speed has shape \(0,\), not \(trials\)"),
        ("responses", _put(np.nan, 4, 1), r"responses is not a finite number at \(4, 1\), and 1 times in all"),
        ("pupil_size", _put(np.inf, 7), r"pupil_size is not a finite number at \(7,\)"),
        ("responses", _put(-0.5, 2, 0), r"responses is negative at \(2, 0\); give spike counts or deconvolved"),
        ("trial_images", _put(IMAGES, 3), "trial_images has 20; images are 0 to 19"),
        ("trial_images", _put(-1, 3), "trial_images has -1; images are 0 to 19"),
        ("trial_images", lambda a: a.clip(1), "trial_images never shows image 0, and 1 in all"),
    ],
)
def test_an_array_that_is_wrong_is_named_with_what_is_wrong(
    name: str, change: Callable[[np.ndarray], np.ndarray], problem: str
) -> None:
    with pytest.raises(ImportRefused, match=f"a.npz: {problem}"):
        checked_arrays(_with(name, change), "a.npz")


def test_too_few_images_are_refused() -> None:
    arrays = scan_arrays() | {"trial_images": np.arange(TRIALS) % 5}
    with pytest.raises(ImportRefused, match="images has 5 images; a fit needs at least 20"):
        checked_arrays(arrays | {"images": arrays["images"][:5]}, "a.npz")


def test_repeats_of_too_few_images_are_refused() -> None:
    arrays = {name: array[:23] if name != "images" else array for name, array in scan_arrays().items()}
    arrays["trial_images"] = np.arange(23) % IMAGES
    with pytest.raises(ImportRefused, match="shows only 3 images more than once"):
        checked_arrays(arrays, "a.npz")
    once = {name: array[:IMAGES] for name, array in arrays.items()}
    assert repeated_images(checked_arrays(once, "a.npz")["trial_images"]) == 0


def test_an_unknown_array_is_refused() -> None:
    with pytest.raises(ImportRefused, match="array 'runing' does not belong there; known: images"):
        checked_arrays(scan_arrays() | {"runing": np.zeros(TRIALS)}, "a.npz")


def test_only_simulations_know_the_noise_free_responses() -> None:
    arrays = scan_arrays() | {"noise_free": np.ones((IMAGES, 3), np.float32)}
    assert set(checked_arrays(arrays, "simulated", simulated=True)) == set(LAYOUTS)
    with pytest.raises(ImportRefused, match="only simulations have it"):
        checked_arrays(arrays, "a.npz")
