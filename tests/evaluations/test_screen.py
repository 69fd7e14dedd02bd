"""What bfloat16 helps to find is what float32 finds."""

from __future__ import annotations

import copy
import dataclasses
import gc
import math
import weakref

import pytest
import torch
from pretended_device import DEVICE, pretended_device
from torch import nn

from harness.evaluations import EVALUATIONS, SCREENED, evaluate
from harness.evaluations.classifier import Classifier
from harness.evaluations.screen import AUDITED, LEAST_WORK, Screen, largest_error, near, screen_for
from harness.models.bfloat16 import in_bfloat16
from harness.models.pixels import unit_pixels

ENOUGH = {
    "gaussian": {"sizes": 11},
    "uniform": {"sizes": 11},
    "salt_pepper": {"sizes": 11},
    "fgsm_transfer": {"sizes": 11},
    "own_transferred_attack": {"sizes": 11},
    "corruption": {"corruptions": ("fog", "snow"), "severities": (1, 2, 3, 4, 5)},
    "fourier": {},
}
"""By kind: what makes an evaluation large enough."""
large = pytest.mark.parametrize("kind", ENOUGH)


@pytest.fixture
def many(digits, setting):
    """A setting of as many digits as a screen needs."""
    images, labels = digits[0][:240], digits[1][:240]
    stacked = torch.cat([images // severity for severity in range(1, 6)])
    split = dataclasses.replace(setting.corrupted("fog"), images=stacked, labels=labels.repeat(5))
    return dataclasses.replace(setting, images=images, labels=labels, corrupted=lambda name: split, screened=True)


def plain(setting):
    return dataclasses.replace(setting, screened=False)


@pytest.fixture
def asked(network):
    """The network, and of how many images each precision was asked."""
    model, counts = copy.deepcopy(network), {torch.float32: 0, torch.bfloat16: 0}

    def count(layer, inputs):
        counts[layer.weight.dtype] += len(inputs[0])

    model[0].register_forward_pre_hook(count)  # copies have it too
    return model, counts


@large
def test_the_result_is_that_of_float32_and_float32_is_asked_about_few_images(kind, many, asked, spec_of):
    model, counts = asked
    spec = spec_of(kind, **ENOUGH[kind])
    found, screened = evaluate(model, many, spec), counts.copy()
    expected = evaluate(copy.deepcopy(model), plain(many), spec)
    assert found.measurements == expected.measurements
    assert found.arrays.keys() == expected.arrays.keys()
    assert all((found.arrays[name] == expected.arrays[name]).all() for name in found.arrays)
    assert found.images_classified == expected.images_classified
    assert screened[torch.bfloat16] >= found.images_classified
    assert screened[torch.float32] < 0.4 * found.images_classified


@large
def test_a_network_that_bfloat16_does_not_suit_is_asked_in_float32(kind, many, shifted, spec_of):
    spec = spec_of(kind, **ENOUGH[kind])
    assert screen_for(shifted, many, expected=1 << 30) is None
    assert evaluate(shifted, many, spec).measurements == evaluate(shifted, plain(many), spec).measurements


@pytest.mark.parametrize("kind", sorted(EVALUATIONS.keys() - SCREENED))
def test_attacks_that_ask_where_classes_meet_have_no_screen(kind, many, asked, spec_of):
    model, counts = asked
    evaluate(model, many, spec_of(kind))
    assert counts[torch.bfloat16] == 0


@pytest.mark.parametrize(
    ("kind", "changes"), [("clean", {}), ("gaussian", {"sizes": 9}), ("gaussian", {"sizes": 11, "n_images": 150})]
)
def test_small_evaluations_have_no_screen(kind, changes, many, asked, spec_of):
    model, counts = asked
    evaluate(model, many, spec_of(kind, **changes))
    assert counts[torch.bfloat16] == 0


def test_an_evaluation_in_bfloat16_has_no_screen(many, network, spec_of):
    spec = spec_of("gaussian", sizes=11, precision="bfloat16")
    assert evaluate(network, many, spec) == evaluate(network, plain(many), spec)


def test_a_network_of_other_layers_has_no_screen(many):
    other = nn.Sequential(nn.Flatten(), nn.LayerNorm(64), nn.Linear(64, 10)).eval()
    assert screen_for(other, many, expected=1 << 30) is None


def test_evaluations_of_a_model_share_its_trial(many, asked, spec_of):
    model, counts = asked
    before = []
    for kind in ("gaussian", "uniform"):
        evaluate(model, many, spec_of(kind, sizes=11))
        before.append(counts[torch.bfloat16])
    # both begin with the clean pass, the first has the trial as well
    assert before == [240 + 11 * 240, 240 + 11 * 240 + 10 * 240]


def test_models_are_not_kept_in_memory(many, network, spec_of):
    model = copy.deepcopy(network)
    gone = weakref.ref(model)
    evaluate(model, many, spec_of("gaussian", sizes=11))
    del model
    gc.collect()
    assert gone() is None


class Drawing(nn.Module):
    """A network that draws while it classifies."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network(images + 1e-6 * torch.randn_like(images))


def test_a_trial_leaves_the_global_generators_alone(many, network):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert screen_for(Drawing(network).eval(), many, expected=LEAST_WORK * 240)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_device_gives_the_same_numbers(many, network, spec_of, monkeypatch):
    spec, rounded = spec_of("gaussian", sizes=11), in_bfloat16(network)
    expected = evaluate(copy.deepcopy(network), many, spec)
    with pretended_device():
        model = rounded.to(DEVICE)  # there no parameter changes its type
        monkeypatch.setattr("harness.evaluations.screen.in_bfloat16", lambda _: model)
        placed = dataclasses.replace(many, images=many.images.to(DEVICE), labels=many.labels.to(DEVICE))
        found = evaluate(copy.deepcopy(network).to(DEVICE), placed, spec)
    assert found == expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@large
def test_on_a_gpu_the_result_is_that_of_float32(kind, many, network, spec_of):
    model = copy.deepcopy(network).to("cuda")
    placed = dataclasses.replace(
        many, images=many.images.to("cuda"), labels=many.labels.to("cuda"), substitute=copy.deepcopy(model)
    )
    spec = spec_of(kind, **ENOUGH[kind])
    assert evaluate(model, placed, spec).measurements == evaluate(model, plain(placed), spec).measurements


class Erring(nn.Module):
    """Logits of images (n, 1, 1, 3): their pixels; bfloat16 is off by an error for each image."""

    def __init__(self, errors):
        super().__init__()
        self.errors = errors

    def forward(self, images):
        logits = images.flatten(1).clone()
        logits[:, 0] += self.errors[: len(images)]
        return logits


def images_leading_by(leads):
    """An image each whose class 0 leads by so much in float32."""
    images = torch.zeros(len(leads), 1, 1, 3)
    images[:, 0, 0, 0] = torch.as_tensor(leads)
    return images


def asked_by(screen, images, chunk=1000):
    """The classes that a screen finds, and the leads of the images about which it asks float32, each time it does."""
    seen = []

    def exact(some):
        seen.append(some[:, 0, 0, 0].tolist())
        return some.flatten(1)

    return screen.classes(images, chunk, exact).tolist(), seen


def test_float32_is_asked_about_images_whose_lead_is_not_trusted_and_about_some_others():
    leads = [1.0, 0.2, 0.1, 1.0, 0.3]
    _, seen = asked_by(Screen(Erring(torch.zeros(5)), lead=0.2), images_leading_by(leads))
    assert seen == [pytest.approx([1.0, 0.2, 0.1])]
    many = torch.full((2 * AUDITED + 1,), 1.0)
    classes, seen = asked_by(Screen(Erring(torch.zeros(len(many))), lead=0.2), images_leading_by(many))
    assert (classes, seen) == ([0] * len(many), [[1.0] * 3])


def test_a_larger_error_than_expected_makes_larger_leads_doubtful():
    # the first image is always asked about: it is off by 0.3, so leads up to 0.6 are no longer trusted, and so on
    leads, errors = [1.2, -0.1, 0.3, 0.9, 1.6], [0.3, 0.6, 0.25, 0.05, 0.0]
    screen = Screen(Erring(torch.tensor(errors)), lead=0.2)
    classes, seen = asked_by(screen, images_leading_by(leads))
    assert [sorted(some) for some in seen] == [pytest.approx(some) for some in ([1.2], [-0.1, 0.3], [0.9])]
    assert classes == [0, 1, 0, 0, 0]
    assert screen.lead == pytest.approx(1.2)
    screen.rounded = Erring(torch.zeros(3))
    _, later = asked_by(screen, images_leading_by([5.0, 0.9, 1.6]))
    assert later == [pytest.approx([5.0, 0.9])]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_in_bfloat16_are_asked_again_and_nothing_is_trusted_after_them(bad):
    errors = torch.tensor([0.0, bad, 0.0, 0.0])
    classes, seen = asked_by(Screen(Erring(errors), lead=0.2), images_leading_by([1.0, -2.0, 3.0, 4.0]))
    assert seen == [[1.0, -2.0], [3.0, 4.0]]
    assert classes == [0, 1, 0, 0]


def test_a_screen_that_asks_about_most_images_is_left(many, linear):
    images = unit_pixels(many.images)
    classifier = Classifier(linear(0), many, expected=1 << 30)
    classifier._screen = Screen(linear(0), lead=math.inf)
    for _ in range(5):
        assert torch.equal(classifier.predictions(images), linear(0)(images).argmax(1))
    assert classifier._screen.rounded.rows == 3 * 240  # more than 500 images tell
    assert classifier.images_classified == 5 * 240


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([1.0, 0.5, 0.0], True),
        ([0.0, 0.1, 3.0], False),
        ([1.0, 0.0, math.nan], True),
        ([1.0, 0.0, -math.inf], True),
        ([math.inf, 0.0, 0.0], True),
    ],
)
def test_a_class_is_trusted_that_leads_by_more_and_has_finite_logits_beside_it(logits, expected):
    assert near(torch.tensor([logits]), 0.5).tolist() == [expected]


@pytest.mark.parametrize(
    ("rounded", "exact", "expected"),
    [
        ([0.0, 0.1, 3.0], [0.0, 0.0, 2.5], 0.5),  # it leads by 2.5 instead of 3.0, and by 2.5 instead of 2.9
        ([0.0, 0.1, 2.0], [0.0, 0.0, 2.5], 0.6),
        ([5.0, 6.0, 7.0], [0.0, 1.0, 2.0], 0.0),
        ([0.0, 0.1, -1.0], [0.1, 0.0, -0.5], 0.6),  # of the class that is first in bfloat16
    ],
)
def test_bfloat16_is_off_by_what_its_class_leads_too_far_or_not_far_enough(rounded, exact, expected):
    alone = largest_error(torch.tensor([rounded]), torch.tensor([exact]))
    among = largest_error(torch.tensor([[3.0, 0.0, 0.0], rounded]), torch.tensor([[3.0, 0.0, 0.0], exact]))
    assert float(alone) == float(among) == pytest.approx(expected)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_bfloat16_is_off_by_any_amount_where_logits_are_not_finite(bad):
    whole, broken = torch.tensor([[1.0, 0.5]]), torch.tensor([[1.0, bad]])
    assert float(largest_error(whole, broken)) > 1e30
    assert float(largest_error(broken, whole)) > 1e30


def test_the_trial_is_of_the_first_500_images_as_evaluations_in_bfloat16_see_them(digits, many, asked):
    model, counts = asked
    whole = dataclasses.replace(many, images=digits[0][:700], labels=digits[1][:700])
    screen = screen_for(model, whole, expected=1 << 30)
    assert counts == {torch.float32: 500, torch.bfloat16: 500}
    images = unit_pixels(digits[0][:500])
    error = largest_error(in_bfloat16(model)(images), model(images))
    assert screen.lead == pytest.approx(2 * float(error), rel=0.2)  # rounding depends on the chunk


def test_no_more_images_than_a_chunk_are_classified_at_once(many, asked):
    model, _ = asked
    sizes = []
    model[0].register_forward_pre_hook(lambda layer, inputs: sizes.append(len(inputs[0])))
    classifier = Classifier(model, many, expected=1 << 30)
    classifier.predictions(unit_pixels(many.images))
    assert max(sizes) == many.chunk
