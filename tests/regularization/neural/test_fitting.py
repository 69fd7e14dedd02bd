from __future__ import annotations

import copy
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pretended_device import DEVICE, pretended_device
from simulated_scan import CPU, Simulated

from harness.errors import HarnessError, WeightsDamaged
from harness.regularization.neural import fits
from harness.regularization.neural.behaviour import behaviour_of
from harness.regularization.neural.fits import find_fit, fit_once
from harness.regularization.neural.fitting import fit, poisson_loss
from harness.regularization.neural.network import build_model
from harness.regularization.neural.patience import DROPS, Patience
from harness.regularization.neural.recorded_similarity import scan_similarities
from harness.regularization.neural.reliability import (
    correlations,
    find_repeats,
    off_diagonal_correlation,
    signal_to_noise,
)
from harness.regularization.neural.trials import first_trials, split_trials
from harness.seeding import stream
from harness.spec.neural import FitSpec

SHORT = FitSpec(channels=2, max_epochs=2)


def test_the_best_epoch_is_kept_and_the_rate_falls_before_the_end() -> None:
    patience = Patience(2)
    losses = [3.0, 2.0, 2.5, 1.0, 1.0, 1.0, *[2.0] * 10]
    verdicts = []
    for loss in losses:
        verdicts.append(patience.judge(loss))
        if verdicts[-1] == "stop":
            break
    expected = ["keep", "keep", "go on", "keep", "go on", "drop", "go on", "drop", "go on", "stop"]
    assert verdicts == expected
    assert verdicts.count("drop") == DROPS
    assert (patience.best_epoch, patience.best_loss, patience.epochs) == (3, 1.0, len(expected))


def test_a_loss_that_is_not_a_number_is_never_the_best() -> None:
    patience = Patience(1)
    assert [patience.judge(math.nan) for _ in range(3)] == ["drop", "drop", "stop"]
    assert patience.best_epoch == -1


def test_the_poisson_loss_is_lowest_at_the_measured_mean() -> None:
    measured = torch.tensor([[1.0], [3.0]])
    losses = {mean: poisson_loss(torch.full((2, 1), mean), measured).item() for mean in (1.5, 2.0, 2.5)}
    assert losses[2.0] == pytest.approx(2 - 2 * math.log(2), abs=1e-5)
    assert min(losses, key=lambda mean: losses[mean]) == 2.0


def test_no_image_is_in_two_parts_and_repeated_ones_are_tested_on() -> None:
    trial_images = torch.cat([torch.arange(100), torch.arange(40, 55).repeat(3)])
    parts = [set(trial_images[part].tolist()) for part in split_trials(trial_images, 0)]
    assert parts[2] == set(range(40, 55))
    assert sum(map(len, parts)) == len(set.union(*parts)) == 100
    assert len(parts[1]) == 8
    assert sum(map(len, split_trials(trial_images, 0))) == len(trial_images)


@pytest.mark.parametrize(("repeats", "tested"), [(1, 10), (3, 20)])
def test_without_repeats_a_tenth_is_tested_on_and_with_repeats_alone_a_fifth(repeats: int, tested: int) -> None:
    trial_images = torch.arange(100).repeat(repeats)
    assert len(set(trial_images[split_trials(trial_images, 0).test].tolist())) == tested


