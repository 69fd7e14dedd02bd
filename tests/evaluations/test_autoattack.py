from __future__ import annotations

import copy
import dataclasses
from itertools import pairwise

import pytest
import torch
from pyautoattack import AutoAttack
from pyautoattack.square import SquareAttack
from torch import nn

from harness.errors import NotEvaluable
from harness.evaluations import evaluate
from harness.models.pixels import unit_pixels
from harness.seeding import seed_of
from harness.spec import AutoAttackSpec
from harness.spec.evaluation import MOST_TARGETS

ALL = ("apgd-ce", "apgd-t", "fab-t", "square")
LEFT = [f"left_by_{attack.replace('-', '_')}" for attack in ALL]


def values(result, metric):
    return [number.value for number in result.measurements if number.metric == metric]


def hits(model, setting, spec):
    return torch.from_numpy(evaluate(model, setting, spec).arrays["hits"])


def library(network, norm, epsilon, seed):
    return AutoAttack(network, norm={"linf": "Linf", "l2": "L2"}[norm], eps=epsilon, seed=seed)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("attack", ALL)
def test_each_attack_leaves_the_images_that_the_library_leaves(norm, attack, smaller, network, spec_of):
    setting, epsilon = smaller(20), {"linf": 0.1, "l2": 0.8}[norm]
    images, labels = unit_pixels(setting.images), setting.labels
    right = network(images).argmax(1) == labels
    first = int(right.nonzero()[0])
    theirs = library(network, norm, epsilon, seed_of(3, "autoattack", attack, f"{epsilon:.6g}", first))
    theirs.attacks_to_run = [attack]
    theirs.square.n_queries, theirs.fab.n_iter = 200, 20
    with torch.random.fork_rng():
        attacked, _ = theirs.run_standard_evaluation(images, labels)
    expected = right & (network(attacked).argmax(1) == labels)
    effort = {"queries": 200, "steps": 20 if attack == "fab-t" else 100, "batch_size": 20, "noise_seed": 3}
    spec = spec_of("autoattack", norm=norm, max_epsilon=epsilon, sizes=2, attacks=(attack,), **effort)
    assert hits(network, setting, spec).tolist() == [right.tolist(), expected.tolist()]
    assert expected.sum() < right.sum()


def test_the_defaults_are_those_of_the_standard_version(network):
    spec, theirs = AutoAttackSpec(max_epsilon=0.1), library(network, "linf", 0.1, 0)
    assert [*spec.attacks] == theirs.attacks_to_run
    assert {spec.steps} == {theirs.apgd.n_iter, theirs.apgd_targeted.n_iter, theirs.fab.n_iter}
    assert spec.queries == theirs.square.n_queries
    assert {MOST_TARGETS} == {theirs.apgd_targeted.n_target_classes, theirs.fab.n_target_classes}


def test_of_a_plane_what_is_farther_away_than_the_size_is_left(plane, smaller, spec_of):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(100, 156, (60, 1, 8, 8), generator=generator).to(torch.uint8)  # so that nothing is clipped
    normal = torch.randn(64, generator=generator)
    model = plane(normal, 0.1)
    logits = model(unit_pixels(images))
    labels = logits.argmax(1)
    setting = smaller(60, images=images, labels=labels)
    for norm, of in (("linf", normal.abs().sum()), ("l2", normal.norm())):
        away = (logits[:, 0] - logits[:, 1]).abs() / (2 * of)
        largest = float(away.quantile(0.6))
        for attack in ("apgd-ce", "fab-t"):
            spec = spec_of("autoattack", norm=norm, max_epsilon=largest, attacks=(attack,), steps=30, n_images=60)
            found = hits(model, setting, spec)
            for row, epsilon in zip(found[1:], (largest / 2, largest), strict=True):
                clear = (away - epsilon).abs() > 0.02 * epsilon
                assert torch.equal(row[clear], (away > epsilon)[clear])
                assert 0 < row.sum() < 60


