"""What holds for every row of EVALUATIONS."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import subprocess
import sys

import pytest
import torch
from pretended_device import DEVICE, pretended_device
from torch import nn

from harness.errors import NotEvaluable
from harness.evaluations import EVALUATIONS, evaluate
from harness.measurement import EvaluationResult
from harness.models.pixels import unit_pixels
from harness.spec.evaluation import EVALUATION_SPECS
from harness.torch_settings import compute_exactly

CURVES = ["gaussian", "uniform", "salt_pepper", "fgsm_transfer"]
ACCURACIES = ["clean", *CURVES, "corruption", "fourier"]


def comparable(result: EvaluationResult) -> tuple[object, ...]:
    """Everything in a result, arrays as bytes."""
    arrays = {name: (array.shape, array.tobytes()) for name, array in result.arrays.items()}
    return result.measurements, result.images, arrays, result.images_classified


every_kind = pytest.mark.parametrize("kind", EVALUATIONS)


def test_every_kind_of_spec_has_an_evaluation_and_a_version():
    assert EVALUATIONS.keys() == EVALUATION_SPECS.keys()
    assert all("version" in vars(spec) for spec in EVALUATION_SPECS.values()), "each is raised alone"


@every_kind
def test_repeating_an_evaluation_gives_the_same_numbers(kind, setting, linear, spec_of):
    torch.manual_seed(1)
    first = evaluate(linear(0), setting, spec_of(kind))
    torch.manual_seed(2)
    assert comparable(evaluate(linear(0), setting, spec_of(kind))) == comparable(first)


@every_kind
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_chunk_size_does_not_change_a_number(kind, chunk, smaller, linear, spec_of):
    results = [evaluate(linear(0), smaller(40, chunk=size), spec_of(kind)) for size in (64, chunk)]
    assert comparable(results[0]) == comparable(results[1])


def on(device, setting, network):
    """The network and what it is to classify, on a device; it is attacked with its own gradients."""
    model, images, labels = (each.to(device) for each in (copy.deepcopy(network), setting.images, setting.labels))
    return model, dataclasses.replace(setting, images=images, labels=labels, substitute=model)


@every_kind
def test_another_device_gives_the_same_numbers(kind, setting, network, spec_of):
    expected = evaluate(*on("cpu", setting, network), spec_of(kind))
    with pretended_device():
        found = evaluate(*on(DEVICE, setting, network), spec_of(kind))
    assert comparable(found) == comparable(expected)


@pytest.mark.parametrize("kind", CURVES)
def test_a_curve_waits_for_the_device_as_often_whatever_its_sizes(kind, setting, network, spec_of):
    """Once a chunk, and for its numbers."""

    def waits(sizes):
        with pretended_device() as device:
            model, placed = on(DEVICE, setting, network)
            device.sends.clear()
            evaluate(model, placed, spec_of(kind, sizes=sizes))
        assert not device.sends
        return device.waits

    assert waits(6) == waits(3)
    assert len(waits(3)) <= 3 * len([*setting.chunks()])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ACCURACIES)
def test_a_gpu_gives_the_same_accuracies_up_to_near_ties(kind, precision, setting, network, spec_of):
    compute_exactly()  # as workers do
    spec = spec_of(kind, precision=precision)
    expected, found = (
        [number.value for number in evaluate(*on(device, setting, network), spec).measurements]
        for device in ("cpu", "cuda")
    )
    assert found == pytest.approx(expected, abs=2 / len(setting.images))


@every_kind
def test_images_classified_counts_every_image_that_the_model_saw(kind, setting, linear, spec_of):
    model = linear(0)
    assert evaluate(model, setting, spec_of(kind)).images_classified == model.rows > 0


@every_kind
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_model_with_logits_that_are_not_finite_is_refused(kind, bad, setting, constant, spec_of):
    with pytest.raises(NotEvaluable, match=r"the model's logits are not finite for \d+ of \d+ images"):
        evaluate(constant([0.0, bad, 0.0]), setting, spec_of(kind))


@every_kind
def test_one_bad_image_is_enough_to_refuse(kind, setting, linear, spec_of):
    def light(images):
        return images.flatten(1).sum(1, keepdim=True)

    model, most = linear(0), light(unit_pixels(setting.images)).max()
    model.register_forward_hook(
        lambda module, inputs, logits: logits.masked_fill(light(inputs[0]) > most - 1e-3, math.nan)
    )
    with pytest.raises(NotEvaluable, match="not finite"):
        evaluate(model, setting, spec_of(kind))


@pytest.mark.parametrize("kind", [kind for kind in EVALUATIONS if kind != "clean"])
def test_logits_that_are_not_finite_only_under_a_perturbation_are_refused(kind, setting, linear, spec_of):
    known = unit_pixels(setting.images).flatten(1)

    def spoil(module, inputs, logits):
        changed = (inputs[0].flatten(1)[:, None] != known).any(2).all(1)
        return logits.masked_fill(changed[:, None], math.nan)

    model = linear(0)
    model.register_forward_hook(spoil)
    assert evaluate(model, setting, spec_of("clean")).measurements
    moved = dataclasses.replace(setting, attack=lambda model, images, labels, size=0.1: (images - size).abs())
    with pytest.raises(NotEvaluable, match="logits are not finite"):
        evaluate(model, moved, spec_of(kind))


@every_kind
def test_a_model_in_training_mode_is_a_mistake(kind, setting, linear, spec_of):
    with pytest.raises(ValueError, match="eval mode"):
        evaluate(linear(0).train(), setting, spec_of(kind))


@every_kind
def test_progress_never_goes_back_and_reaches_its_total(kind, setting, linear, spec_of):
    seen = []
    evaluate(linear(0), dataclasses.replace(setting, on_progress=seen.append, chunk=16), spec_of(kind))
    assert len(seen) > 1
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1].done == seen[-1].total
    assert len({progress.total for progress in seen}) == 1
    assert seen[-1].images_per_second > 0


def patient(model, images, labels, epsilon=0.3):
    """Somebody's own attack that asks the model 20 times."""
    for _ in range(20):
        model(images)
    return images


