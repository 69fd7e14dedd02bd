from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data.bundled import prepare_bundled
from harness.data.recordings import open_scan
from harness.data.regularization_images import regularization_images
from harness.data.simulated_v1.behaviour import draw_behaviour
from harness.data.simulated_v1.cells import EXPONENT, Cells, draw_cells
from harness.data.simulated_v1.scan import simulate, simulated_scan
from harness.errors import DataError, DataMissing
from harness.seeding import stream
from harness.spec.neural import SimulationSpec

SPEC = SimulationSpec(images="digits", n_images=60, oracle_images=20, repeats=5, scans=2, neurons=30)
SIZE = (36, 64)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare_bundled(folder, "digits")
    return folder


@pytest.fixture(scope="module")
def images(data_dir: Path) -> torch.Tensor:
    return regularization_images(data_dir, "digits", SPEC.n_images, "gray")


@pytest.fixture
def cells() -> Cells:
    return draw_cells(40, SIZE, 0.5, stream(0, "cells"))


def test_a_simulation_is_a_recording_marked_as_generated(data_dir: Path) -> None:
    told: list[tuple[int, int]] = []
    manifest = simulate(data_dir, "v1", SPEC, on_scan=lambda done, total: told.append((done, total)))
    assert manifest.generated
    assert list(manifest.scans) == ["simulated-00", "simulated-01"]
    assert {(s.neurons, s.trials, s.repeated_images) for s in manifest.scans.values()} == {(30, 60 + 20 * 4, 20)}
    assert told == [(1, 2), (2, 2)]
    first, second = (open_scan(data_dir, "v1", scan) for scan in manifest.scans)
    assert torch.equal(first.images, second.images)
    assert not torch.equal(first.noise_free, second.noise_free)  # type: ignore[arg-type]
    counts = [scan.trial_images.bincount() for scan in (first, second)]
    assert counts[0].unique().tolist() == [1, 5]
    assert torch.equal(*counts)
    assert len(first.trial_images[:60].unique()) < 60  # repeats are shown among the others
    with pytest.raises(DataError, match="--replace"):
        simulate(data_dir, "v1", SPEC)


def test_the_numbers_are_a_function_of_the_spec(images: torch.Tensor) -> None:
    first, again = (simulated_scan(images, SPEC, 0) for _ in range(2))
    other = simulated_scan(images, SPEC.replaced(seed=1), 0)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert not np.array_equal(first["responses"], other["responses"])


def test_images_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="harness data prepare digits"):
        simulate(tmp_path, "v1", SPEC)


def test_noise_free_responses_are_half_spontaneous_and_half_the_cells_drive_at_the_mean_that_was_asked_for(
    images: torch.Tensor,
) -> None:
    noise_free = simulated_scan(images, SPEC.replaced(mean_response=2.0), 0)["noise_free"]
    cells = draw_cells(SPEC.neurons, (32, 32), 2.0, stream(SPEC.seed, "simulated V1", 0, "cells"))
    drive = cells.drive(images.flatten(1) / 255)
    np.testing.assert_allclose(noise_free, cells.rate / 2 + cells.rate / 2 * drive / drive.mean(dim=0), rtol=1e-3)
    assert noise_free.mean() == pytest.approx(2, rel=1e-4)


def test_arousal_multiplies_what_all_cells_measure_and_gaze_changes_it_for_those_that_see(images: torch.Tensor) -> None:
    """With so many spikes that their noise is no matter, and black borders where some cells see nothing."""
    framed = torch.zeros(SPEC.n_images, 1, 64, 64, dtype=torch.uint8)
    framed[:, :, 16:48, 16:48] = images
    arrays = simulated_scan(framed, SPEC.replaced(neurons=120, mean_response=1e5), 0)
    blind = np.ptp(arrays["noise_free"], axis=0) == 0
    assert 5 < blind.sum() < 60
    assert arrays["noise_free"][:, blind].min() > 0
    change = np.log(arrays["responses"] / arrays["noise_free"][arrays["trial_images"]])
    gain = change[:, blind].mean(axis=1)
    assert np.corrcoef(gain, arrays["pupil_size"])[0, 1] > 0.95
    assert change[:, blind].std(axis=0).mean() == pytest.approx(0.3, abs=0.1)  # with a standard normal arousal
    known = np.stack((np.ones_like(gain), gain), axis=1)
    rest = (change - known @ np.linalg.lstsq(known, change, rcond=None)[0]).std(axis=0)
    assert rest[blind].max() < 0.02
    assert np.median(rest[~blind]) > 0.1


def test_measured_responses_are_counts_around_the_noise_free_ones(images: torch.Tensor) -> None:
    """Over many repeats, gain and gaze average out, nearly."""
    arrays = simulated_scan(images, SPEC.replaced(repeats=200, mean_response=1.0), 0)
    assert np.array_equal(arrays["responses"], arrays["responses"].round())
    repeated = np.flatnonzero(np.bincount(arrays["trial_images"]) > 1)
    means = np.stack([arrays["responses"][arrays["trial_images"] == image].mean(0) for image in repeated])
    assert np.corrcoef(means.ravel(), arrays["noise_free"][repeated].ravel())[0, 1] > 0.9
    assert means.mean() == pytest.approx(arrays["noise_free"][repeated].mean(), rel=0.1)


