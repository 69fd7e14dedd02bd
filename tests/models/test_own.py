from __future__ import annotations

from pathlib import Path

import pytest
import torch
from own_code import CODE, code_of
from safetensors.torch import save_file

from harness.data.sets import Task
from harness.errors import ImportRefused, SpecError
from harness.models.architecture import ClassifierShape
from harness.models.checkpoint import load_checkpoint
from harness.models.network import build_network
from harness.models.own import OwnNetwork
from harness.models.pixels import PixelModel, for_evaluation
from harness.spec import CheckpointSpec
from harness.spec.training import NetworkSpec

SMALL = NetworkSpec(architecture="gradients.py:Small", base_width=4, options={"depth": 2})
MINE = NetworkSpec(architecture="mine.py:f", base_width=4)
LINEAR = "torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(channels * size[0] * size[1], classes))"


def small(seed: int) -> OwnNetwork:
    network = build_network(SMALL, CODE, ClassifierShape(3, 10, (28, 28)), seed)
    assert isinstance(network, OwnNetwork)
    return network


def mine(body: str) -> OwnNetwork:
    text = f"import torch\ndef f(channels, classes, size, base_width, **options):\n    {body}\n"
    network = build_network(MINE, code_of(text), ClassifierShape(1, 10, (8, 8)), seed=0)
    assert isinstance(network, OwnNetwork)
    return network


def test_the_seed_decides_the_initial_weights_and_nothing_else_does() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = small(0).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again, other = small(0).state_dict(), small(1).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["module.linear.weight"], other["module.linear.weight"])


def test_its_taps_are_those_of_the_module() -> None:
    network = small(0)
    assert network.tap_channels == (4, 8)
    assert network.training
    assert [tuple(tap.shape) for tap in network.taps(torch.zeros(5, 3, 28, 28))] == [(5, 4, 14, 14), (5, 8, 7, 7)]


def test_trying_it_out_leaves_its_statistics_alone() -> None:
    assert all(int(count) == 0 for name, count in small(0).named_buffers() if name.endswith("num_batches_tracked"))


def test_for_evaluation_it_stays_as_it_is_and_gradients_reach_the_images() -> None:
    network, images = small(0), torch.rand(4, 3, 28, 28).requires_grad_()
    expected = PixelModel(network, "centered").eval()(images)
    network.train()
    model = for_evaluation(network, "centered")
    logits = model(images)
    assert torch.equal(logits, expected)
    assert torch.autograd.grad(logits.sum(), images)[0].abs().sum() > 0
    assert network.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("option", ["name", "code", "seed", "shape"])
def test_an_option_may_have_any_name_that_the_function_has(option: str) -> None:
    taken = f"channels, classes, size, base_width, {option}"
    text = f"import torch\ndef f({taken}):\n    assert {option} == 7\n    return {LINEAR}\n"
    spec = MINE.replaced(options={option: 7})
    assert isinstance(build_network(spec, code_of(text), ClassifierShape(1, 10, (8, 8)), seed=0), OwnNetwork)


def test_a_network_without_taps_classifies_but_is_not_regularized_by_similarity() -> None:
    network = mine(f"return {LINEAR}")
    assert network(torch.zeros(3, 1, 8, 8)).shape == (3, 10)
    assert network.tap_channels == ()
    with pytest.raises(SpecError, match=r"mine\.py:f: a network without the method `taps`"):
        network.taps(torch.zeros(3, 1, 8, 8))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 3", "returns a int, not a torch.nn.Module"),
        ("return torch.nn.Flatten()", r"logits for 2 images of 10 classes have the shape \(2, 64\)"),
        (f"m = {LINEAR}; m.taps = lambda x: [x.flatten(2)]; return m", r"one of 2 images is a tensor \(2, 1, 64\)"),
        (f"m = {LINEAR}; m.taps = lambda x: [x, None]; return m", r"one of 2 images is a NoneType"),
    ],
)
def test_what_is_no_such_network_is_refused(body: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        mine(body)


LINEAR_CODE = code_of(f"import torch\ndef f(channels, classes, size):\n    return {LINEAR}\n")
CPU = torch.device("cpu")
MISFIT = r"mine\.py:f with channels = 3 \(color = 'rgb'\) and classes = 10: size mismatch for 1.weight"


def checkpoint(content: object, tmp_path: Path, color: str = "gray") -> torch.nn.Module:
    torch.save(content, tmp_path / "mine.pt")
    spec = CheckpointSpec(function="mine.py:f", weights="mine.pt", classification="digits", color=color)
    return load_checkpoint(spec, tmp_path / "mine.pt", Task(10, (8, 8), "raw"), CPU, LINEAR_CODE)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("nested", [False, True])
def test_a_checkpoint_is_the_network_with_its_weights(prefix: str, nested: bool, tmp_path: Path) -> None:
    weights = {f"{prefix}1.weight": torch.randn(10, 64), f"{prefix}1.bias": torch.randn(10)}
    model = checkpoint({"state_dict": weights, "epoch": 3} if nested else weights, tmp_path)
    images = torch.rand(5, 1, 8, 8).requires_grad_()
    expected = images.flatten(1) @ weights[f"{prefix}1.weight"].T + weights[f"{prefix}1.bias"]
    torch.testing.assert_close(model(images), expected)
    assert not model.training
    assert torch.autograd.grad(model(images).sum(), images)[0].abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_a_checkpoint_may_be_a_safetensors_file(tmp_path: Path) -> None:
    weights = {"1.weight": torch.randn(10, 64), "1.bias": torch.randn(10)}
    save_file(weights, tmp_path / "copied.pt")  # as a run copies it
    spec = CheckpointSpec(function="mine.py:f", weights="mine.safetensors", classification="digits", color="gray")
    model = load_checkpoint(spec, tmp_path / "copied.pt", Task(10, (8, 8), "raw"), CPU, LINEAR_CODE)
    assert torch.equal(model.get_parameter("1.bias"), weights["1.bias"])


@pytest.mark.parametrize(
    ("weights", "color", "error", "said"),
    [
        (
            {"1.weight": torch.zeros(10, 64)},
            "gray",
            SpecError,
            r"mine\.pt does not fit mine\.py:f with channels = 1 .*: Missing key.*1\.bias",
        ),
        ({"1.weight": torch.zeros(10, 64), "1.bias": torch.zeros(10)}, "rgb", SpecError, MISFIT),
        ({"1.weight": torch.full((10, 64), float("nan"))}, "gray", ImportRefused, "not finite"),
        ({"1.weight": "a text"}, "gray", ImportRefused, "is of type str, not a tensor"),
        ({"1.weight": Path("code")}, "gray", ImportRefused, "nothing in it was run"),
    ],
)
def test_weights_that_are_none_of_the_network_are_refused(
    weights: dict[str, object], color: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        checkpoint(weights, tmp_path, color)
