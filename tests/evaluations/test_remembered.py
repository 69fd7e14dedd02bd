"""A model says once what it says about the clean test images, and no result shows what was evaluated before it."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from harness.errors import NotEvaluable
from harness.evaluations import evaluate
from harness.evaluations.remembered import Series

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


def made(series, model, setting, what="attack", of=4):
    """A series of so many tensors of 400 bytes, and how many of them were made for it."""
    found = []

    def one(number):
        found.append(number)
        return torch.full((100,), float(number))

    parts = series.of(model, setting, what, map(one, range(of)))
    assert [float(part[0]) for part in parts] == list(range(of))
    return len(found)


def test_a_series_is_made_once_if_there_is_room_for_all_of_it(setting, linear):
    model = linear(0)
    for room, again in ((4 * 400, 0), (4 * 400 - 1, 4), (0, 4)):
        series = Series(room)
        assert [made(series, model, setting) for _ in range(3)] == [4, again, again]


def test_series_share_the_room_and_those_of_a_forgotten_model_leave_it(setting, linear):
    series, models = Series(10 * 400), [linear(0), linear(1)]
    for what in ("attack", "another"):
        assert made(series, models[0], setting, what) == 4
    assert [made(series, models[1], setting) for _ in range(2)] == [4, 4]
    assert [made(series, models[1], setting, of=2) for _ in range(2)] == [2, 0]
    assert made(series, models[0], setting, "another") == 0
    del models[0]
    gc.collect()
    assert [made(series, models[0], setting, "another") for _ in range(2)] == [4, 0]


def test_a_series_that_was_not_asked_for_to_its_end_is_not_remembered(setting, linear):
    series, model = Series(10 * 400), linear(0)
    next(series.of(model, setting, "attack", iter(torch.zeros(4, 100))))
    assert [made(series, model, setting) for _ in range(2)] == [4, 0]


def test_a_series_of_other_images_or_of_fewer_is_another(setting, smaller, linear):
    series, model = Series(10 * 400), linear(0)
    for other in (setting, smaller(64), smaller(64, labels=setting.labels[:64].roll(1)), setting):
        assert [made(series, model, other) for _ in range(2)] == [4, 0]


def test_writing_over_what_a_series_gives_changes_it_for_nobody(setting, linear):
    series, model = Series(10 * 400), linear(0)
    for _ in range(3):
        for part in series.of(model, setting, "attack", iter(torch.ones(4, 100))):
            assert torch.equal(part, torch.ones(100))
            part.zero_()
