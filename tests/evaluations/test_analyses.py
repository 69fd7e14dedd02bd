"""What is computed of data alone: bundled digits, the same corrupted, and a similarity written for the test."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from harness.data.bundled import prepare_bundled
from harness.data.grayscale import luma
from harness.data.origin import Origin
from harness.data.sets import DATASETS
from harness.data.similarities import write_similarities
from harness.data.splits import open_split
from harness.data.writing import SplitArrays, write_set
from harness.errors import DataDamaged, DataMissing
from harness.evaluations import ANALYSES, analyse
from harness.evaluations.similarity_correlation import SCATTERED, scattered
from harness.models.pixels import unit_pixels
from harness.regularization.similarity import similarity_matrix, unit_rows
from harness.spec import ANALYSIS_SPECS, CorruptionSpectraSpec, NoiseExamplesSpec, SimilaritySpec


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare_bundled(folder, "digits-c")
    return folder


def test_every_kind_of_spec_has_an_analysis_and_a_version() -> None:
    assert ANALYSES.keys() == ANALYSIS_SPECS.keys()
    assert all("version" in vars(spec) for spec in ANALYSIS_SPECS.values())


def test_corruption_spectra_are_mean_amplitudes_of_what_was_added(data_dir: Path) -> None:
    spec = CorruptionSpectraSpec(images="digits-c", severity=2, n_images=20, corruptions=("fog", "gaussian_noise"))
    result = analyse(spec, data_dir)
    clean = unit_pixels(open_split(data_dir, "digits", "test").images[:20]).numpy()
    total = len(open_split(data_dir, "digits", "test").images)
    fog = unit_pixels(open_split(data_dir, "digits-c", "fog").images[total : total + 20]).numpy()
    expected = np.fft.fftshift(np.abs(np.fft.fft2(fog - clean)).mean((0, 1)))
    np.testing.assert_allclose(result.arrays["fog"], expected, rtol=1e-4, atol=1e-4)
    radius = {number.corruption: number.value for number in result.measurements}
    line = np.arange(-16, 16)
    distances = np.round(np.hypot(line[:, None], line))
    assert radius["fog"] == pytest.approx((distances * expected).sum() / expected.sum(), rel=1e-4)
    assert radius["gaussian_noise"] > 1.5 * radius["fog"]
    assert {(number.severity, number.n) for number in result.measurements} == {(2, 20)}
    for n_images in (None, total + 1):
        every = analyse(spec.replaced(n_images=n_images, corruptions=("fog",)), data_dir)
        assert [number.n for number in every.measurements] == [total]


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_spectra_of_colors_are_means_over_channels_and_those_in_gray_are_of_luma(
    color: Literal["gray", "rgb"], tmp_path: Path
) -> None:
    images = torch.randint(256, (30, 3, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    classes, origin = list("0123456789"), Origin(kind="import", source="made up", importer="0")
    labels = np.arange(5)
    clean, fog = (
        SplitArrays("test", images[:5].numpy(), labels),
        SplitArrays("fog", images[5:].numpy(), np.tile(labels, 5)),
    )
    write_set(tmp_path, DATASETS["cifar10"], [clean], classes=classes, origin=origin)
    write_set(tmp_path, DATASETS["cifar10-c"], [fog], classes=classes, origin=origin)
    spec = CorruptionSpectraSpec(images="cifar10-c", severity=3, color=color, corruptions=("fog",))
    before, after = images[:5], images[15:20]
    if color == "gray":
        before, after = luma(before), luma(after)
    expected = np.abs(np.fft.fft2((after.numpy() - before.numpy().astype(float)) / 255)).mean((0, 1))
    np.testing.assert_allclose(analyse(spec, tmp_path).arrays["fog"], np.fft.fftshift(expected), rtol=1e-4, atol=1e-4)


def test_corrupted_images_that_are_not_in_the_order_of_the_clean_ones_are_refused(tmp_path: Path) -> None:
    prepare_bundled(tmp_path, "digits-c")
    digits = {split: open_split(tmp_path, "digits", split) for split in ("train", "test")}
    backwards = [
        SplitArrays(split, each.images.flip(0).numpy(), each.labels.flip(0).numpy()) for split, each in digits.items()
    ]
    classes, origin = list("0123456789"), Origin(kind="import", source="digits", importer="0")
    write_set(tmp_path, DATASETS["digits"], backwards, classes=classes, origin=origin, existing="replace")
    spec = CorruptionSpectraSpec(images="digits-c", severity=2, n_images=20, corruptions=("fog",))
    with pytest.raises(DataDamaged, match="does not hold the test images of digits in their order"):
        analyse(spec, tmp_path)


def test_noise_examples_are_what_models_are_tested_with(data_dir: Path) -> None:
    result = analyse(NoiseExamplesSpec(images="digits", epsilon=0.06, n_images=3), data_dir)
    clean = unit_pixels(open_split(data_dir, "digits", "test").images[:3]).numpy()
    np.testing.assert_array_equal(result.arrays["clean"], clean)
    assert result.arrays.keys() == {"clean", "gaussian", "uniform", "salt_pepper"}
    changed = (result.arrays["salt_pepper"] != clean).mean()
    assert 0.01 < changed < 0.06  # a half of what is hit is clipped back to where it was
    distances = {number.metric: number.value for number in result.measurements}
    assert 0 < distances["uniform_distance"] < distances["gaussian_distance"] < distances["salt_pepper_distance"]


def written(folder: Path, neural: torch.Tensor, images: torch.Tensor) -> None:
    """A similarity `v1` of images, that of single trials saying nothing."""
    write_similarities(
        folder,
        "v1",
        {"neural": neural, "raw": torch.eye(len(images))},
        images,
        generated=True,
        recording_digest="a" * 64,
        fit={},
        scans={},
        noise_free_correlation=None,
        importer="test",
    )


def test_the_correlation_is_over_all_pairs(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (30, 1, 36, 64), generator=generator).to(torch.uint8)
    pixel = similarity_matrix(unit_rows(images))
    neural = pixel + 0.02 * torch.randn(30, 30, generator=generator)
    neural = (neural + neural.T) / 2
    written(tmp_path, neural, images)
    result = analyse(SimilaritySpec(recording="v1", n_images=20, shown=8), tmp_path)
    own = similarity_matrix(unit_rows(images[:20]))
    pairs = torch.triu_indices(20, 20, offset=1)
    expected = np.corrcoef(own[pairs[0], pairs[1]], neural[pairs[0], pairs[1]])[0, 1]
    [correlation] = result.measurements
    assert correlation.value == pytest.approx(expected, abs=1e-5)
    assert correlation.n == 20
    np.testing.assert_array_equal(result.arrays["neural"], neural[:8, :8])
    np.testing.assert_allclose(result.arrays["pixel"], own[:8, :8], atol=1e-6)
    both = np.stack((own[pairs[0], pairs[1]], neural[pairs[0], pairs[1]]), axis=1)
    np.testing.assert_allclose(result.arrays["pairs"], both, atol=1e-6)


def test_of_more_pairs_than_are_drawn_those_from_the_first_to_the_last_are(tmp_path: Path) -> None:
    n = 250
    numbers = torch.arange(n * n).view(n, n) / n**2
    written(tmp_path, numbers, torch.randint(256, (n, 1, 4, 4), generator=torch.Generator().manual_seed(0)).byte())
    drawn = analyse(SimilaritySpec(recording="v1"), tmp_path).arrays["pairs"][:, 1]
    assert len(drawn) == SCATTERED < n * (n - 1) / 2
    assert (drawn[0], drawn[-1]) == (numbers[0, 1], numbers[-2, -1])
    assert len(np.unique(drawn)) == SCATTERED


@pytest.mark.parametrize("n_images", [3, 300, 5800])
def test_the_pairs_of_the_scatter_plot_reach_from_the_first_to_the_last(n_images: int) -> None:
    pairs = n_images * (n_images - 1) // 2  # of 5800 images more than float32 counts one by one
    places = scattered(pairs)
    assert (int(places[0]), int(places[-1])) == (0, pairs - 1)
    assert len(places) == min(pairs, SCATTERED)
    assert bool((places.diff() > 0).all())


def test_a_similarity_that_is_the_same_for_all_pairs_correlates_with_nothing(tmp_path: Path) -> None:
    written(tmp_path, torch.eye(5), torch.full((5, 1, 4, 4), 7, dtype=torch.uint8))
    [correlation] = analyse(SimilaritySpec(recording="v1"), tmp_path).measurements
    assert (correlation.value, correlation.reason) == (None, "a similarity is the same for all pairs")


def test_a_similarity_that_is_not_there_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="harness neural similarity v1"):
        analyse(SimilaritySpec(recording="v1"), tmp_path)
