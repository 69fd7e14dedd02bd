"""The batched Boundary attack is Foolbox's: exactly with the same random numbers, in distribution with its own."""

from __future__ import annotations

import warnings

import pytest
import torch
from scipy import stats

from harness.evaluations import evaluate
from harness.evaluations.boundary import attack, reference
from harness.evaluations.boundary.step_sizes import SPHERE_WINDOW, STEP_WINDOW, StepSizes
from harness.evaluations.boundary.victims import Victims
from harness.evaluations.classifier import Classifier
from harness.models.pixels import unit_pixels
from harness.seeding import image_streams, normal, uniform

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eagerpy
    from foolbox.attacks.boundary_attack import ArrayQueue


@pytest.fixture
def same_numbers(monkeypatch):
    """Makes Foolbox draw, for the image and repeat 0, the numbers that the own attack draws."""

    def use(number: int, spec) -> None:
        images = torch.tensor([number])
        pool = uniform(image_streams(torch.arange(spec.start_draws), 0, "boundary", 0, "noise"), 64)
        order = uniform(image_streams(images, 0, "boundary", 0, "order"), spec.start_draws)[0].argsort()
        noise = iter(pool[order].view(-1, 1, 1, 8, 8))
        walk, position = image_streams(images, 0, "boundary", 0, "walk"), iter(range(0, 10**9, 64))
        monkeypatch.setattr(eagerpy, "uniform", lambda *_: eagerpy.astensor(next(noise)))
        monkeypatch.setattr(eagerpy, "normal", lambda *_: eagerpy.astensor(normal(walk, 64, next(position)).T))

    return use


def run_both(setting, model, numbers, spec, same_numbers):
    images = unit_pixels(setting.images[numbers])
    classifier = Classifier(model, setting, expected=1)
    victims = Victims(numbers=numbers, images=images, labels=classifier.predictions(images))
    own = attack.attack(classifier, victims, spec, 0, lambda share: None)
    theirs = []
    for row, number in enumerate(numbers.tolist()):
        same_numbers(number, spec)
        alone = Victims(**{name: part[row : row + 1] for name, part in vars(victims).items()})
        theirs.append(reference.attack(classifier, alone, spec, 0, lambda share: None))
    columns = {name: torch.cat([getattr(one, name) for one in theirs]) for name in vars(own)}
    return victims, own, type(own)(**columns)


@pytest.mark.parametrize("changes", [{}, {"spherical_step": 0.3, "source_step": 0.05, "start_blends": 7}])
def test_with_the_same_random_numbers_it_is_the_same_attack(setting, network, spec_of, same_numbers, changes):
    spec = spec_of("boundary", **{"steps": 50, "start_blends": 50} | changes)
    victims, own, theirs = run_both(setting, network, torch.arange(15), spec, same_numbers)
    assert torch.equal(own.found, theirs.found)
    assert torch.allclose(own.starts, theirs.starts, atol=1e-6)
    same = torch.isclose(victims.distances(own.images), victims.distances(theirs.images), rtol=1e-4)
    # an image whose step is adversarial or not by a hair's breadth goes another way: none or one
    assert same.sum() >= 14
    # Foolbox also asks about the image and the start, and every 10 steps on the sphere
    assert set((theirs.queries - own.queries)[own.found].tolist()) <= {7, 8}


def test_long_walks_adapt_their_steps_as_foolboxs_do(setting, linear, spec_of, same_numbers):
    spec = spec_of("boundary", steps=1100, spherical_step=0.1, source_step=0.1)
    victims, own, theirs = run_both(setting, linear(0), torch.arange(2), spec, same_numbers)
    assert torch.isclose(victims.distances(own.images), victims.distances(theirs.images), rtol=1e-3).any()
    assert set((theirs.queries - own.queries).tolist()) <= {2, 3}


def test_images_without_a_start_fail_alone(setting, plane, spec_of, same_numbers):
    """Half of the digits are of the class that all noise is in."""
    spec = spec_of("boundary", start_draws=5)
    _, own, theirs = run_both(setting, plane(torch.ones(64), 15.0), torch.arange(30), spec, same_numbers)
    assert torch.equal(own.found, theirs.found)
    assert 0 < own.found.sum() < 30


