"""Evaluations in bfloat16 count where the model decides as it does in float32."""

from __future__ import annotations

import dataclasses
import gc
import weakref

import pytest
import torch
from torch import nn

from harness.errors import NotEvaluable
from harness.evaluations import EVALUATIONS, evaluate
from harness.evaluations.agreement import AGREEMENT_IMAGES, count_same, tried_in_bfloat16
from harness.evaluations.fgsm_transfer import gradient_signs
from harness.measurement import Measurement
from harness.models.bfloat16 import in_bfloat16
from harness.models.pixels import unit_pixels

ONE_PRECISION = {"hop_skip_jump"}
every_other_kind = pytest.mark.parametrize("kind", sorted(EVALUATIONS.keys() - ONE_PRECISION))


def rows_of(model: nn.Module) -> list[int]:
    """How many images each later call of the model, or of a copy of it, is about."""
    rows: list[int] = []
    model.register_forward_pre_hook(lambda module, inputs: rows.append(len(inputs[0])))
    return rows


@every_other_kind
def test_a_model_that_agrees_with_itself_is_evaluated_in_bfloat16(kind, setting, network, spec_of):
    result = evaluate(network, setting, spec_of(kind, precision="bfloat16"))
    expected = evaluate(in_bfloat16(network), setting, spec_of(kind))
    agreed = Measurement(metric="agreement", value=1.0, n=120)
    assert result.measurements == (*expected.measurements, agreed)
    assert (result.images, result.images_classified) == (expected.images, expected.images_classified)
    assert result.warning is None


def test_numbers_in_bfloat16_are_not_those_of_float32(setting, network, spec_of):
    scores = [
        evaluate(network, setting, spec_of("boundary", precision=precision)).measurements[0]
        for precision in ("bfloat16", "float32")
    ]
    assert scores[0] != scores[1]
    assert scores[0].value == pytest.approx(scores[1].value, rel=0.1)


@every_other_kind
def test_a_model_that_does_not_agree_is_evaluated_in_float32_and_a_warning_says_so(kind, setting, shifted, spec_of):
    result = evaluate(shifted, setting, spec_of(kind, precision="bfloat16"))
    expected = evaluate(shifted, setting, spec_of(kind))
    *numbers, agreed = result.measurements
    assert tuple(numbers) == expected.measurements
    assert (result.images, expected.warning) == (expected.images, None)
    assert (agreed.metric, agreed.n) == ("agreement", 120)
    assert agreed.value < 0.5
    same = round(agreed.value * 120)
    assert result.warning == (
        f"done in float32: in bfloat16 only {same} of 120 test images get the same class, not 99%"
    )


def test_agreement_is_asked_once_for_a_model_and_its_test_images(setting, linear, spec_of):
    model, others = linear(0), dataclasses.replace(setting, images=setting.images.flip(0))
    rows = rows_of(model)
    first = evaluate(model, setting, spec_of("clean", precision="bfloat16"))
    assert sum(rows) == 3 * 120  # in both precisions, then the evaluation itself
    assert (
        evaluate(model, setting, spec_of("clean", precision="bfloat16", n_images=50)).measurements[-1]
        == (first.measurements[-1])
    )
    assert sum(rows) == 3 * 120 + 50
    evaluate(model, others, spec_of("clean", precision="bfloat16"))
    assert sum(rows) == 3 * 120 + 50 + 3 * 120


def test_a_network_of_other_layers_is_evaluated_in_float32_and_a_warning_says_so(setting, spec_of):
    network = nn.Sequential(nn.Flatten(), nn.LayerNorm(64), nn.Linear(64, 10)).eval()
    result = evaluate(network, setting, spec_of("gaussian", precision="bfloat16"))
    assert result.measurements == evaluate(network, setting, spec_of("gaussian")).measurements
    assert result.warning == (
        "done in float32: a network with weights in LayerNorm is not evaluated in bfloat16, only one of convolutions, "
        "BatchNorm and linear layers"
    )


