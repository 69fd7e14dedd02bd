"""A model says once what it says about the clean test images, and no result shows what was evaluated before it."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from harness.errors import NotEvaluable
from harness.evaluations import evaluate

CURVES = ["gaussian", "uniform", "salt_pepper", "fgsm_transfer"]


@pytest.mark.parametrize("kind", CURVES)
def test_a_curve_begins_with_the_clean_pass_that_was_made_before(kind, setting, linear, spec_of):
    model, spec = linear(0), spec_of(kind)
    clean = evaluate(model, setting, spec_of("clean"))
    assert model.rows == 120
    curve = evaluate(model, setting, spec)
    assert model.rows == 120 * spec.sizes
    assert curve.measurements[0].value == clean.measurements[0].value
    assert curve.images_classified == 120 * spec.sizes
    assert curve == evaluate(linear(0), setting, spec)


def test_fewer_images_are_known_when_more_are_unless_a_chunk_is_cut(setting, linear, spec_of):
    model = linear(0)
    evaluate(model, setting, spec_of("clean"))
    evaluate(model, setting, spec_of("clean").replaced(n_images=64))
    assert model.rows == 120
    evaluate(model, setting, spec_of("clean").replaced(n_images=100))
    assert model.rows == 120 + 100


def test_other_models_and_other_images_are_asked_anew(setting, smaller, linear, spec_of):
    model, spec = linear(0), spec_of("clean")
    found = evaluate(model, setting, spec)
    assert evaluate(linear(1), setting, spec) != found
    flipped = smaller(120, images=setting.images.flip(0))
    assert evaluate(model, flipped, spec) == evaluate(linear(0), flipped, spec)
    assert model.rows == 240


def test_other_labels_of_the_same_images_are_asked_anew(setting, smaller, linear, spec_of):
    """The substitute's gradients are those at the labels."""
    model, spec = linear(0), spec_of("fgsm_transfer")
    before = evaluate(model, setting, spec)
    relabelled = smaller(120, labels=setting.labels.roll(1))
    found = evaluate(model, relabelled, spec)
    anew = smaller(120, labels=relabelled.labels, substitute=linear(7))
    assert found == evaluate(model, anew, spec) != before


def test_a_model_that_is_not_needed_any_more_is_forgotten(setting, linear, spec_of):
    model = linear(0)
    evaluate(model, setting, spec_of("clean"))
    watched = weakref.ref(model)
    del model
    gc.collect()
    assert watched() is None


def test_predictions_that_are_not_finite_are_not_remembered(setting, linear, spec_of):
    model = linear(0)
    model.bias = torch.full((10,), torch.nan)
    for _ in range(2):
        with pytest.raises(NotEvaluable):
            evaluate(model, setting, spec_of("clean"))
