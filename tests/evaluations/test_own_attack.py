from __future__ import annotations

import dataclasses

import pytest
import torch

from harness.errors import NotEvaluable, SpecError
from harness.evaluations import evaluate
from harness.evaluations.fgsm_transfer import gradient_signs
from harness.models.pixels import unit_pixels


@pytest.fixture
def attacked(setting, network, spec_of):
    """The accuracies of the small network under an attack."""

    def accuracies(attack, **changes):
        result = evaluate(network, dataclasses.replace(setting, attack=attack), spec_of("own_attack", **changes))
        return [number.value for number in result.measurements]

    return accuracies


def test_accuracies_are_those_of_what_the_attack_returns(attacked, setting, network, spec_of):
    """One step along the network's own gradient is FGSM with the network as its substitute."""
    images = unit_pixels(setting.images)
    signs = gradient_signs(network, images, setting.labels)
    places = {images[i].numpy().tobytes(): i for i in range(len(images))}

    def fgsm(model, images, labels, epsilon):
        rows = [places[image.numpy().tobytes()] for image in images]
        return images + epsilon * signs[rows]

    own = dataclasses.replace(setting, substitute=network)
    expected = [number.value for number in evaluate(network, own, spec_of("fgsm_transfer")).measurements]
    assert attacked(fgsm, batch_size=7) == expected
    assert expected[-1] < expected[0]


def test_hits_say_of_each_image_in_its_place_whether_it_was_right(setting, network, spec_of):
    def half_white(model, images, labels, epsilon):
        return torch.where(torch.arange(len(images)).view(-1, 1, 1, 1) % 2 == 0, images, 1.0)

    spec = spec_of("own_attack", norm="none", batch_size=30)
    result = evaluate(network, dataclasses.replace(setting, attack=half_white), spec)
    with torch.inference_mode():
        right = network(unit_pixels(setting.images)).argmax(1) == setting.labels
        white = network(torch.ones_like(unit_pixels(setting.images))).argmax(1) == setting.labels
    even = torch.arange(len(right)) % 2 == 0
    hits = torch.from_numpy(result.arrays["hits"])
    assert torch.equal(hits, torch.stack([right, *[right.where(even, white)] * 2]))
    assert [number.value for number in result.measurements] == hits.double().mean(1).tolist()


def test_options_reach_the_attack(attacked):
    seen = []

    def attack(model, images, labels, epsilon, steps):
        seen.append((len(images), round(epsilon, 6), steps))
        return images

    attacked(attack, options={"steps": 3}, batch_size=50)
    assert seen == [(n, epsilon, 3) for n in (50, 50, 20) for epsilon in (0.1, 0.2)]


def test_random_numbers_are_the_same_each_time_and_others_for_each_batch_and_size(attacked):
    def attack(model, images, labels, epsilon):
        drawn.append(float(torch.rand(())))
        return images

    state, runs = torch.get_rng_state(), []
    for noise_seed in (0, 0, 1):
        drawn: list[float] = []
        attacked(attack, noise_seed=noise_seed, batch_size=60)
        runs.append(tuple(drawn))
    assert runs[0] == runs[1] != runs[2]
    assert len({*runs[0], *runs[2]}) == 8
    assert torch.equal(torch.get_rng_state(), state)


def test_an_attack_in_place_does_not_change_the_images_that_its_size_is_measured_from(attacked):
    with pytest.raises(NotEvaluable, match="moves an image by"):
        attacked(lambda model, images, labels, epsilon: images.add_(2 * epsilon))


def test_an_attack_that_writes_over_its_labels_does_not_change_what_is_right(attacked):
    def relabel(model, images, labels, epsilon):
        labels.zero_()
        return images

    clean, *same = attacked(relabel)
    assert clean > 0.8
    assert same == [clean, clean]


def test_pixels_beyond_the_range_are_clipped_before_the_size_is_measured(attacked):
    def bright(model, images, labels, epsilon):
        return torch.where(images == 1, images + 10, images)

    assert len(set(attacked(bright))) == 1


@pytest.mark.parametrize(
    ("norm", "bound"), [("linf", lambda epsilon, size: epsilon), ("l2", lambda epsilon, size: epsilon / size**0.5)]
)
def test_an_attack_keeps_to_its_size_in_its_norm(norm, bound, attacked):
    def inward(times):
        def attack(model, images, labels, epsilon):
            step = times * bound(epsilon, images[0].numel())
            return torch.where(images > 0.5, images - step, images + step)

        return attack

    assert len(attacked(inward(1.0), norm=norm)) == 3
    with pytest.raises(NotEvaluable, match=rf"own\.py:attack moves an image by .* \({norm}\) where its size is 0\.1"):
        attacked(inward(1.01), norm=norm)
    assert len(attacked(inward(1.01), norm="none")) == 3


def test_one_image_that_is_moved_too_far_is_enough_to_refuse(attacked):
    def far(model, images, labels, epsilon):
        step = torch.zeros(len(images), 1, 1, 1)
        step[-1] = 1.01 * epsilon
        return torch.where(images > 0.5, images - step, images + step)

    with pytest.raises(NotEvaluable, match="moves an image by"):
        attacked(far)


@pytest.mark.parametrize(
    ("attack", "error", "said"),
    [
        (lambda model, images, labels, epsilon: images[:-1], SpecError, r"returns a tensor \(99, 1, 8, 8\)"),
        (lambda model, images, labels, epsilon: (images, labels), SpecError, "returns a tuple"),
        (lambda model, images, labels, epsilon: (255 * images).byte(), SpecError, "floating-point numbers in"),
        (lambda model, images, labels, epsilon: images / 0 * 0, NotEvaluable, "pixels that are not finite at size 0.1"),
        (lambda model, images, labels, epsilon: images + torch.inf, NotEvaluable, "pixels that are not finite at size"),
    ],
)
def test_what_are_no_such_images_is_refused(attack, error, said, attacked):
    with pytest.raises(error, match=said):
        attacked(attack)


@pytest.mark.parametrize("kind", ["own_attack", "own_minimal_attack"])
def test_whatever_an_attack_does_to_its_model_changes_no_result(kind, setting, network, spec_of):
    def polite(model, images, labels, epsilon=None):
        assert not model.training
        assert torch.is_grad_enabled()
        return images

    def rude(model, images, labels, epsilon=None):
        polite(model, images, labels)
        model.train()
        with torch.no_grad():
            for tensor in (*model.parameters(), *model.buffers()):
                tensor.zero_()
        model.register_forward_hook(lambda module, inputs, logits: -logits)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        return images

    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    clean = evaluate(network, setting, spec_of("clean")).measurements
    results = [
        evaluate(network, dataclasses.replace(setting, attack=attack), spec_of(kind, batch_size=50)).measurements
        for attack in (polite, rude)
    ]
    assert results[0] == results[1]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert evaluate(network, setting, spec_of("clean")).measurements == clean
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
