"""What behaviour does to responses: the pupil's position moves what neurons see, its size and running scale them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.data.recordings import Recording

HIDDEN = 5  # units; as in Sinz et al. 2018's shifter


class Behaviour(NamedTuple):
    """What the animal did in some trials; None where it was not recorded."""

    pupil_position: Tensor | None
    """(trials, 2)"""
    state: Tensor | None
    """Pupil size and running speed, what there is of them: (trials, 1 or 2)."""

    def at(self, trials: Tensor) -> Behaviour:
        """That of some of the trials."""
        return Behaviour(*(None if each is None else each[trials] for each in self))


def behaviour_of(recording: Recording) -> Behaviour:
    """All trials' behaviour."""
    states = [each for each in (recording.pupil_size, recording.running_speed) if each is not None]
    return Behaviour(recording.pupil_position, torch.stack(states, dim=1) if states else None)


class Shifter(nn.Module):
    """Moves all readouts with the pupil; by nothing at the mean pupil position. Source: Sinz et al. 2018."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, HIDDEN, bias=False)
        self.shift = nn.Linear(HIDDEN, 2, bias=False)

    def forward(self, pupil_position: Tensor) -> Tensor:
        """Shifts (trials, 2) in the units of readout places, of standardised pupil positions (trials, 2)."""
        return torch.tanh(self.shift(torch.tanh(self.hidden(pupil_position))))


class Modulator(nn.Module):
    """Multiplies each neuron's response with a gain; by 1 at the mean behaviour. Source: Sinz et al. 2018."""

    def __init__(self, inputs: int, neurons: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, HIDDEN, bias=False)
        self.logarithm = nn.Linear(HIDDEN, neurons, bias=False)
        nn.init.zeros_(self.logarithm.weight)

    def forward(self, state: Tensor) -> Tensor:
        """Gains (trials, neurons) of standardised behaviour (trials, inputs)."""
        return torch.exp(self.logarithm(torch.tanh(self.hidden(state))))
