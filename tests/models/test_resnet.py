from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from harness.errors import UnknownName
from harness.models.architecture import ClassifierShape, tap_channels
from harness.models.cost import forward_gflop
from harness.models.resnet import ResNet, build
from harness.spec.training import Architecture, NetworkSpec


@pytest.mark.parametrize(("architecture", "convolutions"), [("resnet18", 20), ("resnet34", 36)])
def test_networks_have_the_convolutions_of_their_name(architecture: str, convolutions: int) -> None:
    network = ResNet(architecture, 2, ClassifierShape(1, 10))
    found = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert len(found) == convolutions  # 17 or 33 along the trunk and three projections
    assert all(convolution.bias is None for convolution in found)


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (36, 64), (64, 64)])
def test_taps_are_five_maps_that_halve_from_stage_to_stage(size: tuple[int, int]) -> None:
    network = ResNet("resnet18", 2, ClassifierShape(3, 7, size))
    images = torch.rand(2, 3, *size)
    maps = network.taps(images)
    assert [one.shape[1] for one in maps] == list(tap_channels(2)) == [2, 2, 4, 8, 16]
    assert maps[0].shape == (2, 2, *size)
    assert maps[1].shape == maps[0].shape
    assert maps[4].shape[2:] == (-(-size[0] // 8), -(-size[1] // 8))
    assert network(images).shape == (2, 7)


def test_initial_weights_depend_on_the_seed_alone_and_leave_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first = build(NetworkSpec(base_width=2), ClassifierShape(1, 10), seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(1)
    again, other = (
        build(NetworkSpec(base_width=2), ClassifierShape(1, 10), seed=3),
        build(NetworkSpec(base_width=2), ClassifierShape(1, 10), seed=4),
    )
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.stem.conv.weight, other.stem.conv.weight)


def test_an_unknown_architecture_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="did you mean 'resnet18'"):
        ResNet("resnet81", 2, ClassifierShape(1, 10))


@pytest.mark.parametrize(
    ("architecture", "channels", "size"),
    [("resnet18", 1, (32, 32)), ("resnet18", 1, (28, 28)), ("resnet34", 3, (36, 64))],
)
def test_cost_is_what_torch_counts(architecture: Architecture, channels: int, size: tuple[int, int]) -> None:
    spec = NetworkSpec(architecture=architecture, base_width=4)
    with FlopCounterMode(display=False) as counter:
        build(spec, ClassifierShape(channels, 10, size), seed=0)(torch.rand(1, channels, *size))
    assert forward_gflop(spec, ClassifierShape(channels, 10, size)) == pytest.approx(
        counter.get_total_flops() / 1e9, rel=1e-12
    )


def test_cost_of_the_papers_network_is_known() -> None:
    assert forward_gflop(NetworkSpec(), ClassifierShape(1, 10)) == pytest.approx(1.114, abs=5e-4)
    assert forward_gflop(NetworkSpec(base_width=16), ClassifierShape(1, 10)) == pytest.approx(0.071, abs=5e-4)
