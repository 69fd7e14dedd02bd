from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from simulated_scan import Simulated
from torch.nn import functional as F

from harness.regularization.neural.behaviour import Behaviour, Modulator, Shifter, behaviour_of
from harness.regularization.neural.core import Core
from harness.regularization.neural.network import build_model
from harness.regularization.neural.places import places_of
from harness.regularization.neural.readout import Readout, sampled
from harness.seeding import stream
from harness.spec.neural import FitSpec

GENERATOR = stream(0, "test")


def by_hand(image: torch.Tensor, x: float, y: float) -> float:
    """Bilinear interpolation of one map (h, w); -1 and 1 are the outer edges of its pixels."""
    height, width = image.shape
    column = min(max((x + 1) / 2 * width - 0.5, 0), width - 1)
    row = min(max((y + 1) / 2 * height - 0.5, 0), height - 1)
    left, top = int(column), int(row)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    across, down = column - left, row - top
    upper = (1 - across) * image[top, left] + across * image[top, right]
    lower = (1 - across) * image[bottom, left] + across * image[bottom, right]
    return float((1 - down) * upper + down * lower)


def test_maps_are_sampled_between_their_pixels_as_by_hand() -> None:
    maps = torch.randn(2, 3, 5, 7, generator=GENERATOR)
    places = torch.tensor([[0.0, 0.0], [-0.31, 0.74], [0.99, -1.0], [1.4, 0.2]])
    seen = sampled(maps, places.expand(2, -1, -1))
    assert seen.shape == (2, 3, 4)
    for n in range(2):
        for feature in range(3):
            for neuron, (x, y) in enumerate(places.tolist()):
                assert seen[n, feature, neuron].item() == pytest.approx(by_hand(maps[n, feature], x, y), abs=1e-5)


def test_a_readout_weighs_the_maps_at_its_place_and_starts_at_the_mean_response() -> None:
    maps = torch.randn(2, 3, 5, 7, generator=GENERATOR)
    readout = Readout(3, 2)
    places, means = torch.tensor([[0.2, -0.3], [-0.5, 0.1]]), torch.tensor([0.4, 2.5])
    readout.start(places, means)
    shift = torch.tensor([[0.0, 0.0], [0.1, -0.2]])
    drive = readout(maps, shift)
    for n in range(2):
        for neuron in range(2):
            x, y = (places[neuron] + shift[n]).tolist()
            features = torch.tensor([by_hand(maps[n, feature], x, y) for feature in range(3)])
            expected = features @ readout.weights[neuron] + readout.biases[neuron]
            assert drive[n, neuron].item() == pytest.approx(expected.item(), abs=1e-5)
    assert torch.allclose(F.elu(readout.biases) + 1, means)


