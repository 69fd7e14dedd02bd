from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.data.frequencies import radii
from harness.evaluations import evaluate
from harness.evaluations.spectrum import power_spectra


def wave(across: int, down: int, size: int = 16) -> torch.Tensor:
    """A cosine of that many cycles per image, (1, 1, size, size)."""
    line = torch.arange(size) / size * 2 * torch.pi
    return torch.cos(across * line[None, :] + down * line[:, None])[None, None]


def test_the_power_of_a_wave_lies_at_its_frequency() -> None:
    [power] = power_spectra(wave(3, 0))
    places = [tuple(place) for place in (power > 1e-6).nonzero().tolist()]
    assert places == [(8, 5), (8, 11)]  # three to both sides of the middle
    assert radii(16, 16)[8, 5] == radii(16, 16)[8, 11] == 3


def test_the_mean_power_is_the_mean_square() -> None:
    images = torch.randn(4, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(power_spectra(images).mean((1, 2)), images.square().mean((1, 2, 3)))


def test_a_spectrum_is_that_of_the_perturbations_beside_it(setting, network, spec_of) -> None:
    result = evaluate(network, setting, spec_of("spectrum"))
    perturbations = result.arrays["perturbations"].astype(np.float64)
    expected = np.abs(np.fft.fft2(perturbations, norm="ortho")) ** 2
    np.testing.assert_allclose(result.arrays["power"], np.fft.fftshift(expected.mean((0, 1))), rtol=1e-4, atol=1e-12)
    of_mean = np.abs(np.fft.fft2(perturbations.mean(0), norm="ortho")) ** 2
    np.testing.assert_allclose(result.arrays["power_of_mean"], np.fft.fftshift(of_mean.mean(0)), rtol=1e-3, atol=1e-12)
    assert {array.dtype for array in result.arrays.values()} == {np.dtype(np.float32)}
    by_radius = {number.radius: number.value for number in result.measurements if number.metric == "power"}
    distances = radii(8, 8)
    for radius, value in by_radius.items():
        assert value == pytest.approx(result.arrays["power"][distances == radius].mean(), rel=1e-4)
    assert by_radius.keys() == set(range(distances.max() + 1))


def test_the_distances_are_those_of_the_perturbations(setting, network, spec_of) -> None:
    result = evaluate(network, setting, spec_of("spectrum"))
    found = [row.distance for row in result.images if row.distance is not None]
    assert {row.repeat for row in result.images} == {0}
    np.testing.assert_allclose((result.arrays["perturbations"] ** 2).mean((1, 2, 3)), found, rtol=1e-4)
    [score] = [number for number in result.measurements if number.metric == "score"]
    assert score.value == pytest.approx(np.median(found))


def test_images_without_a_start_are_in_no_spectrum_and_are_counted(setting, plane, spec_of) -> None:
    result = evaluate(plane(torch.ones(64), 15.0), setting, spec_of("spectrum"))  # noise is class 0, as bright images
    [score] = [number for number in result.measurements if number.metric == "score"]
    assert 0 < score.n_failed < 60
    assert len(result.arrays["perturbations"]) == score.n == 60 - score.n_failed
    assert {number.n for number in result.measurements if number.metric == "power"} == {score.n}


def test_a_model_that_cannot_be_attacked_has_no_spectrum_and_says_so(setting, constant, spec_of) -> None:
    result = evaluate(constant([0.0, 1.0]), setting, spec_of("spectrum"))
    assert result.arrays == {}
    [score] = [number for number in result.measurements if number.metric == "score"]
    assert (score.value, score.n, score.n_failed) == (None, 0, 60)
    assert score.reason is not None