def test_float32_asks_nothing(setting, linear, spec_of):
    model = linear(0)
    rows = rows_of(model)
    assert [number.metric for number in evaluate(model, setting, spec_of("clean")).measurements] == ["accuracy"]
    assert sum(rows) == 120


def test_no_more_images_are_compared_than_settle_it(digits, setting, linear, spec_of):
    many = dataclasses.replace(setting, images=digits[0].repeat(2, 1, 1, 1), labels=digits[1].repeat(2))
    assert len(many.images) > AGREEMENT_IMAGES
    assert evaluate(linear(0), many, spec_of("clean", precision="bfloat16")).measurements[-1].n == AGREEMENT_IMAGES


def test_models_are_not_kept_in_memory(setting, linear, spec_of):
    model = linear(0)
    gone = weakref.ref(model)
    evaluate(model, setting, spec_of("clean", precision="bfloat16"))
    del model
    gc.collect()
    assert gone() is None


def test_images_that_both_models_put_into_the_same_class_are_counted(setting, plane):
    a, b = plane(torch.eye(64)[20]), plane(torch.eye(64)[43])
    images = unit_pixels(setting.images)
    expected = int((a(images).argmax(1) == b(images).argmax(1)).sum())
    assert 0 < expected < 120
    assert count_same(a, b, setting) == expected


def test_logits_that_are_not_finite_agree_with_nothing(setting, constant):
    sure, broken = constant([1.0, 0.0]), constant([torch.nan, 0.0])  # argmax takes NaN for the largest
    assert count_same(sure, broken, setting) == 0
    with pytest.raises(NotEvaluable, match="the model's logits are not finite"):
        count_same(broken, sure, setting)


@pytest.mark.parametrize(("same", "used"), [(100, True), (99, True), (98, False)])
def test_agreement_on_99_percent_is_enough(same, used, smaller, linear):
    """Of 100 images; the copy answers otherwise for those that remain."""
    model, setting = linear(0), smaller(100)
    order = unit_pixels(setting.images).flatten(1).sum(1).sort().values
    darkest = order[100 - same]

    def differ(module, inputs, logits):
        dark = inputs[0].flatten(1).sum(1) < darkest
        return torch.where(dark[:, None] & torch.tensor(module is not model), -logits, logits)

    model.register_forward_hook(differ)
    trial = tried_in_bfloat16(model, setting)
    assert trial.agreement == Measurement(metric="agreement", value=same / 100, n=100)
    assert (trial.model is not None, trial.warning is None) == (used, used)


def test_signs_of_the_substitutes_gradients_stay_float32(setting, network, spec_of):
    spec = spec_of("fgsm_transfer", precision="bfloat16")
    substitute = network
    [*curve, _] = evaluate(network, dataclasses.replace(setting, substitute=substitute), spec).measurements
    images, labels = unit_pixels(setting.images), setting.labels
    signs = gradient_signs(substitute, images, labels)
    moved = (images + curve[-1].epsilon * signs).clamp(0, 1)
    attacked = in_bfloat16(network)
    assert curve[-1].value == float((attacked(moved).argmax(1) == labels).double().mean())


def test_a_precision_that_is_left_open_is_a_mistake(setting, linear, spec_of):
    with pytest.raises(ValueError, match="clean spec is not resolved"):
        evaluate(linear(0), setting, spec_of("clean", precision="auto"))


def test_progress_tells_what_is_compared(setting, linear, spec_of):
    seen = []
    evaluate(linear(0), dataclasses.replace(setting, on_progress=seen.append), spec_of("clean", precision="bfloat16"))
    assert [progress.text for progress in seen if progress.text] == [
        "bfloat16 beside float32: 64/120 images",
        "bfloat16 beside float32: 120/120 images",
    ]
    assert [progress.done for progress in seen] == [0, 0, 64, 120]
