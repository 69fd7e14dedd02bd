"""What all corruptions have in common, and the sets made with them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from harness.data.corruptions import BLOCK, CORRUPTIONS, corrupt, corrupted
from harness.data.corruptions.draws import Draws
from harness.data.origin import Origin
from harness.data.sets import DATASETS, FREQUENCY
from harness.data.splits import open_split
from harness.data.writing import SplitArrays, write_set
from harness.errors import DataError, DataMissing, UnknownName

NOISES = ("gaussian_noise", "shot_noise", "impulse_noise")  # drawn in the images' order
# Their published constants trade one effect for another: more severe is not further away.
TRADING = ("glass_blur", "frost", "elastic_transform")
# Mean absolute change of the photographs' pixels by severity, which must stay: stored accuracies belong to it.
CHANGES = {
    "gaussian_noise": (7.574, 11.097, 14.577, 16.262, 17.947),
    "shot_noise": (5.120, 7.099, 11.000, 12.496, 15.163),
    "impulse_noise": (1.273, 2.548, 3.869, 6.278, 8.665),
    "defocus_blur": (1.099, 2.318, 3.324, 4.431, 5.857),
    "glass_blur": (6.272, 6.489, 6.555, 9.981, 9.554),
    "motion_blur": (3.795, 5.801, 7.297, 7.114, 8.292),
    "zoom_blur": (5.036, 5.933, 6.927, 7.888, 8.803),
    "snow": (10.107, 21.591, 23.853, 32.248, 47.060),
    "frost": (21.929, 33.046, 41.776, 33.925, 34.985),
    "fog": (13.806, 26.052, 31.269, 35.416, 44.252),
    "brightness": (8.128, 15.996, 23.136, 29.747, 41.680),
    "contrast": (8.176, 16.324, 19.599, 22.857, 27.757),
    "elastic_transform": (12.394, 11.873, 9.299, 8.928, 7.875),
    "pixelate": (1.050, 1.959, 2.448, 3.639, 5.065),
    "jpeg_compression": (4.391, 5.361, 5.667, 6.012, 6.463),
}
# In flat areas the last bit of a sum, which versions of scipy add differently, decides where a pixel is cut off.
TOLERANCES = {"defocus_blur": 1.2e-2}
ORIGIN = Origin(kind="import", source="made up", importer="0")


# Of `make_cifar_c.py`, which gives the elastic ones as parts of an image of 32 pixels.
PUBLISHED = {
    "gaussian_noise": (0.04, 0.06, 0.08, 0.09, 0.10),
    "shot_noise": (500, 250, 100, 75, 50),
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.07),
    "defocus_blur": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    "glass_blur": ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2)),
    "motion_blur": ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    "zoom_blur": (1.06, 1.11, 1.16, 1.21, 1.26),
    "snow": (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
    "frost": ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    "fog": ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)),
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "elastic_transform": (
        (32 * 0, 32 * 0, 32 * 0.08),
        (32 * 0.05, 32 * 0.2, 32 * 0.07),
        (32 * 0.08, 32 * 0.06, 32 * 0.06),
        (32 * 0.1, 32 * 0.04, 32 * 0.05),
        (32 * 0.1, 32 * 0.03, 32 * 0.03),
    ),
    "pixelate": (0.95, 0.9, 0.85, 0.75, 0.65),
    "jpeg_compression": (80, 65, 58, 50, 40),
}


def distance(found: np.ndarray, images: np.ndarray) -> float:
    return float(np.abs(found.astype(float) - images).mean())


def test_the_table_has_the_fifteen_corruptions_with_the_published_constants() -> None:
    assert tuple(CORRUPTIONS) == tuple(PUBLISHED) == tuple(FREQUENCY)
    for name, row in CORRUPTIONS.items():
        assert len(row.constants) == 5
        np.testing.assert_allclose(row.constants, PUBLISHED[name], err_msg=name)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_corruption_is_repeatable_and_grows_with_severity(
    name: str, channels: int, photographs: np.ndarray
) -> None:
    images = photographs[:, :channels]
    original = images.copy()
    distances = []
    for severity in range(1, 6):
        found = corrupted(images, name, severity)
        assert (found.shape, found.dtype) == (images.shape, np.uint8)
        np.testing.assert_array_equal(found, corrupted(images, name, severity))
        distances.append(distance(found, images))
    np.testing.assert_array_equal(images, original)
    assert min(distances) > 0
    if channels == 3:
        assert distances == pytest.approx(CHANGES[name], rel=TOLERANCES.get(name, 5e-3))
    if name not in TRADING:
        assert distances[-1] > 1.2 * distances[0]
        # angles are drawn anew for each severity, and motion blur's third and fourth differ in the kernel's tail alone
        assert all(after > 0.95 * before for before, after in pairwise(distances))


@pytest.mark.parametrize("size", [(28, 28), (20, 33)])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_images_may_have_any_size(name: str, size: tuple[int, int], photographs: np.ndarray) -> None:
    images = np.concatenate((photographs[:4], photographs[4:8]), axis=3)[..., : size[0], : size[1]]
    found = corrupted(images, name, 3)
    assert found.shape == images.shape
    assert 0 < distance(found, images) < 80


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in NOISES])
def test_what_an_image_becomes_does_not_depend_on_the_others(name: str, photographs: np.ndarray) -> None:
    found = corrupted(photographs[:6], name, 4)
    np.testing.assert_array_equal(corrupted(photographs[:4], name, 4), found[:4])
    many = np.tile(photographs, (17, 1, 1, 1))  # more than one block
    of_many, row, path = corrupted(many, name, 4), CORRUPTIONS[name], ("corruption", name, 4)
    np.testing.assert_array_equal(of_many[:6], found)
    later = row.apply(many[BLOCK:], row.constants[3], Draws(len(many) - BLOCK, path, BLOCK))
    np.testing.assert_array_equal(of_many[BLOCK:], later)
    others = photographs[6:12].copy()
    others[2] = photographs[2]
    np.testing.assert_array_equal(corrupted(others, name, 4)[2], found[2])


@pytest.mark.parametrize("name", NOISES)
def test_no_two_images_get_the_same_noise(name: str) -> None:
    found = corrupted(np.full((BLOCK + 10, 1, 16, 16), 128, np.uint8), name, 5)
    assert len(np.unique(found, axis=0)) == BLOCK + 10


@pytest.mark.parametrize("name", ["glass_blur", "motion_blur", "snow", "frost", "fog", "elastic_transform"])
def test_two_images_are_corrupted_differently(name: str, photographs: np.ndarray) -> None:
    found = corrupted(np.repeat(photographs[:1], 2, axis=0), name, 3)
    assert distance(found[0], found[1]) > 0.5


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in (*NOISES, "frost", "jpeg_compression")])
def test_gray_images_are_corrupted_as_gray_ones_in_color(name: str, gray: np.ndarray) -> None:
    found = corrupted(np.repeat(gray, 3, axis=1), name, 2).astype(int)
    assert np.abs(found - corrupted(gray, name, 2)).max() <= 1  # fractions are cut


def test_corruptions_fall_into_the_papers_frequency_groups(photographs: np.ndarray) -> None:
    waves = np.fft.fftfreq(32)
    radius = np.hypot(waves[:, None], waves)
    groups: dict[str, list[float]] = {"low": [], "medium": [], "high": []}
    for name in CORRUPTIONS:
        change = corrupted(photographs, name, 3) / 255 - photographs / 255
        power = np.abs(np.fft.fft2(change)).mean(axis=(0, 1))
        groups[FREQUENCY[name]].append(float((power * radius).sum() / power.sum()))
    low, medium, high = (np.mean(group) for group in groups.values())
    assert low + 0.04 < medium
    assert medium + 0.04 < high
    assert min(groups["high"]) > max(groups["low"])


def test_an_unknown_corruption_is_refused_with_the_nearest_one(gray: np.ndarray) -> None:
    with pytest.raises(UnknownName, match="gaussian_noise"):
        corrupted(gray, "gausian_noise", 1)


def test_a_corrupted_set_needs_its_clean_set_and_a_place_in_the_table(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="harness data prepare cifar10"):
        corrupt(tmp_path, "cifar10")
    with pytest.raises(DataError, match="imagenet is a regularization set; only sets with classes and test images"):
        corrupt(tmp_path, "imagenet")
    with pytest.raises(DataError, match="mnist-c is a corruption set"):
        corrupt(tmp_path, "mnist-c")
    with pytest.raises(UnknownName):
        corrupt(tmp_path, "cifar11")


def test_severities_are_stacked_and_progress_reaches_the_end(tmp_path: Path, gray: np.ndarray) -> None:
    images, labels = gray[:6], np.arange(6)
    split = SplitArrays("test", images, labels)
    write_set(tmp_path, DATASETS["digits"], [split], classes=list("0123456789"), origin=ORIGIN)
    told: list[tuple[int, int]] = []
    manifest = corrupt(tmp_path, "digits", on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (15 * 5 * 6, 15 * 5 * 6)
    assert manifest.origin.kind == "generated"
    assert "frost drawn" in manifest.origin.source
    found = open_split(tmp_path, "digits-c", "pixelate")
    np.testing.assert_array_equal(found.images[4 * 6 :].numpy(), corrupted(images, "pixelate", 5))
    np.testing.assert_array_equal(found.labels.numpy(), np.tile(labels, 5))
    with pytest.raises(DataError, match="--replace"):
        corrupt(tmp_path, "digits")


@pytest.mark.parametrize(("name", "size"), [("cifar10", 32), ("mnist", 28), ("fashionmnist", 28)])
def test_any_test_set_gets_all_fifteen_marked_as_generated(
    tmp_path: Path, photographs: np.ndarray, name: str, size: int
) -> None:
    images = photographs[:3, : 3 if size == 32 else 1, :size, :size]
    arrays = SplitArrays("test", np.ascontiguousarray(images), np.arange(3))
    write_set(tmp_path, DATASETS[name], [arrays], classes=list("0123456789"), origin=ORIGIN)
    manifest = corrupt(tmp_path, name)
    assert manifest.origin.generated
    assert tuple(manifest.splits) == tuple(FREQUENCY)
    for split in FREQUENCY:
        found = open_split(tmp_path, f"{name}-c", split)
        assert found.images.shape == (15, *images.shape[1:])


def test_a_corrupted_set_that_lacks_some_corruptions_says_so(tmp_path: Path, photographs: np.ndarray) -> None:
    arrays = SplitArrays("contrast", photographs[:5], np.arange(5))
    generated = ORIGIN.model_copy(update={"kind": "generated"})
    write_set(tmp_path, DATASETS["cifar10-c"], [arrays], classes=list("0123456789"), origin=generated)
    with pytest.raises(DataMissing, match=r"\(generated\) has no snow; bring the whole set with: harness data prepare"):
        open_split(tmp_path, "cifar10-c", "snow")
