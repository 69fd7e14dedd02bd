"""Transferred FGSM uses the substitute's gradients, once per image."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from harness.errors import NotEvaluable
from harness.evaluations import evaluate
from harness.evaluations.fgsm_transfer import gradient_signs
from harness.models.pixels import unit_pixels


def test_signs_are_those_of_each_images_own_gradient(setting, network):
    images, labels = unit_pixels(setting.images), setting.labels
    signs = gradient_signs(network, images, labels)
    assert signs.shape == images.shape
    assert signs.dtype == torch.int8
    for index in range(5):
        pixels = images[index : index + 1].clone().requires_grad_()
        nn.functional.cross_entropy(network(pixels), labels[index : index + 1]).backward()
        assert torch.equal(signs[index : index + 1].float(), pixels.grad.sign())


def test_signs_are_computed_even_where_gradients_are_switched_off(setting, network):
    images, labels = unit_pixels(setting.images), setting.labels
    with torch.no_grad():
        assert gradient_signs(network, images, labels).any()


def test_a_step_along_the_signs_raises_the_substitutes_loss(setting, network):
    images, labels = unit_pixels(setting.images), setting.labels
    moved = images + 0.05 * gradient_signs(network, images, labels)
    loss = nn.functional.cross_entropy
    assert loss(network(moved), labels) > 1.5 * loss(network(images), labels)


def test_the_substitute_attacked_with_its_own_gradients_is_hurt_most(setting, network, linear, spec_of):
    spec = spec_of("fgsm_transfer")
    own = evaluate(network, dataclasses.replace(setting, substitute=network), spec).measurements[-1]
    other = evaluate(network, dataclasses.replace(setting, substitute=linear(3)), spec).measurements[-1]
    assert own.epsilon == other.epsilon == 0.2
    assert own.value < other.value - 0.2


def test_models_that_share_a_substitute_share_its_gradients(setting, linear, spec_of):
    substitute = linear(7)
    shared = dataclasses.replace(setting, substitute=substitute)
    spec = spec_of("fgsm_transfer")
    first = evaluate(linear(0), shared, spec)
    assert substitute.rows == 120
    assert evaluate(linear(0), shared, spec) == first
    evaluate(linear(1), shared, spec.replaced(n_images=64))
    assert substitute.rows == 120


def test_other_images_or_labels_have_gradients_of_their_own(setting, linear, spec_of):
    spec = spec_of("fgsm_transfer")
    remembering = dataclasses.replace(setting, substitute=linear(7))
    evaluate(linear(0), remembering.first(50), spec)
    for changed in (
        remembering,  # more images
        dataclasses.replace(remembering, images=setting.images.flip(0)),
        dataclasses.replace(remembering, labels=(setting.labels + 1) % 10),
    ):
        fresh = dataclasses.replace(changed, substitute=linear(7))
        assert evaluate(linear(0), changed, spec) == evaluate(linear(0), fresh, spec)


def test_a_substitute_with_logits_that_are_not_finite_is_refused(setting, linear, constant, spec_of):
    broken = linear(7)
    broken.bias = torch.tensor([torch.nan] + [0.0] * 9)
    with pytest.raises(NotEvaluable, match="substitute's logits are not finite"):
        evaluate(linear(0), dataclasses.replace(setting, substitute=broken), spec_of("fgsm_transfer"))


def test_a_missing_substitute_is_a_mistake(setting, linear, spec_of):
    with pytest.raises(ValueError, match="needs a substitute"):
        evaluate(linear(0), dataclasses.replace(setting, substitute=None), spec_of("fgsm_transfer"))