@pytest.mark.parametrize("kind", ["autoattack", "own_attack", "own_minimal_attack"])
def test_an_attack_is_heard_of_while_it_asks_the_model(kind, setting, linear, spec_of):
    """It may take hours for a batch, and a worker that is silent for one is taken to hang."""
    events = []
    model = linear(0)
    model.register_forward_pre_hook(lambda *_: events.append("asked"))
    heard = dataclasses.replace(setting, on_progress=lambda _: events.append("heard of"), attack=patient)
    longer = {"max_epsilon": 1e-5, "steps": 20, "queries": 20} if kind == "autoattack" else {}
    evaluate(model, heard, spec_of(kind, **longer))
    silences = [len(list(group)) for event, group in itertools.groupby(events) if event == "asked"]
    assert events.count("asked") > 40
    assert max(silences) <= 3


@every_kind
def test_the_model_and_the_images_are_left_alone(kind, setting, linear, spec_of):
    model = linear(0)
    before = setting.images.clone(), model.weights.clone(), torch.get_rng_state()
    evaluate(model, setting, spec_of(kind))
    assert all(map(torch.equal, (setting.images, model.weights, torch.get_rng_state()), before))


@pytest.mark.parametrize("kind", ACCURACIES)
@pytest.mark.parametrize(("n_images", "counted"), [(None, 120), (50, 50), (1000, 120)])
def test_n_is_the_number_of_images_behind_each_accuracy(kind, n_images, counted, setting, linear, spec_of):
    result = evaluate(linear(0), setting, spec_of(kind, n_images=n_images))
    assert {number.n for number in result.measurements} == {counted}


@pytest.mark.parametrize("kind", CURVES)
@pytest.mark.parametrize("clip", ["image", "unit"])
def test_zero_epsilon_equals_clean_accuracy(kind, clip, setting, network, spec_of):
    [clean] = evaluate(network, setting, spec_of("clean")).measurements
    first, *rest = evaluate(network, setting, spec_of(kind, clip=clip)).measurements
    assert (first.value, first.epsilon) == (clean.value, 0)
    assert clean.value > 0.8
    assert all(number.value < clean.value for number in rest)


@pytest.mark.parametrize("kind", ACCURACIES)
def test_a_constant_model_has_the_share_of_its_class_everywhere(kind, setting, constant, spec_of):
    share = float((setting.labels == 3).double().mean())
    result = evaluate(constant([0.0, 0.0, 0.0, 1.0]), setting, spec_of(kind))
    assert {number.value for number in result.measurements} == {share}


def test_importing_the_evaluations_does_not_import_foolbox():
    code = "import sys, harness.evaluations; sys.exit('foolbox' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Randomized(nn.Module):
    """A defence that adds noise of its own."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network(images + 0.3 * torch.randn_like(images))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_network_that_draws_is_given_the_same_numbers_whatever_was_evaluated_before(
    precision, setting, network, spec_of
):
    model, gaussian = Randomized(network).eval(), spec_of("gaussian", precision=precision)
    torch.manual_seed(1)
    first, _, again = (evaluate(model, setting, spec) for spec in (gaussian, spec_of("clean"), gaussian))
    torch.manual_seed(2)
    assert first == again == evaluate(Randomized(network).eval(), setting, gaussian)


def test_a_network_that_changes_while_it_classifies_is_refused(setting, network, spec_of):
    class Changing(Randomized):
        def __init__(self):
            super().__init__(network)
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, images):
            self.seen += images.mean()
            return self.network(images)

    with pytest.raises(NotEvaluable, match="changes its buffer seen while it classifies"):
        evaluate(Changing().eval(), setting, spec_of("clean"))
