"""Feature maps of a network trained on ImageNet, as rows whose scalar products are a similarity target.

Source: Li et al. 2019, who took VGG19's conv3_1 as a control of the neural similarity. Here a layer is what its
convolution gives, before the ReLU.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.data.weights.torch_files import read_tensors
from harness.models.pixels import unit_pixels
from harness.models.weights import below
from harness.names import lookup

BLOCKS = (2, 2, 4, 4, 4)
"""Convolutions of each of VGG19's blocks; a ReLU follows each convolution and a max-pool each block."""
# Source: torchvision, what its ImageNet weights were trained with.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CONVOLUTIONS = "features."  # where torchvision has them
_CHUNK = 1 << 22  # numbers of a feature map handled at once: 16 MB of float32


def _layers() -> dict[str, int]:
    """The position of each convolution, as the literature calls it, in torchvision's `features`."""
    found, position = {}, 0
    for block, count in enumerate(BLOCKS, start=1):
        for number in range(1, count + 1):
            found[f"conv{block}_{number}"] = position
            position += 2
        position += 1
    return found


LAYERS = _layers()


@torch.no_grad()
def feature_rows(images: Tensor, layer: str, weights: Path, device: torch.device) -> Tensor:
    """Unit rows of VGG19's feature maps: (N, d) float16 on the device, each centered over the N images.

    images: uint8 (N, c, h, w); gray ones are repeated to three channels, and the size is taken as it is. An image whose
    features equal the mean has no direction: its row is 0.
    layer: of `LAYERS`, for instance conv3_1. weights: the file of the weights vgg19.

    The images pass twice, once for the mean and once for the rows, so that the rows are all that is ever held: 369 MB
    for conv3_1 of 5000 images of 36 x 64. Rounding a unit row's entries to float16 moves a cosine by less than
    2^-10 + 2^-24 sqrt(d), which is 0.00099 there (Cauchy-Schwarz); measured on photographs, by 1e-5.

    Raises:
        UnknownName: VGG19 has no such layer.
        ImportRefused: the file is not what `data import` accepts.
    """
    trunk = _trunk(layer, read_tensors(weights)).to(device)
    step = max(1, _CHUNK // (64 * images[0, 0].numel()))  # the widest maps are the first block's 64 channels
    chunks = torch.split(images, step)
    nothing = torch.zeros((), dtype=torch.float64, device=device)
    total = sum((_maps(trunk, chunk.to(device)).sum(dim=0, dtype=torch.float64) for chunk in chunks), nothing)
    mean = (total / len(images)).float()
    rows = torch.empty(len(images), len(mean), dtype=torch.float16, device=device)
    for part, chunk in zip(torch.split(rows, step), chunks, strict=True):
        part.copy_(F.normalize(_maps(trunk, chunk.to(device)) - mean))
    return rows


def require_fit(tensors: Mapping[str, Tensor]) -> None:
    """Raises RuntimeError where tensors do not fit VGG19's convolutions, and says how.

    They are loaded on the meta device, only to compare names and shapes. The linear layers after the convolutions, most
    of the file, are asked for nothing.
    """
    with warnings.catch_warnings(action="ignore"):
        convolutions().load_state_dict(below(_CONVOLUTIONS, tensors))


def convolutions() -> nn.Sequential:
    """VGG19's, without memory for their weights."""
    from torchvision.models import vgg19

    with torch.device("meta"):
        layers: nn.Sequential = vgg19().features
    return layers


def _trunk(layer: str, tensors: Mapping[str, Tensor]) -> nn.Sequential:
    """The network up to and including a convolution; its weights are those that are given."""
    end = lookup(LAYERS, "layer of VGG19", layer) + 1
    trunk = convolutions()[:end]
    own = {name: tensor for name, tensor in below(_CONVOLUTIONS, tensors).items() if name in trunk.state_dict()}
    trunk.load_state_dict(own, assign=True)
    return trunk.float().requires_grad_(False)


def _maps(trunk: nn.Sequential, images: Tensor) -> Tensor:
    """Flattened feature maps (n, d) of uint8 images (n, c, h, w), float32."""
    mean, std = (torch.tensor(values, device=images.device).view(3, 1, 1) for values in (MEAN, STD))
    maps: Tensor = trunk((unit_pixels(images).expand(-1, 3, -1, -1) - mean) / std)
    return maps.flatten(1)
