from __future__ import annotations

import colorsys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.arrays import open_split
from harness.data.corruptions import CORRUPTIONS, corrupt, corrupted
from harness.data.manifest import Origin
from harness.data.sets import FREQUENCY, GENERATED_CORRUPTIONS
from harness.data.writing import SplitArrays, write_set
from harness.errors import DataError, DataMissing, UnknownName
from harness.seeding import stream


def smooth_images(n: int = 8, channels: int = 3) -> np.ndarray:
    """Random blotches, as photographs have them."""
    coarse = np.random.default_rng(0).integers(0, 256, (n * channels, 6, 6), dtype=np.uint8)
    large = [np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC)) for image in coarse]
    return np.stack(large).reshape(n, channels, 32, 32)


def flat_images(value: int) -> np.ndarray:
    return np.full((40, 3, 32, 32), value, np.uint8)


def test_the_table_has_the_corruptions_that_the_sets_promise() -> None:
    assert tuple(CORRUPTIONS) == GENERATED_CORRUPTIONS
    assert all(row.frequency == FREQUENCY[name] and len(row.constants) == 5 for name, row in CORRUPTIONS.items())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_corruption_is_repeatable_keeps_the_shape_and_grows_with_severity(name: str, channels: int) -> None:
    images = smooth_images(channels=channels)
    distances = []
    for severity in range(1, 6):
        found = corrupted(images, name, severity)
        assert (found.shape, found.dtype) == (images.shape, np.uint8)
        np.testing.assert_array_equal(found, corrupted(images, name, severity))
        distances.append(np.abs(found.astype(float) - images).mean())
    assert distances == sorted(distances)
    assert distances[0] > 0


@pytest.mark.parametrize(("severity", "deviation"), [(1, 0.04), (5, 0.10)])
def test_gaussian_noise_has_the_published_deviation(severity: int, deviation: float) -> None:
    noise = corrupted(flat_images(128), "gaussian_noise", severity) / 255 - 128 / 255
    assert noise.std() == pytest.approx(deviation, rel=0.01)


def test_shot_noise_is_poisson_with_the_published_number_of_photons() -> None:
    counts = corrupted(flat_images(102), "shot_noise", 5) / 255  # 50 photons at full brightness, 20 here
    assert counts.mean() == pytest.approx(0.4, abs=0.003)
    assert counts.std() == pytest.approx(np.sqrt(20) / 50, rel=0.01)


def test_impulse_noise_hits_the_published_share_half_of_it_white() -> None:
    found = corrupted(flat_images(100), "impulse_noise", 5)
    assert (found != 100).mean() == pytest.approx(0.07, abs=0.003)
    assert (found == 255).sum() / (found != 100).sum() == pytest.approx(0.5, abs=0.02)
    assert set(np.unique(found)) == {0, 100, 255}


def test_brightness_adds_to_the_value_of_hsv() -> None:
    images = smooth_images(2)
    images[0, :, 0, 0] = 0
    found = corrupted(images, "brightness", 4)
    for image, mine in zip(images, found, strict=True):
        for y, x in np.ndindex(32, 32):
            hue, saturation, value = colorsys.rgb_to_hsv(*(image[:, y, x] / 255))
            expected = np.array(colorsys.hsv_to_rgb(hue, saturation, min(value + 0.2, 1))) * 255
            assert np.abs(mine[:, y, x] - expected).max() <= 1 + 1e-9


def test_contrast_pulls_each_channel_towards_its_own_mean() -> None:
    images = smooth_images()
    means = images.mean(axis=(2, 3), keepdims=True)
    expected = np.clip((images - means) * 0.4 + means, 0, 255)
    assert np.abs(corrupted(images, "contrast", 3) - expected).max() <= 1


def test_defocus_blur_keeps_flat_images_and_spreads_a_point_evenly() -> None:
    flat = corrupted(flat_images(100), "defocus_blur", 5).astype(int)
    assert np.abs(flat - 100).max() <= 1
    point = np.zeros((1, 1, 32, 32), np.uint8)
    point[0, 0, 16, 16] = 255
    spread = corrupted(point, "defocus_blur", 5)[0, 0].astype(int)
    np.testing.assert_array_equal(spread[14:19, 14:19], spread[14:19, 14:19].T)
    assert (spread > 0).sum() == 9  # a disk of radius 1.5, hardly softened
    assert np.ptp(spread[15:18, 15:18]) == 0


def test_pixelate_and_jpeg_are_pillows() -> None:
    images = smooth_images(3)
    box = Image.Resampling.BOX
    for image, pixelated, jpeg in zip(
        images, corrupted(images, "pixelate", 5), corrupted(images, "jpeg_compression", 2), strict=True
    ):
        picture = Image.fromarray(image.transpose(1, 2, 0))
        expected = np.asarray(picture.resize((20, 20), box).resize((32, 32), box))
        np.testing.assert_array_equal(pixelated.transpose(1, 2, 0), expected)
        file = BytesIO()
        picture.save(file, "JPEG", quality=65)
        np.testing.assert_array_equal(jpeg.transpose(1, 2, 0), np.asarray(Image.open(file)))


def test_pixels_that_no_corruption_touches_come_back_exactly() -> None:
    every_value = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    noiseless = CORRUPTIONS["gaussian_noise"].apply(every_value, 0.0, stream(0, "test"))
    np.testing.assert_array_equal(noiseless, every_value)


def test_an_unknown_corruption_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="gaussian_noise"):
        corrupted(smooth_images(), "gausian_noise", 1)


def test_a_corrupted_set_needs_its_clean_set_and_a_place_in_the_table(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="harness data prepare cifar10"):
        corrupt(tmp_path, "cifar10")
    with pytest.raises(DataError, match="mnist has no corrupted twin"):
        corrupt(tmp_path, "mnist")
    with pytest.raises(UnknownName):
        corrupt(tmp_path, "cifar11")


def test_severities_are_stacked_and_progress_reaches_the_end(tmp_path: Path) -> None:
    images, labels = smooth_images(6, channels=1), np.arange(6)
    origin = Origin(kind="import", source="made up", importer="0")
    write_set(tmp_path, "digits", [SplitArrays("test", images, labels)], classes=list("0123456789"), origin=origin)
    told: list[tuple[int, int]] = []
    manifest = corrupt(tmp_path, "digits", on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (8 * 5 * 6, 8 * 5 * 6)
    assert manifest.origin.kind == "generated"
    found = open_split(tmp_path, "digits-c", "pixelate")
    np.testing.assert_array_equal(found.images[4 * 6 :].numpy(), corrupted(images, "pixelate", 5))
    np.testing.assert_array_equal(found.labels.numpy(), np.tile(labels, 5))
    with pytest.raises(DataError, match="--replace"):
        corrupt(tmp_path, "digits")


def test_corrupted_cifar_made_here_has_what_can_be_made_and_says_what_it_lacks(tmp_path: Path) -> None:
    origin = Origin(kind="import", source="made up", importer="0")
    arrays = SplitArrays("test", smooth_images(4), np.arange(4))
    write_set(tmp_path, "cifar10", [arrays], classes=list("0123456789"), origin=origin)
    assert tuple(corrupt(tmp_path, "cifar10").splits) == GENERATED_CORRUPTIONS
    assert open_split(tmp_path, "cifar10-c", "contrast").generated
    with pytest.raises(DataMissing, match=r"\(generated\) has no snow; bring the whole set with: harness data prepare"):
        open_split(tmp_path, "cifar10-c", "snow")