def test_which_images_are_tested_on_and_stopped_by_is_drawn_with_the_seed() -> None:
    first, again, other = (split_trials(torch.arange(100), seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.test, other.test)
    assert not torch.equal(first.validation, other.validation)


def test_a_fit_is_stopped_by_repeated_images_and_by_others() -> None:
    trial_images = torch.cat([torch.arange(100), torch.arange(50)])
    shown = trial_images[split_trials(trial_images, 0).validation].unique()
    assert 0 < (shown < 50).sum() < len(shown)


def test_the_first_trial_of_each_image_is_found() -> None:
    assert first_trials(torch.tensor([2, 0, 2, 1, 0])).tolist() == [1, 3, 0]


def test_signal_and_noise_are_those_of_the_repeats() -> None:
    """And nothing is known of a neuron without noise: it never varied, or repeated itself by chance."""
    responses = torch.tensor([[1.0, 4, 2], [3, 4, 2], [9, 9, 9], [6, 4, 5], [8, 4, 5], [10, 4, 5]])
    trial_images = torch.tensor([0, 0, 1, 2, 2, 2])
    repeats = find_repeats(responses, trial_images)
    assert repeats is not None
    assert repeats.images.tolist() == [0, 2]
    assert repeats.means.tolist() == [[2, 4, 2], [8, 4, 5]]
    assert torch.allclose(repeats.deviations, torch.tensor([[2**0.5, 0, 0], [2.0, 0, 0]]))
    signal, noise = math.sqrt(((2 - 5) ** 2 + (8 - 5) ** 2) / 1), (2**0.5 + 2) / 2
    assert signal_to_noise(repeats).tolist() == pytest.approx([signal / noise, 0, 0])
    assert find_repeats(responses, torch.arange(6)) is None


def test_correlations_are_pearsons_and_0_where_nothing_varies() -> None:
    a, b = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
    b[:, 2] = 5
    found = correlations(a, b)
    for column in range(2):
        expected = torch.corrcoef(torch.stack([a[:, column], b[:, column]]))[0, 1]
        assert found[column].item() == pytest.approx(expected.item(), abs=1e-5)
    assert found[2] == 0


def test_the_diagonal_does_not_count() -> None:
    a = torch.tensor([[9.0, 1, 2], [1, 9, 4], [2, 4, 9]])
    b = torch.tensor([[0.0, 2, 4], [2, 0, 8], [4, 8, 0]])
    assert off_diagonal_correlation(a, b) == pytest.approx(1)
    assert off_diagonal_correlation(a, -b) == pytest.approx(-1)


def test_predictions_of_trials_that_were_never_seen_correlate_with_them(simulated: Simulated) -> None:
    assert simulated.fit.trial_correlation.shape == (40,)
    assert simulated.fit.trial_correlation.mean() > 0.2
    assert simulated.fit.oracle_correlation is not None
    assert simulated.fit.oracle_correlation.mean() > 0.25
    assert 0 <= simulated.fit.best_epoch < simulated.fit.epochs <= simulated.spec.max_epochs


def test_a_fit_is_a_function_of_recording_and_spec(simulated: Simulated) -> None:
    told: list[tuple[int, int]] = []
    first = fit(simulated.recording, SHORT, CPU, lambda done, most: told.append((done, most)))
    again = fit(simulated.recording, SHORT, CPU)
    other = fit(simulated.recording, SHORT.replaced(seed=1), CPU)
    assert told == [(1, 2), (2, 2)]
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True))
    assert not torch.equal(first.model.readout.weights, other.model.readout.weights)


