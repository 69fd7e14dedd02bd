"""The Boundary attack for whole batches."""

from __future__ import annotations

import dataclasses
import statistics

import pytest
import torch

from harness.evaluations import evaluate
from harness.evaluations.boundary import walk
from harness.evaluations.boundary.attack import attack
from harness.evaluations.boundary.evaluation import sample
from harness.evaluations.boundary.step_sizes import StepSizes
from harness.evaluations.boundary.victims import Victims
from harness.evaluations.classifier import Classifier
from harness.models.pixels import unit_pixels


@pytest.fixture
def attacked(setting):
    """Attacks test images at some positions once; gives victims and what became of them."""

    def run(model, positions, spec, chunk=64, test_images=setting.images):
        numbers = torch.as_tensor(positions)
        images = unit_pixels(test_images[numbers])
        classifier = Classifier(model, dataclasses.replace(setting, chunk=chunk), expected=1)
        victims = Victims(numbers=numbers, images=images, labels=classifier.predictions(images))
        return victims, attack(classifier, victims, spec, 0, lambda share: None)

    return run


def test_results_are_adversarial_closer_than_their_start_and_inside_the_unit_range(attacked, network, spec_of):
    victims, result = attacked(network, range(60), spec_of("boundary", steps=50, start_blends=50))
    assert result.images.shape == result.starts.shape == (60, 1, 8, 8)
    assert result.found.shape == result.queries.shape == (60,)
    assert result.found.all()
    for images in (result.starts, result.images):
        assert (network(images).argmax(1) != victims.labels).all()
        assert images.min() >= 0
        assert images.max() <= 1
    closer = victims.distances(result.images) / victims.distances(result.starts)
    assert closer.max() <= 1
    assert 0.6 < closer.median() < 0.98


def test_an_images_result_does_not_depend_on_its_batch(attacked, linear, spec_of):
    spec = spec_of("boundary", steps=30)
    _, together = attacked(linear(0), range(40), spec)
    for positions, chunk in (([17], 64), ([3, 17, 5], 2), (range(39, -1, -1), 7)):
        _, apart = attacked(linear(0), positions, spec, chunk)
        for field in dataclasses.fields(apart):
            expected = getattr(together, field.name)[torch.as_tensor(positions)]
            assert torch.equal(getattr(apart, field.name), expected), field.name


def test_images_and_repeats_have_directions_of_their_own(setting, linear, spec_of):
    same = dataclasses.replace(setting, images=setting.images[:1].repeat(30, 1, 1, 1), labels=setting.labels[:30])
    result = evaluate(linear(0), same, spec_of("boundary", steps=10))
    assert len({row.distance for row in result.images}) == 60


def test_models_are_attacked_on_the_same_images(setting, linear, spec_of):
    spec = spec_of("boundary", n_images=15)
    chosen = [[row.image for row in evaluate(linear(seed), setting, spec).images] for seed in (0, 1)]
    assert chosen[0] == chosen[1]
    assert len(set(chosen[0])) == 15
    assert chosen[0][:15] == chosen[0][15:] == sample(120, spec).tolist()


def test_a_smaller_sample_is_part_of_a_larger_one(spec_of):
    small, large, everything = (sample(500, spec_of("boundary", n_images=n)) for n in (20, 200, None))
    assert set(small.tolist()) < set(large.tolist()) < set(everything.tolist()) == set(range(500))
    assert small.tolist() == sorted(small.tolist())
    assert sample(500, spec_of("boundary", n_images=20, noise_seed=1)).tolist() != small.tolist()
    forever = [189, 192, 252, 545, 676, 791]  # or stored scores would be of other images
    assert sample(1000, spec_of("boundary", n_images=6)).tolist() == forever


def test_the_score_is_the_median_distance_over_all_channels(setting, linear, spec_of):
    result = evaluate(linear(0), setting, spec_of("boundary"))
    numbers = {(row.metric, row.repeat): row for row in result.measurements}
    assert len(numbers) == len(result.measurements) == 6
    for repeat in (0, 1):
        rows = [row for row in result.images if row.repeat == repeat]
        assert len(rows) == 120
        assert numbers["score", repeat].value == statistics.median(row.distance for row in rows)
        assert numbers["start_score", repeat].value == statistics.median(row.start_distance for row in rows)
        assert numbers["queries", repeat].value == statistics.fmean(row.queries for row in rows)
        assert {numbers[metric, repeat].n for metric in ("score", "start_score", "queries")} == {120}