@pytest.mark.parametrize("spherical_rate", [0.1, 0.3, 0.8])
@pytest.mark.parametrize("step_rate", [0.02, 0.2, 0.5])
def test_step_sizes_follow_foolboxs_queues(spec_of, spherical_rate, step_rate):
    spec, n = spec_of("boundary"), 20
    sizes = StepSizes(n, spec, torch.device("cpu"))
    spherical, source = torch.full((n,), spec.spherical_step), torch.full((n,), spec.source_step)
    spheres, steps = ArrayQueue(SPHERE_WINDOW, n), ArrayQueue(STEP_WINDOW, n)
    generator = torch.Generator().manual_seed(0)
    for _ in range(250):
        on_sphere = torch.rand(n, generator=generator) < spherical_rate
        stepped = torch.rand(n, generator=generator) < step_rate
        sizes.adapt(on_sphere, stepped)
        for queue, seen, low, high, changed in (
            (spheres, on_sphere, 0.2, 0.5, (spherical, source)),
            (steps, stepped, 0.1, 0.25, (source,)),
        ):
            queue.append(eagerpy.astensor(seen))
            full = queue.isfull().raw
            if full.any():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)  # the mean of an empty queue
                    rate = queue.mean().raw
                grow, shrink = full & (rate > high), full & (rate < low)
                for size in changed:
                    size[grow] *= spec.step_adaptation
                    size[shrink] /= spec.step_adaptation
                queue.clear(eagerpy.astensor(grow | shrink))
        assert torch.allclose(sizes.spherical, spherical, rtol=1e-4)
        assert torch.allclose(sizes.source, source, rtol=1e-4)


@pytest.mark.parametrize(
    ("n_images", "steps", "repeats"),
    [(40, 20, 1), pytest.param(80, 50, 5, marks=pytest.mark.slow), pytest.param(40, 600, 1, marks=pytest.mark.slow)],
)
def test_its_distances_are_distributed_as_foolboxs(setting, network, spec_of, n_images, steps, repeats):
    """The same images, each attacked alone by Foolbox with random numbers of its own."""
    spec = spec_of("boundary", n_images=n_images, steps=steps, start_blends=20, start_draws=100, repeats=repeats)
    own, theirs = (evaluate(network, setting, spec.replaced(backend=name)) for name in ("own", "foolbox"))
    assert [row.image for row in own.images] == [row.image for row in theirs.images]
    assert {row.outcome for row in own.images + theirs.images} == {"ok"}
    for field in ("start_distance", "distance"):
        one, other = ([getattr(row, field) for row in result.images] for result in (own, theirs))
        assert one != other
        assert stats.ks_2samp(one, other).pvalue > 0.05
        assert stats.wilcoxon(one, other).pvalue > 0.05  # paired by image, which sees far smaller shifts
    # Foolbox also asks about the image and the start, and every 10 steps on the sphere
    more = [b.queries - a.queries for a, b in zip(own.images, theirs.images, strict=True)]
    assert abs(sum(more) / len(more) - 2 - steps // 10) < 3


def test_foolbox_leaves_the_global_generator_alone_and_gives_each_image_its_result(setting, network, spec_of):
    spec = spec_of("boundary", n_images=3, backend="foolbox")
    before = torch.get_rng_state()
    first = evaluate(network, setting, spec)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert evaluate(network, setting, spec) == first
    assert first.images_classified == sum(row.queries for row in first.images) - 3  # one per image, not per repeat
    fewer = evaluate(network, setting, spec.replaced(n_images=2))
    numbers = {row.image for row in fewer.images}
    assert fewer.images == tuple(row for row in first.images if row.image in numbers)


def test_an_image_that_foolbox_finds_no_start_for_is_counted(setting, constant, spec_of):
    spec = spec_of("boundary", n_images=3, backend="foolbox", repeats=1)
    score, _, queries = evaluate(constant([0.0, 1.0]), setting, spec).measurements
    assert (score.value, score.n_failed) == (None, 3)
    assert queries.value == 1 + 20 + 11 + 1  # the image, noise, 0 to 10 tenths of it, the start


def test_other_errors_of_foolbox_are_not_hidden(setting, network, spec_of, monkeypatch):
    def broken(*_):
        raise ValueError("something else")

    monkeypatch.setattr(eagerpy, "normal", broken)
    with pytest.raises(ValueError, match="something else"):
        evaluate(network, setting, spec_of("boundary", n_images=3, backend="foolbox"))
