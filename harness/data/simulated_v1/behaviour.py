"""What a simulated mouse does meanwhile, and what that does to its responses."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

AROUSAL_MEMORY = 0.9  # correlation of arousal from one trial to the next
GAZE_MEMORY = 0.7
GAIN = 0.3  # mean change of a response's logarithm per standard deviation of arousal
GAZE_PIXELS = 1.5  # standard deviation of the gaze's shift in each direction


class Behaviour(NamedTuple):
    """One mouse's behaviour in each trial, and the state behind it."""

    pupil_position: Tensor
    """(trials, 2), in units of the camera."""
    pupil_size: Tensor
    """(trials,)"""
    running_speed: Tensor
    """(trials,), not negative."""
    arousal: Tensor
    """(trials,), standard normal: what widens the pupil, makes the mouse run and its cells respond more."""
    gaze: Tensor
    """How far receptive fields are shifted down and to the right: (trials, 2) pixels."""

    def gains(self, sensitivity: Tensor) -> Tensor:
        """What arousal multiplies each response with: (trials, neurons), with mean 1.

        sensitivity: (neurons,), change of the logarithm per unit of arousal.
        """
        return torch.exp(self.arousal[:, None] * sensitivity - sensitivity**2 / 2)


def draw_behaviour(trials: int, generator: torch.Generator) -> Behaviour:
    """Behaviour that changes slowly from trial to trial."""
    arousal = _walk(trials, 1, AROUSAL_MEMORY, generator)[:, 0]
    gaze = GAZE_PIXELS * _walk(trials, 2, GAZE_MEMORY, generator)
    jitter = torch.randn(trials, 2, generator=generator)
    # the camera sees the eye from the side: turned, scaled, and off center
    turned = gaze @ torch.tensor([[0.8, -0.6], [0.6, 0.8]])
    return Behaviour(
        pupil_position=20 + 2 * turned,
        pupil_size=30 + 5 * (arousal + 0.2 * jitter[:, 0]),
        running_speed=(5 * (arousal + 0.5 * jitter[:, 1])).relu(),
        arousal=arousal,
        gaze=gaze,
    )


def draw_sensitivity(neurons: int, generator: torch.Generator) -> Tensor:
    """How strongly arousal changes each neuron's response: (neurons,), see `Behaviour.gains`."""
    return GAIN * (1 + 0.5 * torch.randn(neurons, generator=generator))


def _walk(steps: int, dimensions: int, memory: float, generator: torch.Generator) -> Tensor:
    """Standard normal numbers (steps, dimensions), each correlated by `memory` with the one before."""
    drawn = torch.randn(steps, dimensions, generator=generator)
    for step in range(1, steps):
        drawn[step] = memory * drawn[step - 1] + math.sqrt(1 - memory**2) * drawn[step]
    return drawn