def test_arousal_widens_the_pupil_makes_the_mouse_run_and_scales_responses_with_mean_one() -> None:
    behaviour = draw_behaviour(20_000, stream(0, "behaviour"))
    assert torch.corrcoef(torch.stack([behaviour.arousal, behaviour.pupil_size]))[0, 1] > 0.9
    assert torch.corrcoef(torch.stack([behaviour.arousal, behaviour.running_speed]))[0, 1] > 0.7
    assert behaviour.running_speed.min() == 0
    gains = behaviour.gains(torch.tensor([0.0, 0.5]))
    assert torch.equal(gains[:, 0], torch.ones(20_000))
    assert gains[:, 1].mean().item() == pytest.approx(1, abs=0.05)
    assert torch.allclose(gains[:, 1].log(), 0.5 * behaviour.arousal - 0.125, atol=1e-5)


def test_arousal_and_gaze_change_slowly_and_as_far_as_they_should() -> None:
    behaviour = draw_behaviour(5000, stream(0, "behaviour"))
    for values, deviation, memory in (
        (behaviour.arousal, 1, 0.9),
        (behaviour.gaze[:, 0], 1.5, 0.7),
        (behaviour.gaze[:, 1], 1.5, 0.7),
    ):
        assert values.std().item() == pytest.approx(deviation, rel=0.1)
        assert torch.corrcoef(torch.stack([values[1:], values[:-1]]))[0, 1].item() == pytest.approx(memory, abs=0.03)


def test_pupil_position_tells_the_gaze() -> None:
    behaviour = draw_behaviour(500, stream(0, "behaviour"))
    centered = behaviour.pupil_position - 20
    told = centered @ torch.linalg.lstsq(centered, behaviour.gaze).solution
    assert torch.allclose(told, behaviour.gaze, atol=1e-3)


def test_cells_prefer_waves_of_about_twelve_pixels_within_a_gaussian_of_two_fifths_of_that(cells: Cells) -> None:
    even, odd = cells.even.view(-1, *SIZE), cells.odd.view(-1, *SIZE)
    power = torch.fft.fft2(odd, s=(256, 256)).abs().flatten(1)
    cycles = torch.fft.fftfreq(256)
    wavelength = 1 / torch.hypot(cycles[:, None], cycles).flatten()[power.argmax(dim=1)]
    assert 10 < wavelength.median() < 14
    down, across = (torch.arange(float(size)) for size in SIZE)
    energy = (even**2 + odd**2) / (even**2 + odd**2).sum(dim=(1, 2), keepdim=True)
    middle = energy.sum(dim=2) @ down, energy.sum(dim=1) @ across
    spread = (energy.sum(dim=2) @ down**2 - middle[0] ** 2 + energy.sum(dim=1) @ across**2 - middle[1] ** 2).sqrt()
    assert middle[0].max() > 0.7 * SIZE[0]
    assert middle[1].max() > 0.7 * SIZE[1]  # they look everywhere
    assert (spread / wavelength).median().item() == pytest.approx(0.4, abs=0.06)


def test_half_of_the_cells_are_complex_and_drive_grows_with_contrast_to_the_power_of_one_and_a_half(
    cells: Cells,
) -> None:
    images = torch.randn(20, 36 * 64, generator=stream(0, "images"))
    torch.testing.assert_close(cells.drive(4 * images), 8 * cells.drive(images))
    assert cells.complex.sum() == 20
    assert cells.rate.mean().item() == pytest.approx(0.5)


def test_filters_have_unit_length_and_ignore_uniform_images(cells: Cells) -> None:
    assert torch.allclose(torch.cat((cells.even, cells.odd)).norm(dim=1), torch.ones(80))
    assert cells.drive(torch.ones(1, 36 * 64)).max() < 1e-4


def test_a_complex_cell_does_not_see_the_sign_and_a_simple_one_is_silent_to_one(cells: Cells) -> None:
    images = torch.randn(20, 36 * 64, generator=stream(0, "images"))
    drive, inverted = cells.drive(images), cells.drive(-images)
    assert torch.allclose(drive[:, cells.complex], inverted[:, cells.complex])
    simple = ~cells.complex
    assert (drive[:, simple].minimum(inverted[:, simple]) == 0).all()


def test_a_cells_own_filter_drives_it_as_the_formula_says(cells: Cells) -> None:
    cell = int(cells.complex.nonzero()[0])
    image = 3 * cells.even[cell] + 4 * cells.odd[cell]
    even, odd = image @ cells.even[cell], image @ cells.odd[cell]
    expected = (even**2 + odd**2).sqrt() ** EXPONENT
    assert cells.drive(image[None])[0, cell].item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_gaze_moves_what_the_cells_see_and_borders_are_mirrored() -> None:
    from harness.data.simulated_v1.scan import _shifted

    image = torch.randn(1, 1, *SIZE, generator=stream(0, "image"))
    moved = _shifted(image.expand(2, -1, -1, -1), torch.tensor([[0.0, 0.0], [2.0, -3.0]]))
    assert torch.allclose(moved[0], image[0], atol=1e-5)
    mirrored = np.pad(image[0, 0], 3, mode="symmetric")
    np.testing.assert_allclose(moved[1, 0], mirrored[3 + 2 : 39 + 2, 3 - 3 : 67 - 3], atol=1e-4)


def test_a_spec_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="at most half of the 60 images"):
        SPEC.replaced(oracle_images=31)