def test_every_layer_of_the_core_sees_all_layers_before_it() -> None:
    core = Core(4)
    assert [tuple(convolution.weight.shape) for convolution in core.convolutions] == [
        (4, 1, 9, 9),
        (4, 4, 5, 5),
        (4, 8, 5, 5),
    ]
    images = torch.randn(2, 1, 36, 64, generator=GENERATOR)
    maps = core(images)
    assert maps.shape == (2, 12, 18, 32)
    for layer, seen in enumerate((images, maps[:, :4], maps[:, :8])):
        found = maps[:, 4 * layer : 4 * layer + 4]
        drive = core.convolutions[layer](seen)
        centered = drive - drive.mean(dim=(0, 2, 3), keepdim=True)
        unit = centered / (drive.var(dim=(0, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
        assert torch.allclose(found, torch.where(unit > 0, unit, unit.exp() - 1), atol=1e-4)  # BatchNorm and ELU


def test_the_shifter_moves_nothing_at_the_mean_and_opposite_ways_on_its_two_sides() -> None:
    shifter = Shifter()
    assert shifter.hidden.weight.shape == (5, 2)  # as many units as Sinz et al. 2018 have
    positions = torch.randn(10, 2, generator=GENERATOR)
    assert torch.equal(shifter(torch.zeros(1, 2)), torch.zeros(1, 2))
    assert torch.allclose(shifter(positions), -shifter(-positions), atol=1e-6)
    assert (shifter(100 * positions).abs() < 1).all()


def test_the_modulator_multiplies_by_one_at_the_mean_and_at_the_start() -> None:
    modulator = Modulator(2, 5)
    assert modulator.hidden.weight.shape == (5, 2)
    states = torch.randn(10, 2, generator=GENERATOR)
    assert torch.equal(modulator(states), torch.ones(10, 5))
    torch.nn.init.normal_(modulator.logarithm.weight)
    assert torch.equal(modulator(torch.zeros(1, 2)), torch.ones(1, 5))
    gains = modulator(states)
    assert (gains > 0).all()
    assert torch.allclose(gains * modulator(-states), torch.ones(10, 5), atol=1e-5)
    most = modulator.logarithm.weight.abs().sum(dim=1).exp()
    assert (modulator(1000 * states) <= 1.001 * most).all()


def test_behaviour_moves_and_scales_predictions_and_its_mean_does_not(simulated: Simulated) -> None:
    model, recording = simulated.fit.model, simulated.recording
    images = recording.images[:4]
    behaviour = behaviour_of(recording).at(torch.arange(4))
    plain = model(images)
    maps = model.core(model.pixels(images.float()))
    drive = model.readout(maps, torch.zeros(4, 2))
    assert torch.allclose(plain, torch.where(drive > 0, drive + 1, drive.exp()), atol=1e-6)  # ELU + 1
    assert model.position is not None
    assert model.state is not None
    mean = Behaviour(model.position.mean.expand(4, 2), model.state.mean.expand(4, 2))
    assert torch.allclose(model(images, mean), plain, atol=1e-6)
    moved, scaled = behaviour._replace(state=mean.state), behaviour._replace(pupil_position=mean.pupil_position)
    gain = model.modulator(model.state(behaviour.state))  # type: ignore[misc]
    assert torch.allclose(model(images, scaled), plain * gain, atol=1e-5)
    assert not torch.allclose(gain, torch.ones(4, 40), atol=1e-3)
    shift = model.shifter(model.position(behaviour.pupil_position))  # type: ignore[misc]
    assert torch.allclose(model(images, moved), F.elu(model.readout(maps, shift)) + 1, atol=1e-6)
    assert not torch.allclose(model(images, moved), plain, atol=1e-3)
    assert (plain > 0).all()


@pytest.mark.parametrize(
    ("absent", "shifts", "states"),
    [
        (("pupil_position",), False, 2),
        (("pupil_size",), True, 1),
        (("pupil_size", "running_speed"), True, 0),
        (("pupil_position", "pupil_size", "running_speed"), False, 0),
    ],
)
def test_what_was_not_recorded_needs_no_part_of_the_model(
    simulated: Simulated, absent: tuple[str, ...], shifts: bool, states: int
) -> None:
    recording = replace(simulated.recording, **dict.fromkeys(absent))
    model = build_model(recording, simulated.spec)
    model.start(recording, torch.arange(100))
    assert (model.shifter is not None) == shifts
    assert (model.modulator.hidden.in_features if model.modulator else 0) == states
    predicted = model(recording.images[:3], behaviour_of(recording).at(torch.arange(3)))
    assert predicted.shape == (3, 40)


def test_a_model_starts_with_the_units_means_and_places_of_the_trials_that_it_learns_from(simulated: Simulated) -> None:
    recording, trials = simulated.recording, torch.arange(60)
    model = build_model(recording, simulated.spec)
    model.start(recording, trials)
    assert recording.pupil_position is not None
    assert recording.pupil_size is not None
    assert recording.running_speed is not None
    responses = recording.responses[:60]
    for standard, values in (
        (model.pixels, recording.images.float().flatten()[:, None]),
        (model.position, recording.pupil_position[:60]),
        (model.state, torch.stack((recording.pupil_size, recording.running_speed), dim=1)[:60]),
        (model.responses, responses),
    ):
        assert standard is not None
        assert torch.allclose(standard.mean, values.mean(dim=0))
        assert torch.allclose(standard.deviation, values.std(dim=0))
        assert torch.allclose(standard(values)[7], (values[7] - values.mean(dim=0)) / values.std(dim=0), atol=1e-5)
    means = (responses / responses.std(dim=0)).mean(dim=0).clamp_min(1e-3)
    assert torch.allclose(F.elu(model.readout.biases) + 1, means, atol=1e-6)
    places = places_of(recording.images, recording.trial_images[:60], responses)
    assert torch.equal(model.readout.locations, places)


def test_initial_weights_are_a_function_of_seed_and_scan_and_leave_torchs_generator_alone(simulated: Simulated) -> None:
    state = torch.get_rng_state()
    first, again, other = (build_model(simulated.recording, FitSpec(seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.readout.weights, again.readout.weights)
    assert not torch.equal(first.readout.weights, other.readout.weights)
    elsewhere = build_model(replace(simulated.recording, scan="simulated-01"), FitSpec(seed=0))
    assert not torch.equal(first.readout.weights, elsewhere.readout.weights)


def test_a_neuron_that_follows_the_contrast_of_a_place_is_found_there() -> None:
    contrast = torch.full((200, 36, 64), 20.0)
    strength = torch.rand(200, 2, generator=GENERATOR)
    contrast[:, 4:11, 10:17] = 60 * strength[:, :1, None]
    contrast[:, 20:27, 40:47] = 60 * strength[:, 1:, None]
    pixels = 128 + contrast * (2 * torch.rand(200, 36, 64, generator=GENERATOR) - 1)
    images = pixels.to(torch.uint8)[:, None]
    places = places_of(images, torch.arange(200), strength)
    found = (places + 1) / 2 * torch.tensor([64, 36]) - 0.5
    assert torch.allclose(found, torch.tensor([[13.0, 7.0], [43.0, 23.0]]), atol=2.5)
