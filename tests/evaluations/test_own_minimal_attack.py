from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from own_code import LIBRARIES

from harness.errors import NotEvaluable, SpecError
from harness.evaluations import evaluate
from harness.models.pixels import unit_pixels

NORMAL = torch.tensor([[3.0], [4.0]])  # length 5 in l2, 7 in the norm that is dual to linf
DISTANCES = (0.02, 0.06, 0.1, 0.14)
"""Of four images from the plane, in l2, but for the rounding of their pixels."""


@pytest.fixture
def planar(plane, smaller):
    """A linear model of two pixels, and four images of its class 0 at known distances; the last one's label is 1."""
    images = torch.round(255 * (0.5 + torch.stack([distance * NORMAL[:, 0] / 5 for distance in DISTANCES])))
    setting = smaller(4, images=images.to(torch.uint8).view(4, 1, 2, 1), labels=torch.tensor([0, 0, 0, 1]))
    return plane(NORMAL[:, 0]), setting


def logits(images):
    """By how much class 0 of the plane's model is ahead."""
    return ((images.flatten(1) - 0.5) * NORMAL[:, 0]).sum(1)


def onto_the_plane(model, images, labels, beyond=1.001):
    """The closest point of the plane in l2, and a little beyond."""
    return images - beyond * (logits(images) / 25)[:, None, None, None] * NORMAL.view(1, 2, 1)


def by_signs(model, images, labels, beyond=1.001):
    """The closest point of the plane in linf, and a little beyond."""
    return images - beyond * (logits(images) / 7)[:, None, None, None]


@pytest.fixture
def measured(planar, spec_of):
    """The result of an attack on the plane's images."""

    def result(attack, **changes):
        model, setting = planar
        spec = spec_of("own_minimal_attack", **{"max_epsilon": None, "sizes": 10} | changes)
        return evaluate(model, dataclasses.replace(setting, attack=attack), spec)

    return result


def median(result):
    return next(number for number in result.measurements if number.metric.startswith("median_"))


def curve(result):
    return {round(number.epsilon, 6): number.value for number in result.measurements if number.metric == "accuracy"}


@pytest.mark.parametrize(("norm", "attack", "dual"), [("l2", onto_the_plane, 5), ("linf", by_signs, 7)])
def test_the_distance_from_a_plane_is_the_one_of_geometry(norm, attack, dual, measured, planar):
    """The fourth image is misclassified, so at distance 0; the median of four lies between the two in the middle."""
    result = measured(attack, norm=norm)
    exact = (logits(unit_pixels(planar[1].images)) / dual).tolist()
    assert result.arrays["distances"] == pytest.approx([*exact[:3], 0], rel=2e-3)
    assert exact[:3] == pytest.approx([distance * 5 / dual for distance in DISTANCES[:3]], abs=3e-3)
    number = median(result)
    assert (number.metric, number.n, number.n_failed) == (f"median_{norm}", 4, 0)
    assert number.value == pytest.approx((exact[0] + exact[1]) / 2, rel=2e-3)


def test_the_accuracy_that_a_size_leaves_is_the_share_of_images_that_are_farther_away(measured):
    result = measured(onto_the_plane, max_epsilon=0.12, sizes=4)
    assert curve(result) == {0.0: 0.75, 0.04: 0.5, 0.08: 0.25, 0.12: 0.0}
    assert {number.n for number in result.measurements} == {4}


def test_a_distance_that_is_a_size_but_for_rounding_keeps_to_it(measured, planar):
    exact = by_signs(None, unit_pixels(planar[1].images), None) - unit_pixels(planar[1].images)
    size = exact.abs().amax((1, 2, 3))[1].item()
    for slack, left in ((1 + 5e-5, 0.25), (1, 0.25), (1 - 5e-5, 0.25), (1 - 5e-4, 0.5)):
        assert curve(measured(by_signs, norm="linf", max_epsilon=size * slack, sizes=2))[round(size * slack, 6)] == left


def test_without_a_largest_size_there_is_the_distance_alone(measured):
    assert [number.metric for number in measured(onto_the_plane).measurements] == ["median_l2"]


