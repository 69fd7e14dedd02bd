from __future__ import annotations

import re

import pytest

from harness.errors import SpecError
from harness.spec import OptimisationSpec, PerturbationSpec, RegularizerSpec, TrainingSpec
from harness.spec.problems import validated
from harness.spec.training import OF_PHASES

HIGH = {"alpha": 10, "images": "digits", "pair_range": "high", "threshold": 0.5}


@pytest.mark.parametrize("target", ["neural", "raw", "label", "features", "mine.py:gist"])
def test_a_range_of_pixel_similarities_is_for_targets_of_pixels_alone(target):
    with pytest.raises(SpecError, match=rf"pair_range 'high' is one of pixel similarities; target '{target}' has all"):
        validated(RegularizerSpec, HIGH | {"target": target}, "my.toml", "conditions.mine")


@pytest.mark.parametrize("target", ["pixel", "threshold"])
def test_targets_of_pixels_have_all_ranges(target):
    assert validated(RegularizerSpec, HIGH | {"target": target}, "my.toml", "conditions.mine").pair_range == "high"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threshold": None}, "threshold is missing: target 'threshold' with pair_range 'high' needs it"),
        ({"target": "pixel", "pair_range": "all"}, "threshold has no effect with target 'pixel' and pair_range 'all'"),
        ({"pair_range": "double"}, "threshold_low goes with pair_range 'double', and only with it"),
        ({"threshold_low": 0.2}, "threshold_low goes with pair_range 'double', and only with it"),
        ({"pair_range": "double", "threshold_low": 0.5}, r"must be below threshold \(Th1\), got 0.5 and 0.5"),
        ({"options": {"power": 2}}, "options are for a target of your own, not for 'threshold'"),
    ],
)
def test_settings_of_a_regularizer_that_would_do_nothing_are_refused(changes, said):
    with pytest.raises(SpecError, match=said):
        validated(RegularizerSpec, HIGH | {"target": "threshold"} | changes, "my.toml", "conditions.mine")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "gaussian"}, "epsilon is missing: 'gaussian' needs it"),
        ({"kind": "adversarial", "epsilon": 0.1}, "steps is missing: 'adversarial' needs it"),
        ({"kind": "gaussian", "epsilon": 0.1, "steps": 2}, "steps has no effect with 'gaussian'; leave it out"),
        (
            {"kind": "mine.py:cutout", "epsilon": 0.1},
            "epsilon has no effect with 'mine.py:cutout'; give it what it needs by `options`",
        ),
        (
            {"kind": "gaussian", "epsilon": 0.1, "options": {"side": 2}},
            "options are for a perturbation of your own, not for 'gaussian'",
        ),
        ({"kind": "pgd"}, "should be 'gaussian', 'adversarial', or FILE.py:NAME for a function of your own"),
    ],
)
def test_settings_of_a_perturbation_that_are_missing_or_would_do_nothing_are_refused(table, said):
    with pytest.raises(SpecError, match=re.escape(said)):
        validated(PerturbationSpec, table, "my.toml", "conditions.mine")


def test_a_baseline_learns_without_any_of_what_is_compared_with_it():
    parts = {
        "regularizer": {"target": "pixel", "alpha": 1, "images": "digits"},
        "penalty": {"function": "mine.py:f", "weight": 1},
        "perturbation": {"kind": "gaussian", "epsilon": 0.1},
    }
    plain = TrainingSpec(classification="digits", augmentation="none")
    for name, table in parts.items():
        assert plain.replaced(**{name: table}).unregularized == plain


def test_what_is_kept_of_a_cosine_names_no_settings_of_phases():
    cosine = OptimisationSpec(schedule="cosine", learning_rate=0.01)
    assert OptimisationSpec().model_dump().keys() - cosine.model_dump().keys() == {*OF_PHASES}
    assert OptimisationSpec.model_validate(cosine.model_dump()) == cosine == cosine.replaced(epochs=40)


@pytest.mark.parametrize("name", OF_PHASES)
def test_settings_of_phases_are_refused_beside_a_cosine_unless_they_are_the_defaults(name):
    default = OptimisationSpec.model_fields[name].default
    cosine = {"schedule": "cosine", name: default}
    same = validated(OptimisationSpec, cosine, "my.toml", "train.optimisation")
    assert same == OptimisationSpec(schedule="cosine")
    with pytest.raises(SpecError, match=rf"{name} has no effect with schedule 'cosine'; leave it out, or say {name} ="):
        validated(OptimisationSpec, cosine | {name: 1}, "my.toml", "train.optimisation")