def test_a_distance_is_the_mean_squared_difference_of_all_pixel_values():
    originals, others = torch.rand(2, 5, 3, 4, 4)
    victims = Victims(numbers=torch.arange(5), images=originals, labels=torch.zeros(5, dtype=torch.int64))
    expected = ((originals - others) ** 2).sum((1, 2, 3)) / 48
    assert torch.allclose(victims.distances(others).float(), expected)


def test_the_models_own_prediction_is_what_must_change(setting, linear, spec_of):
    wrong = dataclasses.replace(setting, labels=(setting.labels + 1) % 10)
    assert evaluate(linear(0), wrong, spec_of("boundary")) == evaluate(linear(0), setting, spec_of("boundary"))


def test_no_steps_leave_the_start(setting, linear, spec_of):
    result = evaluate(linear(0), setting, spec_of("boundary", steps=0))
    assert all(row.distance == row.start_distance for row in result.images)


def test_images_without_a_start_are_counted_and_do_not_sink_the_others(setting, plane, spec_of):
    """Class 0 is what noise is taken for, and everything on the way to it: those images have no start."""
    model = plane(torch.ones(64), 15.0)  # class 0 if the mean is above 17/64, as noise always is
    result = evaluate(model, setting, spec_of("boundary", repeats=1))
    bright = {row for row in range(120) if unit_pixels(setting.images[row]).mean() > 17 / 64}
    failed = {row.image for row in result.images if row.outcome == "no_start"}
    assert failed == bright
    assert 0 < len(failed) < 120
    score, start_score, queries = result.measurements
    assert (score.n, score.n_failed) == (start_score.n, start_score.n_failed) == (120 - len(failed), len(failed))
    assert (queries.n, queries.n_failed) == (120, 0)
    assert all((row.distance is None) == (row.start_distance is None) == (row.image in failed) for row in result.images)
    # one for the image, 20 noise images, 9 blends
    assert {row.queries for row in result.images if row.image in failed} == {30}


def test_without_any_start_there_is_a_reason_instead_of_a_score(setting, constant, spec_of):
    result = evaluate(constant([0.0, 1.0]), setting, spec_of("boundary", repeats=1))
    score, start_score, queries = result.measurements
    assert score.value is start_score.value is None
    assert (score.n, score.n_failed) == (0, 120)
    assert score.reason == "no image had a starting point; the model puts the 120 images into 1 of its classes"
    assert queries.value == 30


def test_a_blend_may_be_adversarial_where_noise_is_not(setting, spec_of):
    """As in Foolbox, the line search follows although no noise image was adversarial."""

    class Between(torch.nn.Module):
        def forward(self, images):
            spread = images.flatten(1).std(1)
            between = (spread > 0.2) & (spread < 0.25)  # noise has 0.29, these digits 0.45
            return torch.stack((between.logical_not().float(), between.float()), 1)

    sharp = dataclasses.replace(setting, images=(setting.images > 127).to(torch.uint8) * 255)
    result = evaluate(Between().eval(), sharp, spec_of("boundary", start_blends=50, start_draws=5))
    outcomes = [row.outcome for row in result.images]
    assert outcomes.count("ok") > 100
    assert all(row.queries > 6 for row in result.images)


