from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from simulated_scan import CPU, Simulated

from harness.data.recordings import open_scan
from harness.data.similarities import get_similarity_manifest, open_similarity
from harness.data.simulated_v1.scan import simulate
from harness.errors import DataMissing, HarnessError, WeightsDamaged
from harness.regularization.neural import recorded_similarity
from harness.regularization.neural.denoising import (
    denoised_responses,
    neuron_weights,
    response_similarity,
    single_trial_responses,
)
from harness.regularization.neural.fits import fit_once
from harness.regularization.neural.fitting import denoised_predictions
from harness.regularization.neural.recorded_similarity import (
    noise_free_correlation,
    scan_similarities,
    store_similarities,
)
from harness.regularization.neural.trials import first_trials
from harness.spec.neural import FitSpec, SimulationSpec


def test_similarity_is_the_cosine_around_the_mean_over_images() -> None:
    responses = torch.tensor([[1.0, 2], [3, 2], [2, 5], [2, 3]])
    # around the mean (2, 3): (-1, -1), (1, -1), (0, 2), (0, 0)
    half = 0.5**0.5
    expected = [[1, 0, -half, 0], [0, 1, -half, 0], [-half, -half, 1, 0], [0, 0, 0, 0]]
    assert torch.allclose(response_similarity(responses), torch.tensor(expected), atol=1e-6)


def test_neurons_are_weighted_by_reliability_and_by_how_well_they_are_predicted(simulated: Simulated) -> None:
    recording = simulated.recording
    correlation = torch.linspace(-0.5, 1, 40)
    fit = replace(simulated.fit, trial_correlation=correlation)
    weights = neuron_weights(recording, fit)
    neuron = 30
    repeated = (recording.trial_images.bincount() > 1).nonzero()[:, 0]
    trials = torch.stack([recording.responses[recording.trial_images == image, neuron] for image in repeated])
    signal_to_noise = trials.mean(dim=1).std() / trials.std(dim=1).mean()
    assert weights[neuron].item() == pytest.approx((signal_to_noise * correlation[neuron]).item(), rel=1e-4)
    assert (weights[correlation <= 0] == 0).all()
    predicted = denoised_predictions(fit.model, recording.images)
    assert torch.allclose(denoised_responses(recording, fit), weights * predicted)


def test_without_repeats_the_correlation_alone_weighs(simulated: Simulated) -> None:
    first = first_trials(simulated.recording.trial_images)
    once = replace(
        simulated.recording,
        responses=simulated.recording.responses[first],
        trial_images=simulated.recording.trial_images[first],
    )
    assert torch.equal(neuron_weights(once, simulated.fit), simulated.fit.trial_correlation.clamp_min(0))


def test_the_raw_control_takes_each_images_first_trial(simulated: Simulated) -> None:
    recording = simulated.recording
    responses = single_trial_responses(recording)
    for image in range(0, 200, 40):
        trial = (recording.trial_images == image).nonzero()[0, 0]
        assert torch.equal(responses[image], recording.responses[trial])


def test_predictive_models_recover_the_noise_free_similarity_better_than_single_trials(simulated: Simulated) -> None:
    found = noise_free_correlation(scan_similarities(simulated.recording, simulated.fit))
    assert found is not None
    assert found["neural"] > 0.4
    assert found["neural"] > found["raw"] + 0.3


def test_what_is_stored_is_the_mean_over_scans_with_images_and_scores(simulated: Simulated) -> None:
    told: list[tuple[int, int]] = []
    made = store_similarities(
        simulated.data_dir, "v1", simulated.fits, simulated.spec, CPU, lambda done, total: told.append((done, total))
    )
    assert told == [(1, 1)]
    assert made == get_similarity_manifest(simulated.data_dir, "v1")
    expected = scan_similarities(simulated.recording, simulated.fit)
    for kind in ("neural", "raw"):
        found = open_similarity(simulated.data_dir, "v1", kind)
        assert torch.equal(found.matrix, expected[kind])
        assert torch.equal(found.images, simulated.recording.images)
    assert made.generated
    assert made.noise_free_correlation == noise_free_correlation(expected)
    score = made.scans["simulated-00"]
    assert score.sha256 == simulated.recording.digest
    assert score.trial_correlation == pytest.approx(simulated.fit.trial_correlation.mean().item())
    assert simulated.fit.oracle_correlation is not None
    assert score.oracle_correlation == pytest.approx(simulated.fit.oracle_correlation.mean().item())
    assert score.weights == "signal to noise and correlation"


def test_scans_are_averaged(simulated: Simulated) -> None:
    simulate(simulated.data_dir, "two", SimulationSpec(images="digits", n_images=60, oracle_images=10, neurons=10))
    spec, expected = FitSpec(channels=2, max_epochs=1), []
    for scan in ("simulated-00", "simulated-01"):
        recording = open_scan(simulated.data_dir, "two", scan)
        fit, _ = fit_once(simulated.data_dir / "two fits", recording, spec, CPU)
        expected.append(scan_similarities(recording, fit))
    made = store_similarities(simulated.data_dir, "two", simulated.data_dir / "two fits", spec, CPU)
    for kind in ("neural", "raw"):
        matrix = open_similarity(simulated.data_dir, "two", kind).matrix
        assert torch.allclose(matrix, sum(each[kind] for each in expected) / 2, atol=1e-6)
    assert list(made.scans) == ["simulated-00", "simulated-01"]


def test_a_scan_without_a_fit_names_the_command(simulated: Simulated, tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"simulated-00 has no finished fit .* harness neural fit v1"):
        store_similarities(simulated.data_dir, "v1", tmp_path, simulated.spec, CPU)


def test_a_damaged_fit_names_the_command(simulated: Simulated, tmp_path: Path) -> None:
    [path] = simulated.fits.iterdir()
    (tmp_path / path.name).write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsDamaged, match=f"{path.name} is truncated or altered.* with: harness neural fit v1"):
        store_similarities(simulated.data_dir, "v1", tmp_path, simulated.spec, CPU)


def test_a_scan_that_answers_all_images_alike_or_at_random_is_no_target(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = replace(simulated.recording, responses=torch.ones_like(simulated.recording.responses))
    random = replace(simulated.fit, trial_correlation=-torch.ones_like(simulated.fit.trial_correlation))
    for recording, fit, why in (
        (dead, simulated.fit, "they are the same for all images"),
        (simulated.recording, random, "its predictive model predicts no neuron"),
    ):
        monkeypatch.setattr(recorded_similarity, "open_scan", lambda *_, recording=recording: recording)
        monkeypatch.setattr(recorded_similarity, "find_fit", lambda *_, fit=fit: fit)
        with pytest.raises(HarnessError, match=why):
            store_similarities(simulated.data_dir, "v1", simulated.fits, simulated.spec, CPU)