def test_a_fit_is_a_plain_loop_and_where_the_rate_falls_it_goes_on_from_its_best_weights(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With validation losses of which the fifth is the lowest, and batches that leave one trial over."""
    recording, spec = simulated.recording, SHORT.replaced(max_epochs=6, patience=2, batch_size=23, learning_rate=0.02)
    judge, losses = Patience.judge, [3.0, 1.0, 2.0, 2.0, 0.5, 0.9]
    monkeypatch.setattr(Patience, "judge", lambda patience, loss: judge(patience, losses[patience.epochs]))
    found = fit(recording, spec, CPU)
    assert (found.best_epoch, found.epochs) == (4, 6)

    train = split_trials(recording.trial_images, spec.seed).train
    assert len(train) % 23 == 1
    model, behaviour, best = build_model(recording, spec), behaviour_of(recording), {}
    model.start(recording, train)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for epoch in range(5):
        order = torch.randperm(len(train), generator=stream(spec.seed, "trials", recording.scan, epoch))
        for trials in train[order][:-1].split(23):
            predicted = model(recording.images[recording.trial_images[trials]], behaviour.at(trials))
            likelihood = poisson_loss(predicted, model.scaled(recording.responses[trials]))
            sparseness = model.readout.weights.abs().sum(dim=1).mean()
            model.zero_grad()
            (likelihood + 0.001 * sparseness).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if epoch == 1:
            best = copy.deepcopy(model.state_dict())
        if epoch == 3:
            model.load_state_dict(best)
            optimizer.param_groups[0]["lr"] = 0.02 * 0.3
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(found.model.state_dict()[name], tensor, msg=name)


def test_scores_are_those_of_the_test_trials_at_their_behaviour_and_of_their_images_at_the_mean(
    simulated: Simulated,
) -> None:
    """Of a recording in which all images are repeated, so that most repeats are learned from."""
    whole = simulated.recording
    recording = replace(whole, images=whole.images[:40], trial_images=whole.trial_images % 40)
    found = fit(recording, SHORT, CPU)
    test = split_trials(recording.trial_images, SHORT.seed).test
    shown, measured = recording.trial_images[test], found.model.scaled(recording.responses[test])
    predicted = found.model(recording.images[shown], behaviour_of(recording).at(test))
    torch.testing.assert_close(found.trial_correlation, correlations(predicted, measured))
    images = shown.unique()
    assert len(images) == 8
    means = torch.stack([measured[shown == image].mean(dim=0) for image in images])
    assert found.oracle_correlation is not None
    torch.testing.assert_close(found.oracle_correlation, correlations(found.model(recording.images[images]), means))


def test_the_loss_that_is_judged_is_that_of_the_model_as_it_predicts(
    simulated: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the running statistics of its normalisation, not those of the validation trials."""
    judged: list[float] = []
    judge = Patience.judge
    monkeypatch.setattr(Patience, "judge", lambda patience, loss: judged.append(loss) or judge(patience, loss))
    model = fit(simulated.recording, SHORT.replaced(max_epochs=1), CPU).model
    recording = simulated.recording
    validation = split_trials(recording.trial_images, SHORT.seed).validation
    images = recording.images[recording.trial_images[validation]]
    predicted = model(images, behaviour_of(recording).at(validation))
    expected = poisson_loss(predicted, model.scaled(recording.responses)[validation]).item()
    assert judged == [pytest.approx(expected, rel=1e-5)]


def test_another_device_fits_the_same_model(simulated: Simulated, tmp_path: Path) -> None:
    expected = fit(simulated.recording, SHORT, CPU)
    with pretended_device():
        found, made = fit_once(tmp_path, simulated.recording, SHORT, DEVICE)
        again, anew = fit_once(tmp_path, simulated.recording, SHORT, DEVICE)
        assert (made, anew) == (True, False)
        similarities = scan_similarities(simulated.recording, again)
        for name, tensor in found.model.state_dict().items():
            assert torch.equal(tensor.cpu(), expected.model.state_dict()[name])
    assert torch.equal(found.trial_correlation, expected.trial_correlation)
    assert torch.equal(similarities["neural"], scan_similarities(simulated.recording, expected)["neural"])


def test_a_recording_without_repeats_and_behaviour_is_fitted_too(simulated: Simulated) -> None:
    first = first_trials(simulated.recording.trial_images)
    bare = replace(
        simulated.recording,
        responses=simulated.recording.responses[first],
        trial_images=simulated.recording.trial_images[first],
        pupil_position=None,
        pupil_size=None,
        running_speed=None,
    )
    found = fit(bare, SHORT, CPU)
    assert found.oracle_correlation is None
    assert found.trial_correlation.isfinite().all()


def test_a_neuron_that_never_responds_and_a_mouse_that_never_runs_are_fitted_with_the_rest(
    simulated: Simulated,
) -> None:
    responses = simulated.recording.responses.clone()
    responses[:, 3] = 0
    recording = replace(simulated.recording, responses=responses, running_speed=torch.zeros(len(responses)))
    correlation = fit(recording, SHORT, CPU).trial_correlation
    assert correlation.isfinite().all()
    assert (correlation == 0).nonzero().tolist() == [[3]]


def test_a_fit_that_diverges_says_what_to_do(simulated: Simulated) -> None:
    with pytest.raises(HarnessError, match=r"simulated-00: .* not a finite number; fit with a learning rate below"):
        fit(simulated.recording, SHORT.replaced(learning_rate=1e30), CPU)


def test_a_finished_fit_is_found_and_not_repeated(simulated: Simulated) -> None:
    found, made = fit_once(simulated.fits, simulated.recording, simulated.spec, CPU)
    assert not made
    assert (found.epochs, found.best_epoch) == (simulated.fit.epochs, simulated.fit.best_epoch)
    assert torch.equal(found.trial_correlation, simulated.fit.trial_correlation)
    assert found.oracle_correlation is not None
    assert simulated.fit.oracle_correlation is not None
    assert torch.equal(found.oracle_correlation, simulated.fit.oracle_correlation)
    images = simulated.recording.images[:5]
    assert torch.equal(found.model(images), simulated.fit.model(images))
    assert find_fit(simulated.fits, simulated.recording, SHORT, CPU) is None
    assert find_fit(simulated.fits, replace(simulated.recording, digest="0"), simulated.spec, CPU) is None


def test_a_raised_version_fits_again(simulated: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit_once(tmp_path, simulated.recording, SHORT, CPU)
    monkeypatch.setattr(fits, "FIT_VERSION", fits.FIT_VERSION + 1)
    assert find_fit(tmp_path, simulated.recording, SHORT, CPU) is None
    assert fit_once(tmp_path, simulated.recording, SHORT, CPU)[1]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_fit_is_refused_and_made_again(simulated: Simulated, tmp_path: Path) -> None:
    fit_once(tmp_path, simulated.recording, SHORT, CPU)
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    damaged = path.rename(re.sub(r"\w+(?=\.safetensors)", "000000000000", str(path)))
    with pytest.raises(WeightsDamaged, match=damaged.name):
        find_fit(tmp_path, simulated.recording, SHORT, CPU)
    _, made = fit_once(tmp_path, simulated.recording, SHORT, CPU)
    assert made
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == whole
