"""Models whose answer is known, a small trained network, and handwritten digits to classify."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from harness.data.sets import SEVERITIES
from harness.data.splits import Split
from harness.evaluations import Setting
from harness.models.pixels import unit_pixels


class Shared(list[int]):
    """A list that copies of its owner share."""

    def __deepcopy__(self, memo: object) -> Shared:
        return self


class Linear(nn.Module):
    """Logits that are linear in the pixels, each image's computed by itself: no rounding depends on the batch."""

    def __init__(self, weights: Tensor, bias: Tensor | float = 0.0) -> None:
        super().__init__()
        self.weights = weights
        self.bias = bias
        self._seen = Shared()

    @property
    def rows(self) -> int:
        """Images classified so far, by copies too."""
        return sum(self._seen)

    def forward(self, images: Tensor) -> Tensor:
        self._seen.append(len(images))
        return ((images.flatten(1)[:, None] - 0.5) * self.weights).sum(2) + self.bias


class Constant(nn.Module):
    """The same logits for every image."""

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), -1)


@pytest.fixture(scope="session")
def digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's 1797 digits: uint8 (n, 1, 8, 8) in a random order, and labels."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    pixels = (torch.tensor(images) * (255 / 16)).round().to(torch.uint8).view(-1, 1, 8, 8)
    return pixels[order], torch.tensor(labels)[order]


@pytest.fixture
def setting(digits: tuple[Tensor, Tensor]) -> Setting:
    """120 digits to classify, a substitute, and a corrupted set whose severities darken the images."""
    images, labels = digits[0][:120], digits[1][:120]

    def corrupted(name: str) -> Split:
        stacked = torch.cat([images // severity for severity in SEVERITIES])
        return Split(stacked, labels.repeat(len(SEVERITIES)), digest=name)

    return Setting(
        images=images,
        labels=labels,
        chunk=64,
        substitute=linear_model(7),
        corrupted=corrupted,
        attack=noisy_gradient,
    )


def noisy_gradient(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float = 0.3) -> Tensor:
    """Somebody's own attack: one step along the sign of the model's gradient at noisy images."""
    noisy = (images + 0.1 * epsilon * torch.randn_like(images)).requires_grad_()
    loss = nn.functional.cross_entropy(model(noisy), labels, reduction="sum")
    return images + epsilon * torch.autograd.grad(loss, noisy)[0].sign()


def linear_model(seed: int) -> Linear:
    model = Linear(torch.randn(10, 64, generator=torch.Generator().manual_seed(seed)))
    model.eval()
    return model


@pytest.fixture
def linear() -> Callable[[int], Linear]:
    """Makes a linear model of ten classes from a seed."""
    return linear_model


@pytest.fixture
def plane() -> Callable[..., Linear]:
    """Makes a model of two classes: class 0 where normal * (x - 0.5) + offset > 0."""

    def make(normal: Tensor, offset: float = 0.0) -> Linear:
        model = Linear(torch.stack((normal, -normal)), torch.tensor([offset, -offset]))
        model.eval()
        return model

    return make


@pytest.fixture
def constant() -> Callable[[list[float]], nn.Module]:
    """Makes a model that gives all images the same logits."""
    return lambda logits: Constant(logits).eval()


@pytest.fixture
def smaller(setting: Setting) -> Callable[..., Setting]:
    """The setting with its first n images, and other fields changed."""
    return lambda n, **changes: dataclasses.replace(setting.first(n), **changes)


@pytest.fixture(scope="session")
def network(digits: tuple[Tensor, Tensor]) -> nn.Module:
    """A small convolutional network that tells digits apart, trained for a second."""
    images, labels = digits[0][200:].float() / 255, digits[1][200:]
    with torch.random.fork_rng([]):  # GPUs draw nothing, and torch warns of more than one
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10)
        )
        optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(4):
            for rows in torch.randperm(len(images)).split(64):
                optimiser.zero_grad()
                nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
                optimiser.step()
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def shifted(digits: tuple[Tensor, Tensor], network: nn.Module) -> nn.Module:
    """The same network with 10,000 added inside, and the mean taken off its logits.

    Of ten thousand and something bfloat16 keeps three digits: what makes the images differ is rounded away.
    """
    model = copy.deepcopy(network)
    with torch.no_grad():
        model.get_parameter("0.bias").add_(10_000)
        model.get_parameter("5.bias").sub_(model(unit_pixels(digits[0])).mean(0))
    return model


@pytest.fixture
def spec_of() -> Callable[..., Any]:
    """Makes a resolved spec of a kind, small enough for tests."""
    from harness.spec.evaluation import EVALUATION_SPECS

    small: dict[str, dict[str, Any]] = {
        "clean": {},
        "gaussian": {"max_epsilon": 0.4, "sizes": 3},
        "uniform": {"max_epsilon": 0.4, "sizes": 3},
        "salt_pepper": {"max_epsilon": 0.3, "sizes": 3},
        "fgsm_transfer": {"max_epsilon": 0.2, "sizes": 3},
        "autoattack": {"max_epsilon": 0.2, "sizes": 3, "steps": 2, "queries": 5, "n_images": 30, "batch_size": 20},
        "hop_skip_jump": {"queries": 150, "first_samples": 10, "start_draws": 20, "max_epsilon": 4.0, "sizes": 3},
        "own_attack": {"function": "own.py:attack", "max_epsilon": 0.2, "sizes": 3},
        "own_transferred_attack": {"function": "own.py:attack", "max_epsilon": 0.2, "sizes": 3},
        "own_minimal_attack": {"function": "own.py:attack", "max_epsilon": 4.0, "sizes": 3},
        "boundary": {"steps": 5, "repeats": 2, "start_draws": 20, "start_blends": 10},
        "spectrum": {"steps": 5, "n_images": 60, "start_draws": 20, "start_blends": 10},
        "fourier": {"epsilon": 1.0},
        "corruption": {"images": "digits-c", "corruptions": ("fog", "snow"), "severities": (1, 3)},
    }
    return lambda kind, **changes: EVALUATION_SPECS[kind](kind=kind, **small[kind] | changes)
