from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from harness.regularization.loss import SimilarityLoss, similarity_loss
from harness.seeding import stream
from harness.spec.training import RegularizerSpec

SPEC = RegularizerSpec(target="pixel", alpha=10, images="digits")
CHANNELS = (3, 5)


def taps(purpose: str) -> list[Tensor]:
    """Feature maps of 4 images: (4, 3, 6, 6) and (4, 5, 3, 3)."""
    generator = stream(0, purpose)
    return [torch.rand(4, c, 18 // c, 18 // c, generator=generator).requires_grad_() for c in CHANNELS]


TARGETS = torch.tensor([-0.5, 0.0, 0.5, 1.0])


def test_paper_reading_is_equation_3() -> None:
    x, y = torch.tensor([0.3, -0.6, 0.0]), torch.tensor([0.1, 0.2, -0.9])
    expected = sum((math.atanh(a) - math.atanh(b)) ** 2 for a, b in zip(x.tolist(), y.tolist(), strict=True))
    assert similarity_loss(x, y, "arctanh", "paper").item() == pytest.approx(expected, rel=1e-3)


def test_code_reading_is_four_times_the_papers_per_pair() -> None:
    x, y = torch.linspace(-0.9, 1, 8), torch.linspace(1, -1, 8)
    code, paper = (similarity_loss(x, y, "arctanh", reading).item() for reading in ("code", "paper"))
    assert code == pytest.approx(4 * paper / 8, rel=1e-6)


def test_without_transform_it_is_the_squared_error() -> None:
    x, y = torch.tensor([0.5, -0.5]), torch.tensor([1.0, 0.0])
    assert similarity_loss(x, y, "none", "code").item() == pytest.approx(0.25)
    assert similarity_loss(x, y, "none", "paper").item() == pytest.approx(0.5)


@pytest.mark.parametrize("target", [1.0, 0.9999])
def test_a_target_of_one_or_almost_is_as_far_away_as_the_released_codes_margin_puts_it(target: float) -> None:
    goal = math.log(1 + target + 1e-5) - math.log(1 - target + 1e-5)
    found = similarity_loss(torch.zeros(2), torch.tensor([target, -target]), "arctanh", "code").item()
    assert found == pytest.approx(goal**2, rel=1e-3)


@pytest.mark.parametrize("beyond", [0.0, 1e-6, 1e-4])
def test_similarities_at_and_a_rounding_beyond_one_give_a_finite_loss_and_gradient(beyond: float) -> None:
    x = torch.tensor([1 + beyond, -1 - beyond], requires_grad=True)
    loss = similarity_loss(x, torch.tensor([-1.0, 1.0]), "arctanh", "code")
    loss.backward()
    assert loss.isfinite()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert x.grad.all() == (beyond < 1e-5)  # what only rounding pushed there is still learned from


def test_gammas_start_uniform() -> None:
    loss = SimilarityLoss((1, 1, 1, 1, 1), SPEC)
    assert loss.weights.tolist() == [0] * 5
    assert loss.gammas.tolist() == pytest.approx([0.2] * 5)


def test_similarity_is_the_weighted_cosine_about_the_updated_mean() -> None:
    loss = SimilarityLoss(CHANNELS, SPEC)
    rows, columns = taps("rows"), taps("columns")
    with torch.no_grad():
        loss.weights.copy_(torch.tensor([0.0, math.log(3)]))
    found = loss.similarities(rows, columns)
    expected = torch.zeros(4)
    for gamma, row, column, mean in zip((0.25, 0.75), rows, columns, loss.running_means, strict=True):
        # one update from 0 by the mean over both halves
        center = 0.1 * torch.cat((row, column)).mean(dim=(0, 2, 3))
        torch.testing.assert_close(mean, center.detach())
        a, b = ((half - center[:, None, None]).flatten(1) for half in (row, column))
        expected = expected + gamma * (a * b).sum(1) / a.norm(dim=1) / b.norm(dim=1)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(loss.eval()(rows, columns, TARGETS), similarity_loss(found, TARGETS, "arctanh", "code"))


def test_means_follow_batches_in_train_mode_only() -> None:
    loss = SimilarityLoss(CHANNELS, SPEC)
    rows, columns = taps("rows"), taps("columns")
    loss(rows, columns, TARGETS)
    once = [mean.clone() for mean in loss.running_means]
    loss.eval()(rows, columns, TARGETS)
    for before, after in zip(once, loss.running_means, strict=True):
        assert torch.equal(before, after)
    loss.train()(rows, columns, TARGETS)
    for before, after in zip(once, loss.running_means, strict=True):
        torch.testing.assert_close(after, 1.9 * before)


def test_gradients_reach_features_and_weights_but_not_the_means() -> None:
    loss = SimilarityLoss(CHANNELS, SPEC)
    rows, columns = taps("rows"), taps("columns")
    loss(rows, columns, TARGETS).backward()
    assert all(tap.grad is not None and tap.grad.any() for tap in (*rows, *columns, loss.weights))
    assert not any(mean.requires_grad for mean in loss.running_means)


def test_state_holds_weights_and_means() -> None:
    loss, other = SimilarityLoss(CHANNELS, SPEC), SimilarityLoss(CHANNELS, SPEC)
    loss(taps("rows"), taps("columns"), TARGETS)
    other.load_state_dict(loss.state_dict())
    assert len(loss.state_dict()) == 1 + len(CHANNELS)
    for mean, copy in zip(loss.running_means, other.running_means, strict=True):
        assert torch.equal(mean, copy)


def test_loss_of_bfloat16_features_is_computed_in_float32() -> None:
    loss = SimilarityLoss(CHANNELS, SPEC)
    reference = SimilarityLoss(CHANNELS, SPEC).similarities(taps("rows"), taps("columns"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        halves = [[tap.bfloat16() for tap in taps(half)] for half in ("rows", "columns")]
        found = loss.similarities(*halves)
        assert loss(*halves, TARGETS).dtype == found.dtype == torch.float32
    torch.testing.assert_close(found, reference, atol=2e-3, rtol=0)