def test_where_gradients_are_hidden_only_the_search_without_them_finds_something(smaller, network, spec_of):
    class Hidden(nn.Module):
        """Shattered gradients: the pixels are rounded before they are looked at."""

        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, images):
            return self.network((images * 255).round() / 255)

    spec = spec_of("autoattack", max_epsilon=0.15, sizes=2, steps=5, queries=200, n_images=40)
    plain, hidden = (evaluate(model.eval(), smaller(40), spec) for model in (network, Hidden()))
    clean = values(hidden, "accuracy")[0]
    # APGD begins with a random step, which may already be enough for some images
    assert values(hidden, LEFT[2])[0] > 0.5 * clean > values(plain, LEFT[2])[0]
    assert values(hidden, LEFT[3])[0] < values(hidden, LEFT[2])[0] - 0.1
    assert values(hidden, "accuracy") == [clean, values(hidden, LEFT[3])[0]]


def test_what_fell_is_attacked_no_more(smaller, network, spec_of):
    setting = smaller(40)
    result = evaluate(network, setting, spec_of("autoattack", max_epsilon=0.2, sizes=4, n_images=None))
    found = torch.from_numpy(result.arrays["hits"])
    assert found.shape == (4, 40)
    assert all(not (later & ~earlier).any() for earlier, later in pairwise(found))
    assert values(result, "accuracy") == (found.sum(1).double() / 40).tolist()
    for index, left in enumerate(zip(*(values(result, metric) for metric in LEFT), strict=True), start=1):
        stages = [values(result, "accuracy")[index - 1], *left]
        assert stages == sorted(stages, reverse=True)
        assert stages[-1] == values(result, "accuracy")[index]
    alone = spec_of("autoattack", attacks=("square",), max_epsilon=0.2, sizes=2, n_images=None)
    asked = [evaluate(model, setting, alone).images_classified for model in (network, _wrong(network))]
    assert asked[1] == 40 + 1, "an image that is wrong from the beginning is not attacked"
    assert asked[0] > asked[1]


def _wrong(network):
    model = copy.deepcopy(network)
    model.register_forward_hook(lambda module, inputs, logits: logits.roll(1, 1))
    return model


@pytest.mark.parametrize(("factor", "fallen"), [(0, 0), (1, 1), (2, 0)])
def test_what_exceeds_its_size_or_is_classified_right_does_not_count(
    factor, fallen, smaller, network, spec_of, monkeypatch
):
    class Reckless:
        def __init__(self, model, **options):
            self.epsilon = options["eps"]

        def perturb(self, images, labels):
            return torch.stack([images[0] + factor * self.epsilon, *images[1:]])

    monkeypatch.setattr("pyautoattack.square.SquareAttack", Reckless)
    setting, fragile = smaller(20), copy.deepcopy(network)
    known = unit_pixels(setting.images).flatten(1)

    def misled(module, inputs, logits):
        changed = (inputs[0].flatten(1)[:, None] != known).any(2).all(1)
        return torch.where(changed[:, None], logits.roll(1, 1), logits)

    fragile.register_forward_hook(misled)
    found = hits(fragile, setting, spec_of("autoattack", attacks=("square",), sizes=2))
    assert found[0].sum() > 10
    assert found[0].sum() - found[1].sum() == fallen


def test_a_seed_of_its_own_draws_other_numbers_and_the_order_of_attacks_does_not_matter_to_them(
    smaller, network, spec_of
):
    def found(**changes):
        spec = spec_of(
            "autoattack", **{"max_epsilon": 0.08, "sizes": 2, "attacks": ("square",), "queries": 30} | changes
        )
        return hits(network, smaller(120), spec).tolist()

    assert found() == found() != found(noise_seed=1)


