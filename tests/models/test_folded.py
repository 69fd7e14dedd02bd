from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.models.architecture import ClassifierShape
from harness.models.bfloat16 import in_bfloat16
from harness.models.folded import FoldedConv, folded
from harness.models.resnet import ConvNorm, ResNet, build
from harness.spec.training import NetworkSpec

FUSED = "_convolution_pointwise"


def _learned(base_width: int, channels: int, architecture: str = "resnet18") -> ResNet:
    """A network whose BatchNorm statistics are not the trivial initial ones."""
    network = build(
        NetworkSpec(base_width=base_width, architecture=architecture), ClassifierShape(channels, 10), seed=0
    )
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                generator = torch.Generator().manual_seed(module.num_features)
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(generator=generator)
                module.running_mean.normal_(generator=generator)  # type: ignore[union-attr]
                module.running_var.uniform_(0.5, 2, generator=generator)  # type: ignore[union-attr]
    return network


def _images(n: int, channels: int, height: int = 32, width: int = 32) -> Tensor:
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(1))


def _operations(network: nn.Module, images: Tensor) -> list[str]:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], acc_events=True) as profile:
        network(images)
    return [event.key for event in profile.key_averages()]


@pytest.mark.parametrize("architecture", ["resnet18", "resnet34"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("base_width", [4, 16])
def test_taps_and_logits_are_those_of_the_network_in_eval_mode(
    architecture: str, channels: int, base_width: int
) -> None:
    network, images = _learned(base_width, channels, architecture), _images(8, channels)
    fast = folded(network)
    with torch.inference_mode():
        for found, expected in zip(fast.taps(images), network.eval().taps(images), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
        torch.testing.assert_close(fast(images), network(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("base_width", [4, 8, 16])
@pytest.mark.parametrize("shape", [(8, 1, 32, 32), (3, 3, 32, 32), (5, 1, 28, 28), (2, 1, 30, 30)])
def test_logits_and_gradients_are_those_of_unfused_operations_bit_for_bit(
    base_width: int, shape: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, channels, *size = shape
    network = (
        _learned(base_width, channels)
        if size == [32, 32]
        else build(NetworkSpec(base_width=base_width), ClassifierShape(channels, 10, (size[0], size[1])), seed=0)
    )
    fast, images = folded(network), _images(*shape)
    with torch.inference_mode():
        without = fast(images)
    logits, gradient = _differentiated(fast, images)
    assert torch.equal(logits, without)
    monkeypatch.setattr("harness.models.folded._can_fuse", lambda x: False)
    plain_logits, plain_gradient = _differentiated(fast, images)
    assert torch.equal(logits, plain_logits)
    assert torch.equal(gradient, plain_gradient)


def _differentiated(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (n, classes), and the gradient in the images of their largest ones' sum."""
    pixels = images.clone().requires_grad_()
    logits = network(pixels)
    (gradient,) = torch.autograd.grad(logits.amax(1).sum(), pixels)
    return logits.detach(), gradient


@pytest.mark.parametrize("gradients", [False, True])
def test_what_follows_a_convolution_is_fused_with_it(gradients: bool) -> None:
    if not torch.backends.mkldnn.is_available():
        pytest.skip("torch was built without oneDNN")
    fast, images = folded(_learned(4, 1)), _images(2, 1).requires_grad_(gradients)
    operations = _operations(fast, images)
    assert any(FUSED in name for name in operations)
    assert not any(name in {"aten::conv2d", "aten::relu_", "aten::add"} for name in operations)


def test_weights_that_change_are_laid_out_anew() -> None:
    fast, images = folded(_learned(4, 1)), _images(2, 1)
    with torch.inference_mode():
        before = fast(images)
    with torch.no_grad():
        fast.stem.weight.mul_(2)
    with torch.inference_mode():
        after = fast(images)
    assert not torch.equal(before, after)
    assert torch.equal(after, fast(images.requires_grad_()))


def test_a_network_that_has_classified_can_be_copied_and_moved() -> None:
    fast, images = folded(_learned(4, 1)), _images(2, 1)
    with torch.inference_mode():
        expected = fast(images)
        assert torch.equal(copy.deepcopy(fast)(images), expected)
        rounded = in_bfloat16(fast)(images)
        doubled = fast.double()(images.double())
    torch.testing.assert_close(rounded, expected, rtol=0, atol=2**-6 * float(expected.abs().max()))
    torch.testing.assert_close(doubled.float(), expected, rtol=1e-4, atol=1e-4)


def test_the_network_is_left_alone_and_no_random_numbers_are_drawn() -> None:
    network = _learned(4, 1).train()
    before, state = copy.deepcopy(network.state_dict()), torch.random.get_rng_state()
    fast = folded(network)
    with torch.no_grad():
        fast.linear.weight.zero_()
        fast.stem.weight.zero_()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert network.training
    assert not any(parameter.requires_grad for parameter in fast.parameters())
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_convolution_adds_before_relu() -> None:
    conv = ConvNorm(4, 4, 3).eval()
    fused = FoldedConv(conv).requires_grad_(False)
    x, added = _images(2, 4, 6, 6) - 0.5, _images(2, 4, 6, 6) - 0.5
    with torch.inference_mode():
        plain = conv.norm(conv.conv(x))
        torch.testing.assert_close(fused(x, added=added), F.relu(plain + added))
        torch.testing.assert_close(fused(x, added=added, relu=False), plain + added)
        torch.testing.assert_close(fused(x, relu=False), plain)


@pytest.mark.parametrize("gradients", [False, True])
def test_what_is_added_may_be_overwritten_only_where_gradients_are_off(gradients: bool) -> None:
    fused = FoldedConv(ConvNorm(4, 4, 3).eval())
    x, added = (images.to(memory_format=torch.channels_last) for images in _images(4, 4, 6, 6).split(2))
    before = added.clone()
    with torch.set_grad_enabled(gradients):
        found = fused(x, added=added)
        expected = F.relu(fused(x, relu=False) + before)
    assert torch.equal(found, expected)
    if gradients:
        assert torch.equal(added, before)
    elif torch.backends.mkldnn.is_available():
        assert found.data_ptr() == added.data_ptr()