def test_the_model_decides_what_is_adversarial_not_the_attack(measured):
    """Of two images the attack stops before the plane: nothing was found for them, and they are infinitely far away."""

    def lazy(model, images, labels):
        beyond = torch.tensor([1.001, 0.99, 0.99, 1.001]).view(4, 1, 1, 1)
        return images + beyond * (onto_the_plane(model, images, labels, beyond=1) - images)

    result = measured(lazy, max_epsilon=1, sizes=2)
    assert result.arrays["distances"].tolist() == [pytest.approx(0.02, abs=3e-3), math.inf, math.inf, 0]
    assert curve(result) == {0.0: 0.75, 1.0: 0.5}
    number = median(result)
    assert (number.value, number.n, number.n_failed) == (None, 2, 2)
    assert number.reason == "the median is infinite: nothing was found for 2 of 4 images"


def test_fewer_failures_than_half_leave_a_median_over_all_images(measured):
    """Of 0, 0.02, 0.06 and infinity: 0.04, and not the 0.02 of those that were found."""

    def misses_the_farthest(model, images, labels):
        far = logits(images) > 0.4
        return torch.where(far.view(-1, 1, 1, 1), images, onto_the_plane(model, images, labels))

    number = median(measured(misses_the_farthest))
    assert (number.n, number.n_failed, number.reason) == (3, 1, None)
    assert number.value == pytest.approx(0.04, abs=3e-3)


def test_distances_are_those_of_images_clipped_to_the_pixels_range(measured, planar):
    def far_outside(model, images, labels):
        return torch.full_like(images, -7)

    found = unit_pixels(planar[1].images[:3]).flatten(1).norm(dim=1)
    assert measured(far_outside).arrays["distances"][:3] == pytest.approx(found.tolist())


def test_a_small_network_keeps_its_clean_accuracy_at_size_0_and_loses_it(network, setting, spec_of):
    """One step of 0.3 along the gradient's sign is an l2 distance of at most 0.3 times 8."""
    [clean] = evaluate(network, setting, spec_of("clean")).measurements
    result = evaluate(network, setting, spec_of("own_minimal_attack", max_epsilon=2.4, sizes=2))
    found = curve(result)
    assert found[0.0] == clean.value > 0.8
    assert found[2.4] == median(result).n_failed / 120 < clean.value


def test_options_and_whole_batches_reach_the_attack(measured):
    seen = []

    def attack(model, images, labels, steps):
        seen.append((len(images), labels.tolist(), steps))
        return images

    measured(attack, options={"steps": 3}, batch_size=3)
    assert seen == [(3, [0, 0, 0], 3), (1, [1], 3)]


def test_random_numbers_are_the_same_each_time_and_others_for_each_batch(measured):
    def attack(model, images, labels):
        drawn.append(float(torch.rand(())))
        return images

    runs = []
    for noise_seed in (0, 0, 1):
        drawn: list[float] = []
        measured(attack, noise_seed=noise_seed, batch_size=2)
        runs.append(tuple(drawn))
    assert runs[0] == runs[1] != runs[2]
    assert len({*runs[0], *runs[2]}) == 4


def test_an_attack_in_place_does_not_change_the_images_that_distances_are_measured_from(measured):
    distances = measured(lambda model, images, labels: images.copy_(onto_the_plane(model, images, labels)))
    assert distances.arrays["distances"][0] == pytest.approx(0.02, abs=3e-3)


@pytest.mark.parametrize(
    ("attack", "error", "said"),
    [
        (lambda model, images, labels: images[:-1], SpecError, r"returns a tensor \(3, 1, 2, 1\) for images \(4,"),
        (lambda model, images, labels: [images], SpecError, "returns a list"),
        (lambda model, images, labels: images / 0 * 0, NotEvaluable, "returns pixels that are not finite$"),
    ],
)
def test_what_are_no_such_images_is_refused(attack, error, said, measured):
    with pytest.raises(error, match=said):
        measured(attack)


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")  # of Foolbox
def test_an_attack_of_foolbox_finds_the_plane(measured, planar):
    result = measured(LIBRARIES.function("libraries.py:with_foolbox"), options={"attack": "DDNAttack", "steps": 100})
    exact = (logits(unit_pixels(planar[1].images)) / 5).tolist()
    assert result.arrays["distances"] == pytest.approx([*exact[:3], 0], rel=0.05)