def test_rare_adversarial_noise_is_found_within_the_draws(setting, plane, spec_of):
    """Noise that is adversarial once in twenty draws: each image finds one among 200, in an order of its own."""
    noise_sum = torch.rand(2000, 64, generator=torch.Generator().manual_seed(0)).sum(1) - 32
    model = plane(torch.ones(64), -float(noise_sum.quantile(0.05)))
    bright = dataclasses.replace(setting, images=setting.images // 2 + 128)
    result = evaluate(model, bright, spec_of("boundary", start_draws=200, steps=0, repeats=1))
    assert all(row.outcome == "ok" for row in result.images)
    tries = [row.queries for row in result.images]
    assert 15 < statistics.fmean(tries) < 45
    assert len(set(tries)) > 10


def test_walks_that_have_converged_leave_the_batch(setting, linear, spec_of):
    still = evaluate(linear(0), setting, spec_of("boundary", steps=0))
    converged = evaluate(linear(0), setting, spec_of("boundary", steps=50, source_step_convergence=0.02))
    assert converged == still
    # sizes shrink from 0.01 below the threshold when the first 30 entries are in, at step 300
    walked = evaluate(
        linear(0),
        setting.first(10),
        spec_of("boundary", steps=400, repeats=1, source_step=0.3, source_step_convergence=0.25),
    )
    begun = evaluate(linear(0), setting.first(10), spec_of("boundary", steps=0, repeats=1))
    steps = [after.queries - before.queries for after, before in zip(walked.images, begun.images, strict=True)]
    assert set(steps) <= {300, 400}
    assert 300 in steps


@pytest.mark.timeout(60)
def test_a_long_walk_comes_close_to_the_nearest_adversarial_image(attacked, setting, plane, spec_of):
    normal = torch.randn(64, generator=torch.Generator().manual_seed(0))
    model = plane(normal)
    gray = setting.images // 4 + 96  # so that [0, 1] is no obstacle
    spec = spec_of("boundary", steps=600, spherical_step=0.3, source_step=0.05)
    victims, result = attacked(model, range(12), spec, test_images=gray)
    nearest = (model(victims.images)[:, 0] / normal.norm()).square() / 64
    ratio = victims.distances(result.images) / nearest
    assert ratio.min() > 0.999
    assert ratio.max() < 2
    assert (victims.distances(result.starts) / nearest).min() > 10


@pytest.mark.parametrize(("source_step", "length"), [(0.01, 0.3), (0.25, 0.3), (0.5, 0.2)])
def test_a_step_never_leads_outwards_where_clipping_has_come_closer(source_step, length):
    """From (0.9, 0.9) the sphere's point is (1.18, 0.78), which clipping brings to a distance of 0.3."""
    original, best = torch.tensor([[0.9, 0.5]]), torch.tensor([[0.9, 0.9]])
    proposal = walk.propose(original, best, torch.tensor([[1.0, 0.0]]), torch.ones(1), torch.tensor([source_step]))
    assert proposal.distances.item() == pytest.approx(0.4)
    assert proposal.on_sphere[0].tolist() == pytest.approx([1, 0.5 + 0.4 / 2**0.5])
    assert (original - proposal.inside).norm().item() == pytest.approx(length)


def test_a_step_that_has_grown_beyond_the_original_ends_at_the_border():
    original, best = torch.tensor([[1.0, 0.5]]), torch.tensor([[0.6, 0.5]])
    proposal = walk.propose(original, best, torch.tensor([[0.0, 1.0]]), torch.zeros(1), torch.tensor([2.0]))
    assert proposal.inside[0].tolist() == [1.0, 0.5]


def test_queries_on_the_sphere_are_asked_only_where_they_can_matter(setting, linear, spec_of, monkeypatch):
    monkeypatch.setattr(walk, "SPHERE_WINDOW", 4)  # an entry every 10 steps: full after 40

    def queries(steps):
        spec = spec_of("boundary", steps=steps, repeats=1)
        [row] = evaluate(linear(0), setting.first(1), spec).images
        return row.queries

    begun = queries(0)
    assert queries(40) == begun + 40
    assert queries(41) == begun + 41 + 4


def test_step_sizes_grow_and_shrink_as_rates_say(spec_of):
    spec = spec_of("boundary")
    sizes = StepSizes(4, spec, torch.device("cpu"))
    often, seldom = torch.tensor([True, False, True, False]), torch.tensor([True, False, False, True])
    for _ in range(29):
        sizes.adapt(None, often)
    assert sizes.source.tolist() == pytest.approx([0.01] * 4)
    sizes.adapt(None, often)
    assert sizes.source.tolist() == pytest.approx([0.015, 0.01 / 1.5, 0.015, 0.01 / 1.5])
    assert sizes.spherical.tolist() == pytest.approx([0.01] * 4)
    for _ in range(100):
        sizes.adapt(seldom, often)
    assert sizes.spherical.tolist() == pytest.approx([0.015, 0.01 / 1.5, 0.01 / 1.5, 0.015])
    # by whole proposals once in 30 entries, four times in 130, and by those on the sphere once
    assert sizes.source.tolist() == pytest.approx([0.01 * 1.5**times for times in (4 + 1, -4 - 1, 4 - 1, -4 + 1)])
