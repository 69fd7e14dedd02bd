"""The readout: each neuron looks at one place of the core's maps, which it learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_SMALLEST = 1e-3  # mean response that a bias starts with
_INITIAL = 0.1  # standard deviation of the initial drive, in units of the features'


class Readout(nn.Module):
    """One location, one weight per map and one bias for each neuron.

    Source: the spatial transformer readout of Sinz et al. 2018, on one scale.
    """

    def __init__(self, features: int, neurons: int) -> None:
        super().__init__()
        self.locations = nn.Parameter(torch.zeros(neurons, 2))
        self.weights = nn.Parameter(torch.randn(neurons, features) * (_INITIAL / features**0.5))
        self.biases = nn.Parameter(torch.zeros(neurons))

    @torch.no_grad()
    def start(self, places: Tensor, means: Tensor) -> None:
        """Begin at places (neurons, 2), with biases that predict the mean responses (neurons,)."""
        means = means.clamp_min(_SMALLEST)
        self.locations.copy_(places)
        self.biases.copy_(torch.where(means < 1, means.log(), means - 1))  # the inverse of ELU + 1

    def forward(self, maps: Tensor, shift: Tensor) -> Tensor:
        """Drive of each neuron: (n, neurons).

        maps: (n, features, h, w). shift: moves all locations of an image, (n, 2), x and y in their units.
        """
        seen = sampled(maps, self.locations + shift[:, None])
        return torch.einsum("nfa,af->na", seen, self.weights) + self.biases


def sampled(maps: Tensor, places: Tensor) -> Tensor:
    """Maps at places between their pixels, bilinear: (n, features, h, w), (n, neurons, 2) -> (n, features, neurons).

    places: x to the right and y down; -1 and 1 are the outer edges of the maps, and beyond them the border goes on.
    """
    # the gradient on a CPU reads out of bounds where a place is not a number, as it is when a fit diverges
    places = places.nan_to_num().clamp(-1, 1)
    return F.grid_sample(maps, places[:, :, None], padding_mode="border", align_corners=False)[..., 0]
