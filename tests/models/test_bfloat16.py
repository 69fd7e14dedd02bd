from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.errors import NotEvaluable
from harness.models.architecture import ClassifierShape
from harness.models.bfloat16 import has_bfloat16, in_bfloat16
from harness.models.pixels import PixelModel, for_evaluation
from harness.models.resnet import build
from harness.spec.training import NetworkSpec


@pytest.fixture
def model() -> PixelModel:
    return for_evaluation(build(NetworkSpec(base_width=4), ClassifierShape(1, 10), seed=0), "centered")


@pytest.fixture
def images() -> Tensor:
    return torch.rand(64, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def test_logits_are_float32_and_those_of_float32_up_to_rounding(model: PixelModel, images: Tensor) -> None:
    with torch.inference_mode():
        expected, found = model(images), in_bfloat16(model)(images)
    assert found.dtype == torch.float32
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=0, atol=2**-6 * float(expected.abs().max()))


def test_convolutions_compute_in_bfloat16_and_the_linear_layer_in_float32(model: PixelModel, images: Tensor) -> None:
    seen: set[tuple[bool, torch.dtype, torch.dtype]] = set()
    rounded = in_bfloat16(model)
    for layer in rounded.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(
                lambda layer, given, found: seen.add((isinstance(layer, nn.Conv2d), given[0].dtype, found.dtype))
            )
    rounded(images)
    assert seen == {(True, torch.bfloat16, torch.bfloat16), (False, torch.float32, torch.float32)}


def test_weights_are_the_rounded_ones_of_the_model_which_is_left_alone(model: PixelModel, images: Tensor) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    rounded = in_bfloat16(model)
    for name, tensor in rounded.state_dict().items():
        assert torch.equal(tensor, before[name].to(tensor.dtype))
    with torch.inference_mode():
        assert model(images).dtype == torch.float32
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_an_image_has_the_same_logits_in_every_batch_up_to_rounding(model: PixelModel, images: Tensor) -> None:
    rounded = in_bfloat16(model)
    with torch.inference_mode():
        whole, alone = rounded(images), torch.cat([rounded(image) for image in images.split(1)])
    torch.testing.assert_close(alone, whole, rtol=0, atol=2**-6 * float(whole.abs().max()))


def test_a_network_with_other_layers_is_refused_by_name() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(3600, 10)).eval()
    with pytest.raises(NotEvaluable, match="weights in GroupNorm is not evaluated in bfloat16"):
        in_bfloat16(network)


@pytest.mark.parametrize(("capability", "has"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_gpus_have_instructions_since_ampere(
    capability: tuple[int, int], has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert has_bfloat16(torch.device("cuda")) is has


def test_other_devices_are_not_known_to_have_them() -> None:
    assert not has_bfloat16(torch.device("meta"))
