from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from harness.evaluations import evaluate
from harness.evaluations.boundary import attack as boundary
from harness.evaluations.boundary.victims import Victims
from harness.evaluations.classifier import Classifier
from harness.evaluations.hop_skip_jump.start import find_starts
from harness.models.pixels import unit_pixels

CONVERGED = {"queries": 5000, "first_samples": 100, "max_epsilon": None, "sizes": 10}


def number(result, metric):
    return next(each for each in result.measurements if each.metric == metric)


@pytest.fixture
def classified(setting, network):
    """The network's classes of all test images."""
    with torch.inference_mode():
        return network(unit_pixels(setting.images)).argmax(1)


@pytest.mark.parametrize(("norm", "dual", "most"), [("l2", 2, 1.03), ("linf", 1, 1.06)])
def test_the_distance_from_a_plane_is_nearly_the_one_of_geometry(norm, dual, most, smaller, plane, spec_of):
    """The nearest point of a plane is |n (x - 0.5)| away, over the length of n in the dual norm."""
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(64, generator=generator)
    images = torch.randint(100, 156, (12, 1, 8, 8), generator=generator, dtype=torch.uint8)
    ahead = ((unit_pixels(images).flatten(1) - 0.5) * normal).sum(1)
    labels = (ahead < 0).long()
    setting = smaller(12, images=images, labels=labels)
    result = evaluate(plane(normal), setting, spec_of("hop_skip_jump", norm=norm, **CONVERGED))
    exact = (ahead.abs() / torch.linalg.vector_norm(normal, dual)).numpy()
    found = result.arrays["distances"]
    assert (found >= exact * (1 - 1e-4)).all()
    assert np.median(found / exact) < most
    assert number(result, f"median_{norm}").value == pytest.approx(np.median(found))


def test_no_image_takes_more_queries_than_it_may_and_what_is_found_comes_nearer(setting, network, spec_of):
    for queries in (1, 30, 60, 150, 400):
        result = evaluate(network, setting, spec_of("hop_skip_jump", queries=queries))
        taken, distances = result.arrays["queries_by_step"], result.arrays["distances_by_step"]
        assert len(taken) == len(distances) == 1 + sum(1 for step in np.diff(taken, axis=0) if step.any())
        assert (np.diff(taken, axis=0) >= 0).all()
        assert (np.diff(distances, axis=0) <= 0).all()
        later = taken[1:] > taken[0]
        assert (taken[1:][later] <= queries).all()
        assert distances[-1].tolist() == result.arrays["distances"].tolist()
    assert number(result, "queries").value == pytest.approx(taken[-1][distances[-1] > 0].mean())


def test_more_queries_go_on_where_fewer_end(setting, network, spec_of):
    few, many = (evaluate(network, setting, spec_of("hop_skip_jump", queries=each)).arrays for each in (150, 600))
    steps = len(few["queries_by_step"]) - 1  # the last of which some could not take
    for name in ("queries_by_step", "distances_by_step"):
        assert many[name][:steps].tolist() == few[name][:steps].tolist()
    assert np.median(many["distances"]) < 0.8 * np.median(few["distances"])


def test_what_becomes_of_an_image_depends_neither_on_the_others_nor_on_their_number(setting, network, spec_of):
    spec = spec_of("hop_skip_jump", n_images=None)
    whole = evaluate(network, setting, spec)
    part = evaluate(network, setting.first(37), spec)
    assert part.arrays["distances"] == pytest.approx(whole.arrays["distances"][:37], rel=1e-4)


def test_images_that_the_model_gets_wrong_are_at_distance_0_and_cost_no_query(setting, network, classified, spec_of):
    labels = setting.labels.clone()
    labels[:20] = (classified[:20] + 1) % 10
    result = evaluate(network, dataclasses.replace(setting, labels=labels), spec_of("hop_skip_jump"))
    wrong = classified != labels
    assert (result.arrays["distances"] == 0).tolist() == wrong.tolist()
    assert (result.arrays["queries_by_step"][-1] == 0).tolist() == wrong.tolist()
    assert number(result, "queries").n == int((~wrong).sum())
    curve = [each.value for each in result.measurements if each.metric == "accuracy"]
    assert curve[0] == pytest.approx(float((~wrong).double().mean()))
    assert curve == sorted(curve, reverse=True)


