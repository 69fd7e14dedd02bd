from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.architecture import ClassifierShape
from harness.models.pixels import PixelModel, PixelScaling, for_evaluation, unit_pixels
from harness.models.resnet import ResNet, build
from harness.spec.training import NetworkSpec


@pytest.fixture
def network() -> ResNet:
    """One whose BatchNorm statistics are not the trivial initial ones."""
    network = build(NetworkSpec(base_width=4), ClassifierShape(1, 10), seed=0)
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            with torch.no_grad():
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(generator=generator)
            module.running_mean.normal_(generator=generator)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2, generator=generator)  # type: ignore[union-attr]
    return network.eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(64, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def test_pixels_are_fractions_of_255() -> None:
    assert unit_pixels(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx([0, 0.2, 1])


def test_networks_see_centered_or_raw_pixels(network: ResNet, images: Tensor) -> None:
    assert torch.equal(PixelModel(network, "raw")(images), network(images))
    assert torch.equal(PixelModel(network, "centered")(images), network(5 * (images - 0.5)))
    for centered, expected in zip(
        PixelModel(network, "centered").taps(images), network.taps(5 * (images - 0.5)), strict=True
    ):
        assert torch.equal(centered, expected)


@pytest.mark.parametrize("scaling", ["centered", "raw"])
def test_the_form_for_evaluation_gives_the_same_logits(network: ResNet, images: Tensor, scaling: PixelScaling) -> None:
    plain, fast = PixelModel(network, scaling), for_evaluation(network, scaling)
    with torch.inference_mode():
        expected, found = plain(images), fast(images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(found.argmax(1), expected.argmax(1))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())


def test_the_form_for_evaluation_leaves_the_network_alone(network: ResNet) -> None:
    network.train()
    for_evaluation(network, "raw")
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_gradients_reach_the_images(network: ResNet, images: Tensor) -> None:
    labels = torch.arange(64) % 10
    gradients = []
    for model in (PixelModel(network, "centered"), for_evaluation(network, "centered")):
        pixels = images.clone().requires_grad_()
        gradients += torch.autograd.grad(F.cross_entropy(model(pixels), labels, reduction="sum"), pixels)
    scale = gradients[0].abs().max().item()
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-4 * scale)