def test_fewer_classes_than_a_targeted_attack_asks_for_are_all_tried(plane, smaller, spec_of, linear):
    two = plane(torch.randn(64, generator=torch.Generator().manual_seed(0)))
    setting = smaller(20, labels=two(unit_pixels(smaller(20).images)).argmax(1))
    with pytest.raises(NotEvaluable, match="apgd-t needs 4 classes or more, here are 2; leave it out"):
        evaluate(two, setting, spec_of("autoattack"))
    result = evaluate(two, setting, spec_of("autoattack", attacks=("apgd-ce", "fab-t", "square")))
    assert values(result, "accuracy")[-1] < values(result, "accuracy")[0] == 1


def test_the_first_attack_ends_when_all_images_have_fallen(smaller, network, spec_of):
    spec = spec_of("autoattack", attacks=("apgd-ce",), max_epsilon=0.5, sizes=2, steps=100)
    result = evaluate(network, smaller(20), spec)
    assert values(result, "accuracy")[1] == 0
    assert result.images_classified < 20 * 10


class Wrapped(nn.Module):
    """The network between something done to its images and something done to its logits."""

    def __init__(self, network, images=lambda shown: shown, logits=lambda told: told):
        super().__init__()
        self.network, self.images, self.logits = network, images, logits

    def forward(self, images):
        return self.logits(self.network(self.images(images)))


@pytest.mark.parametrize(
    "changed",
    [
        {"images": lambda shown: shown.mul_(1)},
        {"logits": lambda told: told.double()},
        {"logits": lambda told: told.half()},
    ],
    ids=["writes over its images", "float64", "float16"],
)
def test_what_a_network_of_ones_own_may_do_the_library_bears(changed, smaller, network, spec_of):
    model = Wrapped(network, **changed).eval()
    for attack in ALL:
        spec = spec_of("autoattack", max_epsilon=0.15, sizes=2, attacks=(attack,), queries=100)
        found, expected = (hits(each, smaller(30), spec) for each in (model, network))
        assert found[0].tolist() == expected[0].tolist()
        assert found[1].sum() < found[0].sum()
        assert (found != expected).sum() <= 3, "half of float32's digits lead nearly there"


def test_a_model_without_gradients_is_left_to_the_search(smaller, network, spec_of):
    model = Wrapped(network, images=lambda shown: (255 * shown).to(torch.uint8) / 255).eval()
    for attack in ALL[:3]:
        with pytest.raises(NotEvaluable, match=r'no gradient .* say attacks = \["square"\]'):
            evaluate(model, smaller(20), spec_of("autoattack", attacks=(attack, "square")))
    found = hits(model, smaller(30), spec_of("autoattack", max_epsilon=0.2, attacks=("square",), queries=100))
    assert found[-1].sum() < found[0].sum()


@pytest.mark.parametrize("height", [*range(3, 26), 28, 32, 64])
def test_images_that_the_search_in_l2_cannot_tile_are_refused_and_no_others(height, smaller, constant, spec_of):
    spec = spec_of("autoattack", norm="l2", attacks=("square",), sizes=2, queries=1)
    model, label = constant([1.0, 0.0]), torch.zeros(1, dtype=torch.int64)
    search = SquareAttack(lambda shown: model(shown).clone(), norm="L2", eps=0.1, n_queries=1, seed=0)
    for width in (height, height + 2, height + 16):
        images = torch.zeros(1, 1, height, width, dtype=torch.uint8)
        setting = smaller(1, images=images, labels=label)
        with torch.random.fork_rng([]):
            try:
                search.perturb(unit_pixels(images), label)
            except (RuntimeError, ZeroDivisionError):
                with pytest.raises(NotEvaluable, match=f"square in l2 cannot have images of {height} x {width}"):
                    evaluate(model, setting, spec)
            else:
                assert hits(model, setting, spec).all()


def test_the_library_says_nothing(smaller, network, spec_of, capfd, recwarn, caplog):
    saturated = copy.deepcopy(network)
    saturated.register_forward_hook(lambda module, inputs, logits: logits - logits)
    dead = nn.Sequential(saturated, nn.Linear(10, 10)).eval().requires_grad_(False)
    evaluate(dead, dataclasses.replace(smaller(20)), spec_of("autoattack"))
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