def test_a_model_that_is_always_wrong_is_not_attacked(setting, linear, spec_of):
    model = linear(0)
    with torch.inference_mode():
        labels = (model(unit_pixels(setting.images)).argmax(1) + 1) % 10
    result = evaluate(model, dataclasses.replace(setting, labels=labels), spec_of("hop_skip_jump"))
    assert number(result, "median_l2").value == 0
    asked = number(result, "queries")
    assert (asked.value, asked.n, asked.reason) == (None, 0, "the model gets no image right, so none was attacked")
    assert result.images_classified == len(labels)


class Noisy(nn.Module):
    """A network that takes whatever is bright on the left, where digits are dark, for a class of its own choice."""

    def __init__(self, network: nn.Module, favourite: int) -> None:
        super().__init__()
        self.network = network
        self.favourite = favourite

    def forward(self, images):
        noisy = images[..., 0].flatten(1).amax(1) > 0.5
        logits = self.network(images)
        favourite = 1e3 * nn.functional.one_hot(torch.tensor(self.favourite), logits.shape[1])
        return torch.where(noisy[:, None], favourite, logits)


def test_where_noise_is_of_the_models_own_class_the_next_image_of_another_class_is_the_start(setting, network, spec_of):
    model = Noisy(network, favourite=3).eval()
    spec = spec_of("hop_skip_jump", queries=400)
    classifier = Classifier(model, setting, expected=1)
    images = unit_pixels(setting.images)
    predictions = classifier.predictions(images)
    numbers = (predictions == setting.labels).nonzero().flatten()
    victims = Victims(numbers=numbers, images=images[numbers], labels=setting.labels[numbers])
    found = find_starts(classifier, victims, setting.images, predictions, spec)
    assert found.found.all()
    assert (classifier.predictions(found.images) != victims.labels).all()
    threes = [row for row, label in enumerate(victims.labels.tolist()) if label == 3]
    assert len(threes) > 3
    for row in threes:
        tries = next(each for each in range(1, 121) if predictions[(numbers[row] + each) % 120] != 3)
        assert torch.equal(found.images[row], images[(numbers[row] + tries) % 120])
        assert found.queries[row] == spec.start_draws + tries
    assert np.isfinite(evaluate(model, setting, spec).arrays["distances"]).all()


def test_a_model_of_one_class_has_no_start_and_no_median(setting, constant, spec_of):
    model = constant([0.0, 0.0, 0.0, 1.0])
    mostly = dataclasses.replace(setting, labels=torch.full_like(setting.labels, 3))
    median = number(evaluate(model, mostly, spec_of("hop_skip_jump")), "median_l2")
    assert (median.value, median.n, median.n_failed) == (None, 0, 120)
    assert median.reason == "the median is infinite: nothing was found for 120 of 120 images"


def test_it_comes_nearer_than_the_boundary_attack_with_as_many_queries(setting, network, classified, spec_of):
    right = (classified == setting.labels).nonzero().flatten()[:30]
    images = unit_pixels(setting.images[right])
    victims = Victims(numbers=right, images=images, labels=setting.labels[right])
    spec = spec_of("boundary", steps=1000, start_draws=100, start_blends=50)
    walked = boundary.attack(Classifier(network, setting, expected=1), victims, spec, 0, lambda share: None)
    nearest = torch.linalg.vector_norm((walked.images - images).flatten(1), dim=1)
    result = evaluate(network, setting, spec_of("hop_skip_jump", **CONVERGED | {"queries": 1000}))
    assert result.arrays["queries_by_step"][-1].max() <= 1000 <= walked.queries.min()
    assert np.median(result.arrays["distances"][right]) < 0.8 * nearest.median()


def test_it_comes_as_near_as_foolboxs_with_no_more_queries(setting, network, classified, spec_of):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import foolbox
    right = (classified == setting.labels).nonzero().flatten()[:12]
    images, labels = unit_pixels(setting.images[right]), setting.labels[right]
    asked = 0

    class Counted(nn.Module):
        def forward(self, images):
            nonlocal asked
            asked += len(images)
            return network(images)

    torch.manual_seed(0)
    theirs = foolbox.attacks.HopSkipJumpAttack(steps=8)
    _, closest, _ = theirs(foolbox.PyTorchModel(Counted().eval(), bounds=(0, 1)), images, labels, epsilons=None)
    distances = torch.linalg.vector_norm((closest - images).flatten(1), dim=1).numpy()
    queries = asked // len(right)
    result = evaluate(network, setting, spec_of("hop_skip_jump", **CONVERGED | {"queries": queries}))
    assert np.median(result.arrays["distances"][right.numpy()] / distances) < 1.1
