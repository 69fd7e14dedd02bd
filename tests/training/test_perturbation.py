from __future__ import annotations

import pytest
import torch
from own_code import CUTOUT
from torch import Tensor, nn
from torch.nn import functional as F

from harness.errors import SpecError
from harness.models.architecture import ClassifierShape
from harness.models.pixels import PixelModel
from harness.models.resnet import build
from harness.seeding import image_streams
from harness.spec.training import NetworkSpec, PerturbationSpec
from harness.training.perturbation import Perturbation, adversarial, with_gaussian_noise

N = 300
STREAMS = image_streams(torch.arange(N), 0, "perturbation", 0)
LABELS = torch.arange(N) % 3


@pytest.fixture
def images() -> Tensor:
    return torch.rand(N, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model() -> nn.Module:
    return PixelModel(build(NetworkSpec(base_width=2), ClassifierShape(1, 3, (28, 28)), seed=0), "centered").eval()


def losses(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return F.cross_entropy(model(images), LABELS, reduction="none")


def test_gaussian_noise_has_a_standard_deviation_for_each_image_uniform_up_to_epsilon() -> None:
    gray = torch.full((N, 1, 32, 32), 0.5)
    noise = with_gaussian_noise(gray, STREAMS, epsilon=0.1) - gray  # of five deviations, so none is cut off
    deviations, _ = noise.flatten(1).std(1).sort()
    torch.testing.assert_close(deviations, 0.1 * torch.linspace(0, 1, N), rtol=0, atol=0.01)
    standard = noise.flatten(1)[-N:] / noise.flatten(1)[-N:].std(1, keepdim=True)
    assert standard.mean().abs() < 0.01
    assert standard.pow(4).mean() == pytest.approx(3, abs=0.05)


def test_noise_and_attack_of_an_image_depend_on_no_other(images: Tensor, model: nn.Module) -> None:
    assert torch.equal(
        with_gaussian_noise(images[5:9], STREAMS[5:9], 0.1), with_gaussian_noise(images, STREAMS, 0.1)[5:9]
    )
    alone = adversarial(model, images[5:9], LABELS[5:9], STREAMS[5:9], 0.1, steps=1)
    together = adversarial(model, images, LABELS, STREAMS, 0.1, steps=1)[5:9]
    assert ((alone - together).abs() < 1e-6).double().mean() > 0.99  # but for gradients that rounding alone decides


@pytest.mark.parametrize("steps", [1, 7])
def test_adversarial_images_stay_near_and_are_told_less_well(images: Tensor, model: nn.Module, steps: int) -> None:
    attacked = adversarial(model, images, LABELS, STREAMS, epsilon=0.05, steps=steps)
    assert not attacked.requires_grad
    assert (attacked - images).abs().max() <= 0.05 + 1e-6
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    assert (losses(model, attacked) > losses(model, images)).double().mean() > 0.95


def test_more_steps_find_worse_images(images: Tensor, model: nn.Module) -> None:
    one, many = (adversarial(model, images, LABELS, STREAMS, 0.1, steps=steps) for steps in (1, 10))
    assert losses(model, many).mean() > losses(model, one).mean()


def test_one_step_is_of_five_quarters_of_epsilon_from_a_uniform_start(images: Tensor) -> None:
    """A model whose loss grows with every pixel: all end at the upper bound but those that began below -epsilon / 4."""
    rising = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 2))
    with torch.no_grad():
        rising[1].weight.copy_(torch.stack((torch.ones(28 * 28), -torch.ones(28 * 28))))
    images = images / 2 + 0.25
    found = adversarial(rising, images, torch.ones(N, dtype=torch.long), STREAMS, epsilon=0.1, steps=1) - images
    below = found < 0.1 - 1e-6
    assert below.double().mean() == pytest.approx(3 / 8, abs=0.01)
    assert found.min() == pytest.approx(0.025, abs=1e-3)
    torch.testing.assert_close(found[below].double().mean(), torch.tensor(0.0625).double(), rtol=0, atol=1e-3)


def test_the_perturbation_of_the_page_on_own_code_blanks_a_square_of_each_image(
    images: Tensor, model: nn.Module
) -> None:
    cutout = Perturbation(PerturbationSpec(kind="cutout.py:cutout", options={"side": 12}), CUTOUT)
    with pytest.raises(SpecError, match="as it was given"):
        cutout.require_change()
    found = cutout(model, images, LABELS, None)
    cutout.require_change()
    blank = found == 0.5
    assert torch.equal(blank.flatten(1).sum(1), torch.full((N,), 12 * 12))
    assert torch.equal(found[~blank], images[~blank])
    assert blank.any(3).sum(2).unique().tolist() == [12]
    assert len(blank.flatten(1).unique(dim=0)) > N / 2
