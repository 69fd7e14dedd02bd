"""Networks seen from pixel space: images in [0, 1] go in, logits come out.

Scaling lives inside the model, so that an epsilon means the same for every network.
"""

from __future__ import annotations

import copy

from torch import Tensor, nn

from harness.data.sets import PixelScaling
from harness.models.folded import folded
from harness.models.network import Network
from harness.models.resnet import ResNet


def unit_pixels(images: Tensor) -> Tensor:
    """uint8 images (n, c, h, w) as float32 in [0, 1]."""
    return images / 255


class PixelModel(nn.Module):
    """A classifier of images (n, c, h, w) in [0, 1].

    pixel_scaling: `centered`: the network sees 5 * (x - 0.5). `raw`: it sees x. Source: the released code, which
    centers CIFAR and the regularization images that go with it, and leaves MNIST and FashionMNIST as they are.
    """

    def __init__(self, network: Network, pixel_scaling: PixelScaling) -> None:
        super().__init__()
        self.network = network
        self.pixel_scaling = pixel_scaling

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.network(self._scaled(images))
        return logits

    def taps(self, images: Tensor) -> list[Tensor]:
        """The feature maps that L_sim compares."""
        return self.network.taps(self._scaled(images))

    def _scaled(self, images: Tensor) -> Tensor:
        return (images - 0.5) * 5 if self.pixel_scaling == "centered" else images


def for_evaluation(network: Network, pixel_scaling: PixelScaling) -> PixelModel:
    """A copy in the form that classifies fastest, in eval mode; a network of one's own stays as it is.

    The same logits up to rounding. Its weights take no gradients, but gradients reach the images.
    """
    fast = folded(network) if isinstance(network, ResNet) else copy.deepcopy(network).requires_grad_(False)
    return PixelModel(fast, pixel_scaling).eval()
