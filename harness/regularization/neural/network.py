"""The predictive model of one scan: core, readout, shifter and modulator, from pixels and behaviour to responses."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.data.recordings import Recording
from harness.regularization.neural.behaviour import Behaviour, Modulator, Shifter, behaviour_of
from harness.regularization.neural.core import LAYERS, Core
from harness.regularization.neural.places import places_of
from harness.regularization.neural.readout import Readout
from harness.seeding import seed_of
from harness.spec.neural import FitSpec

_TINY = 1e-6


class Standardization(nn.Module):
    """Numbers around a mean in units of a deviation; both are part of the model."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    def learn(self, values: Tensor) -> None:
        """Take mean and deviation of values (n, size)."""
        self.mean.copy_(values.mean(dim=0))
        self.deviation.copy_(values.std(dim=0))

    def forward(self, values: Tensor) -> Tensor:
        """(n, size), or of any shape where the size is 1 -> the same shape."""
        return (values - self.mean) / self.deviation.clamp_min(_TINY)


class PredictiveModel(nn.Module):
    """Predicts the responses of a scan's neurons, each in units of its own standard deviation.

    A shifter is there if the pupil's position was recorded, a modulator if its size or the running speed was.
    Initial weights come from torch's global generator: use `build_model`.

    Source: Sinz et al. 2018 and Walker et al. 2019, without their recurrent parts.
    """

    def __init__(self, spec: FitSpec, neurons: int, *, shifts: bool, states: int) -> None:
        """`states`: how many behavioural variables scale the responses."""
        super().__init__()
        self.pixels = Standardization(1)
        self.core = Core(spec.channels)
        self.readout = Readout(LAYERS * spec.channels, neurons)
        self.responses = Standardization(neurons)
        self.position = Standardization(2) if shifts else None
        self.shifter = Shifter() if shifts else None
        self.state = Standardization(states) if states else None
        self.modulator = Modulator(states, neurons) if states else None

    def forward(self, images: Tensor, behaviour: Behaviour | None = None) -> Tensor:
        """Predicted responses (n, neurons), positive: ELU + 1, times the gain.

        images: uint8 (n, 1, h, w). behaviour: of n trials; without it, the response at the mean behaviour.
        """
        maps = self.core(self.pixels(images.float()))
        shift = maps.new_zeros(len(images), 2)
        if behaviour and self.shifter and self.position:
            shift = self.shifter(self.position(behaviour.pupil_position))
        responses = F.elu(self.readout(maps, shift)) + 1
        if behaviour and self.modulator and self.state:
            responses = responses * self.modulator(self.state(behaviour.state))
        return responses

    def start(self, recording: Recording, trials: Tensor) -> None:
        """Take from some trials what learning starts with: units, mean responses, and where each neuron looks."""
        behaviour, responses = behaviour_of(recording).at(trials), recording.responses[trials]
        self.pixels.learn(recording.images.float().view(-1, 1))
        self.responses.learn(responses)
        if self.position and behaviour.pupil_position is not None:
            self.position.learn(behaviour.pupil_position)
        if self.state and behaviour.state is not None:
            self.state.learn(behaviour.state)
        places = places_of(recording.images, recording.trial_images[trials], responses)
        self.readout.start(places, self.scaled(responses).mean(dim=0))

    def scaled(self, responses: Tensor) -> Tensor:
        """Measured responses (n, neurons) in the units of the predictions."""
        return responses / self.responses.deviation.clamp_min(_TINY)


def build_model(recording: Recording, spec: FitSpec) -> PredictiveModel:
    """A model for a scan, on the CPU, with the initial weights of the spec's seed; see `PredictiveModel.start`."""
    behaviour = behaviour_of(recording)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_of(spec.seed, "predictive model", recording.scan))
        return PredictiveModel(
            spec,
            recording.responses.shape[1],
            shifts=behaviour.pupil_position is not None,
            states=0 if behaviour.state is None else behaviour.state.shape[1],
        )
