"""The noises are what the paper says, and the same for every model."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from scipy import stats
from torch import nn

from harness.evaluations import evaluate
from harness.evaluations.curve import bounds, sizes
from harness.evaluations.noise import NOISES, noise_of
from harness.seeding import image_streams
from harness.spec import NoiseSpec

STREAMS = image_streams(torch.arange(100), 0, "test")


class Watched(nn.Module):
    """Keeps what it is asked to classify, by size of the perturbation."""

    def __init__(self, sizes: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.calls: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.calls.append(images.clone())
        return images.flatten(1)[:, :2]

    def images(self, index: int) -> torch.Tensor:
        return torch.cat(self.calls).chunk(self.sizes)[index]


def watched(setting, spec: NoiseSpec) -> Watched:
    model = Watched(spec.sizes)
    model.eval()
    evaluate(model, dataclasses.replace(setting, chunk=len(setting.images) * spec.sizes), spec)
    return model


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("gaussian", [0.0402326, 0.1391908, 0.2406752, -0.3125502]),
        ("uniform", [-0.1266162, -0.3541888, 0.2561933, 0.1571757]),
        ("salt_pepper", [1, 1, 0, -1]),
    ],
)
def test_the_noise_of_an_image_stays_what_it_is_or_stored_results_would_not_be_comparable(kind, expected):
    found = noise_of(NoiseSpec(kind=kind), torch.tensor([7]), torch.Size((1, 2, 2)), 0.6)
    assert found.flatten().tolist() == pytest.approx(expected, abs=1e-6)


def test_sizes_are_evenly_spaced_from_zero_to_the_largest():
    spec = NoiseSpec(kind="gaussian", max_epsilon=0.1)
    assert sizes(spec) == pytest.approx([index / 90 for index in range(10)])
    assert sizes(spec)[0] == 0
    assert sizes(spec)[-1] == 0.1


def test_a_spec_whose_largest_size_is_not_resolved_is_a_mistake(setting, linear):
    with pytest.raises(ValueError, match="not resolved"):
        evaluate(linear(0), setting, NoiseSpec(kind="gaussian"))


def test_gaussian_noise_has_standard_deviation_epsilon():
    drawn = NOISES["gaussian"](STREAMS, 1000, 0.06)
    assert drawn.shape == (100, 1000)
    assert stats.kstest(drawn.flatten().numpy() / 0.06, "norm").pvalue > 0.001


def test_uniform_noise_lies_evenly_within_epsilon():
    drawn = NOISES["uniform"](STREAMS, 1000, 0.06).flatten().numpy()
    assert abs(drawn).max() <= 0.06
    assert stats.kstest(drawn, "uniform", args=(-0.06, 0.12)).pvalue > 0.001


@pytest.mark.parametrize("epsilon", [0.0, 0.06, 0.5, 1.0])
def test_salt_and_pepper_hit_a_share_epsilon_with_even_odds(epsilon):
    drawn = NOISES["salt_pepper"](STREAMS, 1000, epsilon).flatten()
    assert set(drawn.tolist()) <= {-1.0, 0.0, 1.0}
    for sign in (-1, 1):
        assert stats.binomtest(int((drawn == sign).sum()), len(drawn), epsilon / 2).pvalue > 0.001


@pytest.mark.parametrize("kind", NOISES)
def test_images_are_clipped_to_their_own_range_or_to_the_unit_range(kind, smaller, spec_of):
    images = (smaller(20).images // 2 + 30).clone()  # within [30, 157]
    setting = dataclasses.replace(smaller(20), images=images)
    own = watched(setting, spec_of(kind, clip="image")).images(-1).flatten(1)
    unit = watched(setting, spec_of(kind, clip="unit")).images(-1).flatten(1)
    pixels = images.flatten(1) / 255
    assert torch.equal(own.amin(1), pixels.amin(1))
    assert torch.equal(own.amax(1), pixels.amax(1))
    assert unit.min() >= 0
    assert unit.max() <= 1
    assert torch.equal(unit.clamp(pixels.amin(1, keepdim=True), pixels.amax(1, keepdim=True)), own)


def test_bounds_have_one_value_per_image():
    images = torch.rand(3, 2, 4, 4)
    for clip in ("image", "unit"):
        assert [bound.shape for bound in bounds(images, clip)] == [(3, 1, 1, 1)] * 2


@pytest.mark.parametrize("kind", NOISES)
def test_every_model_sees_the_same_noise_and_every_seed_another(kind, smaller, spec_of):
    setting = smaller(20)
    first = watched(setting, spec_of(kind)).images(-1)
    assert torch.equal(watched(setting, spec_of(kind)).images(-1), first)
    assert torch.equal(watched(smaller(5), spec_of(kind)).images(-1), first[:5])
    assert not torch.equal(watched(setting, spec_of(kind, noise_seed=1)).images(-1), first)


def test_each_size_has_noise_of_its_own_that_other_grids_share(smaller):
    setting = dataclasses.replace(smaller(20), images=torch.full((20, 1, 8, 8), 127, dtype=torch.uint8))
    spec = NoiseSpec(kind="gaussian", max_epsilon=0.04, sizes=3, clip="unit")
    coarse = watched(setting, spec)
    fine = watched(setting, spec.replaced(sizes=5))
    assert torch.equal(coarse.images(1), fine.images(2))
    standard = [(coarse.images(index) - 127 / 255).flatten() / epsilon for index, epsilon in ((1, 0.02), (2, 0.04))]
    assert abs(torch.corrcoef(torch.stack(standard))[0, 1]) < 0.15
